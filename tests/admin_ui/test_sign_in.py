"""The first administrator, signing in and out, languages."""

from dataclasses import replace

from httpx2 import Response

from server.features.access.people import users
from tests.admin_ui.conftest import PASSWORD, Site


def set_up(site: Site, **changed: str) -> Response:
    form = {"username": "ada", "name": "Ada", "password": "correct horse 42", "again": "correct horse 42", **changed}
    return site.client().post("/setup", data=form)


def test_an_empty_database_asks_for_the_first_administrator(bare_site: Site) -> None:
    client = bare_site.client()
    assert client.get("/").headers["location"] == "/setup"
    assert client.get("/login").headers["location"] == "/setup"
    assert "first administrator" in client.get("/setup").text


def test_set_up_publishes_the_template_and_signs_in(bare_site: Site) -> None:
    answer = set_up(bare_site)
    assert answer.status_code == 303
    assert "weatherglass_session" in answer.headers["set-cookie"]
    with bare_site.work() as work:
        assert work.catalog.release == 1 and work.catalog.get("object", "customer")
        assert [u.roles for u in users(work)] == [("admin",)]
    assert set_up(bare_site, username="eve").status_code == 409
    assert bare_site.client().get("/setup").headers["location"] == "/login"


def test_set_up_says_what_is_wrong_and_keeps_what_was_typed(bare_site: Site) -> None:
    differ = set_up(bare_site, again="other")
    assert differ.status_code == 422 and "differ" in differ.text and 'value="Ada"' in differ.text
    assert "correct horse" not in differ.text
    assert set_up(bare_site, password="short", again="short").status_code == 422


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(site: Site) -> None:
    client = site.client()
    wrong = client.post("/login", data={"username": "li", "password": "no"})
    unknown = client.post("/login", data={"username": "nobody", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("li", "").count("wrong") == unknown.text.count("wrong")


def test_after_signing_in_one_is_where_one_wanted_to_be_but_never_elsewhere(site: Site) -> None:
    def go(place: str) -> str:
        return site.client().post("/login", data={"username": "li", "password": PASSWORD, "next": place}).headers["location"]

    assert go("/o/customer?q=a") == "/o/customer?q=a"
    assert [go(x) for x in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)")] == ["/"] * 4


def test_the_cookie_is_for_this_site_only(site: Site) -> None:
    answer = site.client().post("/login", data={"username": "li", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie


def test_behind_https_the_cookie_is_bound_to_the_host(site: Site) -> None:
    secure = Site(site.database, replace(site.settings, secure_cookies=True))
    answer = secure.client().post("/login", data={"username": "li", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-weatherglass=") and "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert "strict-transport-security" in answer.headers


def test_logging_out_ends_the_session(site: Site) -> None:
    client = site.client("li")
    kept = dict(client.cookies)
    assert client.post("/logout").headers["location"] == "/login"
    again = site.client()
    again.cookies.update(kept)
    assert again.get("/").status_code == 303


def test_the_language_is_kept_for_person_and_browser(site: Site) -> None:
    client = site.client("li")
    assert "Desk" in client.get("/").text
    client.post("/locale", data={"locale": "zh_CN", "back": "/o/customer"})
    assert "工作台" in client.get("/").text
    assert "工作台" in site.client("li").get("/").text
    assert client.post("/locale", data={"locale": "xx", "back": "/"}).status_code == 400
