"""The field types as people fill them in: stars by the keyboard, a place level by level, a note with bold words, values from other records."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from server.clock import now
from server.config.load import load_folder
from server.config.publish import publish
from server.config.releases import Catalogs
from server.demo.people import PASSWORD
from server.feature import SYSTEM, working
from server.features.access.people import create_user
from server.features.records.service import create
from server.registry import HOOKS, KINDS
from server.settings import Settings
from server.storage.migrate import upgrade
from server.storage.session import Database
from tests.browser.conftest import SignIn
from tests.serving import served

OBJECTS = Path(__file__).parents[1] / "cases" / "records" / "linked"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with clients and visits."""
    settings = Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('fields') / 'w.sqlite'}")
    database = Database(settings.database_url)
    upgrade(database)
    documents, problems = load_folder(OBJECTS)
    assert not problems
    with working(database, Catalogs(KINDS), HOOKS, SYSTEM, now(), settings.zone, write=True) as work:
        publish(work, documents, "test")
    with working(database, Catalogs(KINDS), HOOKS, SYSTEM, now(), settings.zone, write=True, cause="form") as work:
        create_user(work, "li", "李娜", PASSWORD, ("boss",))
        create(work, "client", {"name": "Acme 精密", "credit": "1000", "owner": "li", "place": "hz"})
    database.close()
    with served(settings.database_url) as address:
        yield address


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh_CN"), (390, "en")])
def test_a_visit_is_filled_in(sign_in: SignIn, site: str, width: int, locale: str) -> None:
    visitor = sign_in("li", locale=locale, width=width)
    page = visitor.go("/o/visit/new?client=1")
    assert "Acme" in page.inner_text("#w-client_name")
    assert "1,000.00" in page.inner_text("#w-credit_then")
    page.fill("#f-amount", "50")
    page.fill("#f-length", "1:30")
    page.focus("#f-rating input[value='1']")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.is_checked("#f-rating input[value='4']")
    editor = page.locator("#w-minutes [contenteditable]")
    editor.click()
    page.keyboard.type("met the ")
    page.locator("#w-minutes .richbar button").first.click()
    page.keyboard.type("owner")
    visitor.settle()
    expect(page.locator("#w-share .calc")).to_contain_text("5.0%")
    visitor.picture("fields form", locale, width)
    visitor.check()
    page.keyboard.press("Control+s")
    page.wait_for_url(lambda url: "/new" not in url)
    visitor.go(page.url.partition("?")[0].removeprefix(site) + "?tab=facts")
    facts = page.inner_text("main")
    assert "V20" in facts and "★★★★" in facts and "met the <b>owner</b>" in page.inner_html(".facts .rich")
    visitor.picture("fields facts", locale, width)
    visitor.check()
    visitor.go("/o/visit")
    visitor.picture("fields list", locale, width)
    visitor.check()


def test_a_place_is_chosen_level_by_level_and_snapshots_are_taken_anew(sign_in: SignIn, site: str) -> None:
    visitor = sign_in("li", width=390)
    page = visitor.go("/o/client/1/edit")
    assert page.input_value("#f-place") == "zj" and page.input_value("#f-place-2") == "hz"
    page.select_option("#f-place", "js")
    expect(page.locator("#f-place-2 option[value=nj]")).to_have_count(1)
    page.select_option("#f-place-2", "nj")
    visitor.settle()
    visitor.picture("fields region", 390)
    visitor.check()
    page.fill("#f-credit", "800")
    page.click("form[data-main] .dock button")
    page.wait_for_url(lambda url: "/edit" not in url)
    assert "江苏 / 南京" in visitor.go("/o/client/1?tab=facts").inner_text("main")
    visitor.go("/o/client?place__in=js")
    assert "Acme" in page.inner_text("#listing")
    page = visitor.go("/o/visit/new?client=1")
    page.click("form[data-main] .dock button")
    page.wait_for_url(lambda url: "/new" not in url)
    visit = page.url.partition("?")[0].removeprefix(site)
    visitor.go("/o/client/1/edit")
    page.fill("#f-credit", "700")
    page.click("form[data-main] .dock button")
    page.wait_for_url(lambda url: "/edit" not in url)
    facts = visitor.go(visit + "?tab=facts")
    assert "700.00" in facts.inner_text("main") and "800.00" in facts.inner_text("main")
    facts.click(".fresh button")
    expect(facts.locator("main")).not_to_contain_text("800.00")
    visitor.picture("fields refreshed", 390)
    visitor.check()


def test_departments_are_set_up_and_chosen(sign_in: SignIn) -> None:
    visitor = sign_in("li", width=390)
    page = visitor.go("/settings/departments")
    visitor.check()
    for key, name, above in (("sales", "销售部", ""), ("east", "华东组", "sales")):
        if not page.is_visible("#zh-new"):
            page.click("#add-department summary")
        page.fill("#zh-new", name)
        page.fill("#k-new", key)
        page.select_option("#pa-new", above)
        page.click("#add-department button")
        page.wait_for_selector(f"main td:has-text('{name}')")
    visitor.go("/settings/departments?edit=east")
    visitor.picture("departments", 390)
    visitor.check()
    visitor.go("/settings/people?edit=li")
    page.select_option("#dp-li", "east")
    page.click("#e-li button")
    visitor.settle()
    assert "华东组" in page.inner_text("main table")
    visitor.check()
    visitor.go("/o/client/1/edit")
    page.select_option("#f-unit", "east")
    page.click("form[data-main] .dock button")
    page.wait_for_url(lambda url: "/edit" not in url)
    assert "Acme" in visitor.go("/o/client?unit__in=sales").inner_text("#listing")
    visitor.check()
