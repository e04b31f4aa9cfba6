"""Every page for every role: it answers, or it refuses in words; it never breaks."""

import re
from pathlib import Path

import jinja2
import pytest

from admin_ui.registry import PAGES
from admin_ui.render import icon_names
from server.features.access.people import LOCALES
from server.fields.registry import FIELD_TYPES
from tests.admin_ui.conftest import PEOPLE, Site

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "admin_ui" / "templates"
ENDLESS = {"/notifications/live"}  # tests/admin_ui/test_notifications.py
OF_A_FIELD = {"/o/customer/form/levels"}  # the places of a region field, which customers do not have; tests/browser/test_fields.py
GIVEN = {"object_key": "customer", "record_id": "1", "record_id:int": "1"}


def paths() -> list[str]:
    """The addresses of all pages one can open without knowing more than a customer's number."""
    found = []
    for area in PAGES:
        for route in area.router.routes:
            if "GET" not in getattr(route, "methods", ()):
                continue
            path = re.sub(r"{([^}]*)}", lambda m: GIVEN.get(m.group(1), m.group(0)), route.path)  # type: ignore[attr-defined]
            if "{" not in path and path not in OF_A_FIELD | ENDLESS:
                found.append(path)
    return sorted(set(found))


@pytest.mark.parametrize("username", PEOPLE)
def test_every_page_answers_every_role(site: Site, username: str) -> None:
    client = site.client(username)
    allowed = {200, 303, 403} | ({404} if username == "wang" else set())  # customer 1 is not his
    refused = {path: status for path in paths() if (status := client.get(path).status_code) not in allowed}
    assert refused == {}


@pytest.mark.postgres
def test_pages_work_on_postgresql(postgres_site: Site) -> None:
    client = postgres_site.client("ada")
    for path in [*paths(), "/o/customer?q=fog&sort=-risk_score&owner=li", "/o/customer/1?tab=order.customer", "/o/customer/1?tab=history"]:
        assert client.get(path).status_code in {200, 303, 403}, path
    staff = postgres_site.client("li")
    assert staff.post("/o/customer/1/edit", data={"_version": "1", "name": "Fogbridge Two"}).status_code == 303
    assert "Fogbridge Two" in staff.get("/o/customer/1?tab=history").text


def test_the_administrator_sees_them_all(site: Site) -> None:
    client = site.client("ada")
    assert {p for p in paths() if client.get(p).status_code == 403} <= {"/o/customer/new", "/o/customer/1/edit"}


@pytest.mark.parametrize("locale", LOCALES)
def test_pages_have_one_language(site: Site, locale: str) -> None:
    client = site.client("wu")
    client.post("/locale", data={"locale": locale, "back": "/"})
    for path in ("/", "/o/customer", "/o/customer/1", "/o/customer/1?tab=facts"):
        text = client.get(path).text
        assert f'<html lang="{"en" if locale == "en" else "zh-CN"}"' in text
        if locale == "en":
            shown = re.sub(r"<script.*?</script>|<[^>]*>", " ", text, flags=re.S).replace("中文", "").replace("中", "").replace("云脚茶业", "")
            assert not re.findall(r"[\u4e00-\u9fff]+", shown), path


def test_the_menu_lists_what_a_role_may_open(site: Site) -> None:
    for username in PEOPLE:
        client = site.client(username)
        side = client.get("/").text.split('<nav class="side"')[1].split("</nav>")[0]
        for path in re.findall(r'<a href="([^"]*)"', side):
            assert client.get(path, follow_redirects=True).status_code == 200, (username, path)


def test_every_template_compiles() -> None:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    for path in sorted(TEMPLATES.rglob("*.html")):
        environment.parse(path.read_text(), filename=str(path))


def test_every_field_type_has_its_widget() -> None:
    assert {p.stem for p in (TEMPLATES / "fields").glob("*.html")} == set(FIELD_TYPES)


def test_every_icon_a_page_names_is_in_the_sprite() -> None:
    named = set()
    for path in [*TEMPLATES.rglob("*.html")]:
        named |= set(re.findall(r'(?:draw_)?icon\("([a-z0-9-]+)"', path.read_text()))
    for path in (ROOT / "schemas" / "objects").glob("*.json"):
        named |= set(re.findall(r'"icon":\s*"([a-z0-9-]+)"', path.read_text()))
    for area in PAGES:
        named |= {link.icon for link in area.links}
    assert sorted(named - icon_names()) == []
