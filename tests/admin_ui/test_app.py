"""What holds for every answer: headers, foreign posts, limits, errors in words and never with our insides."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import APIRouter
from starlette.routing import Match, Route

from admin_ui.registry import PAGES
from server.config.tables import releases
from server.features.web.problems import PREFIX
from server.features.web.sections import Section
from server.registry import FEATURES
from server.settings import Settings
from tests.admin_ui.conftest import Site


def test_health(site: Site) -> None:
    client = site.client()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["release"] == 1


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    client = site.client("li")
    for path in ("/", "/login", "/nothing-here", "/static/app.css", "/healthz"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "frame-ancestors 'none'" in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_kept_and_versioned_files_are(site: Site) -> None:
    client = site.client("li")
    page = client.get("/")
    assert page.headers["cache-control"] == "no-store"
    assert "HX-Request-Type" in page.headers["vary"]
    assert "immutable" in client.get("/static/vendor/htmx-4.0.1/htmx.min.js").headers["cache-control"]
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/static/app.css?v=1").headers["cache-control"]
    assert client.get("/static/app.css", headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://testserver"}, 303),
        ({}, 303),
    ],
)
def test_other_sites_cannot_post(site: Site, headers: dict[str, str], status: int) -> None:
    answer = site.client("li").post("/locale", data={"locale": "en", "back": "/"}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "another site" in answer.text


def test_a_foreign_link_still_opens_pages(site: Site) -> None:
    assert site.client("li").get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_errors_are_pages_in_the_shell(site: Site) -> None:
    answer = site.client("li").get("/o/customer/999999")
    assert answer.status_code == 404
    assert "no such record" in answer.text and "Customers" in answer.text


def test_htmx_gets_a_note_instead_of_a_page(site: Site) -> None:
    answer = site.client("li").get("/o/customer/999999", headers={"hx-request": "true"})
    assert answer.status_code == 404
    assert answer.headers["hx-retarget"] == "#notes"
    assert "<html" not in answer.text


def test_wrong_methods_and_media(site: Site) -> None:
    client = site.client("li")
    assert client.delete("/o/customer").status_code == 405
    assert "GET" in client.delete("/o/customer").headers["allow"]
    assert client.post("/o/customer/new", json={"name": "x"}).status_code == 415
    assert not re.search(r'(href|name="_back" value)="[^"]*evil', client.get("/o/customer/new?_back=//evil.example").text)


def test_large_bodies_are_refused_before_they_are_read(site: Site) -> None:
    client = site.client("li")
    answer = client.post(
        "/o/customer/new", content=b"name=" + b"x" * (Settings().body_limit + 1), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413
    assert "too large" in answer.text

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"a=" + b"x" * 100_000

    streamed = client.post("/o/customer/new", content=endless(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert streamed.status_code == 413


def test_a_bug_tells_nothing_of_our_insides(site: Site) -> None:
    router = APIRouter()

    @router.get("/bug")
    def bug() -> None:
        raise RuntimeError("secret detail")

    site.app.include_router(router)
    answer = site.client("li").get("/bug")
    assert answer.status_code == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


def test_nobody_signed_in_is_sent_to_sign_in_and_back(site: Site) -> None:
    client = site.client()
    answer = client.get("/o/customer?q=fog")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fo%2Fcustomer%3Fq%3Dfog"
    partial = client.get("/o/customer", headers={"hx-request": "true"})
    assert partial.status_code == 401 and partial.headers["hx-redirect"] == "/login"


def test_an_unreachable_database_is_not_ready(site: Site) -> None:
    site.app.state.database = type("Gone", (), {"read": lambda self: (_ for _ in ()).throw(ConnectionError)})()
    assert site.client().get("/healthz").status_code == 200


def test_a_database_that_is_away_is_said_and_is_no_fault(site: Site, tmp_path: Path) -> None:
    client = site.client("li")
    site.database.close()
    (tmp_path / "site.sqlite").rename(tmp_path / "aside")
    (tmp_path / "site.sqlite").mkdir()
    for headers in ({}, {"hx-request": "true"}):
        answer = client.get("/o/customer", headers=headers)
        assert (answer.status_code, "The database does not answer" in answer.text) == (503, True)
    told = client.post("/api/objects/customer/records", json={})
    assert (told.status_code, told.json()["code"], told.headers["retry-after"]) == (503, "unavailable", "3")
    assert client.get("/readyz").status_code == 503
    (tmp_path / "site.sqlite").rmdir()
    (tmp_path / "aside").rename(tmp_path / "site.sqlite")
    assert client.get("/o/customer").status_code == 200


def test_a_mistake_in_a_statement_is_a_fault_of_ours(site: Site) -> None:
    client = site.client("li")
    with site.database.write() as connection:
        connection.execute(sa.DDL("ALTER TABLE alerts RENAME TO elsewhere"))
    assert client.get("/alerts").status_code == 500


def test_a_release_of_a_newer_program_is_told_on_every_page(site: Site) -> None:
    client = site.client("li")
    with site.database.write() as connection:
        connection.execute(sa.update(releases).values(language=2, digest="newer"))
    for path in ("/", "/o/client", "/login", "/studio"):
        answer = client.get(path)
        assert answer.status_code == 503 and "version 2 of the expression language" in answer.text, path
    with site.database.write() as connection:
        connection.execute(sa.update(releases).values(language=1))
    assert client.get("/").status_code == 200


URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"title=%ff", "not UTF-8"), (b"title=\xe6", "not UTF-8"), (b"title=%ed%a0%80", "not UTF-8"), (b"a=1&" * 20_001, "more than 20000 fields")],
)
def test_a_form_that_cannot_be_read_is_refused(site: Site, body: bytes, said: str) -> None:
    answer = site.client("li").post("/locale", content=body, headers=URLENCODED)
    assert answer.status_code == 400 and said in answer.text


@pytest.mark.parametrize("back", [b"/matrix%3Fq%3D%E5%8D%97%20a", "/matrix?q=南+a".replace("?", "%3F").encode()])
def test_a_form_is_read_in_either_writing(site: Site, back: bytes) -> None:
    """Percent signs or bare UTF-8, a plus for a space; of several values the last counts; an empty one is there."""
    answer = site.client("li").post("/locale", content=b"x=&locale=zh_CN&locale=en&back=" + back, headers=URLENCODED, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] in {"/matrix?q=%E5%8D%97%20a", "/matrix?q=南 a"}


def test_every_address_is_found_behind_its_section(site: Site) -> None:
    sections = [route for route in site.app.router.routes if isinstance(route, Section)]
    routers = [("", area.router) for area in PAGES] + [(PREFIX, feature.api) for feature in FEATURES if feature.api is not None]
    assert len(sections) == len(routers)
    for prefix, router in routers:
        for route in router.routes:
            assert isinstance(route, Route)
            path, method = prefix + re.sub(r"\{\w+(:\w+)?\}", "7", route.path), min(route.methods or {"GET"})
            scope = {"type": "http", "path": path, "root_path": "", "method": method, "headers": []}
            assert Match.FULL in [section.matches(scope)[0] for section in sections], path
