"""A small demo company behind a real server, and a real browser in front of it."""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from server.config.releases import Catalogs
from server.demo.people import PASSWORD
from server.demo.run import Demo, Wish
from server.features.assessment.jobs import NIGHT
from server.jobs import ledger
from server.registry import KINDS
from server.settings import Settings
from server.storage.migrate import upgrade
from server.storage.session import Database
from tests.serving import served

SCREENSHOTS = os.environ.get("WEATHERGLASS_TEST_SCREENSHOTS", "")
CUSTOMERS, SEED = 60, 7
PATIENCE = 20_000  # milliseconds a page has for what is expected of it, on a busy machine too
expect.set_options(timeout=PATIENCE)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}  # not what passed
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def find_chromium() -> str | None:
    given = os.environ.get("WEATHERGLASS_TEST_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo company nobody has touched yet: built once, whichever process comes first."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "company"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = Path(mkdtemp(dir=folder.parent))
            settings = Settings(database_url=f"sqlite:///{making / 'demo.sqlite'}")
            database = Database(settings.database_url)
            upgrade(database)
            Demo(database, Catalogs(KINDS), settings.zone, Wish(SEED, CUSTOMERS, datetime.now(settings.zone).date()), lambda *_: None).build()
            database.close()
            making.rename(folder)
    return folder


@pytest.fixture(scope="module")
def site(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a demo company of this module's own: what its tests change, no other module sees."""
    folder = tmp_path_factory.mktemp("site") / "company"
    shutil.copytree(company, folder)
    url = f"sqlite:///{folder / 'demo.sqlite'}"
    with served(url) as address:
        wait_for_the_night(url)
        yield address


def wait_for_the_night(url: str) -> None:
    """The server makes up for the assessment it missed: until then numbers and alerts may still move."""
    database = Database(url)
    deadline, last = time.monotonic() + 120, None
    while last is None or last.is_open:
        assert time.monotonic() < deadline, "the nightly job did not end"
        time.sleep(0.2)
        with database.read() as connection:
            last = ledger.last_of(connection, [NIGHT]).get(NIGHT)
    database.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed; set WEATHERGLASS_TEST_CHROMIUM to use one of yours")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody signed in, with a watch on all that must not happen: errors on the console, requests that leave the machine, 5xx."""

    page: Page
    site: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.site + path)  # till it is loaded: no page asks for more by itself
        return self.page

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")

    def picture(self, *name: object) -> None:
        """The whole page as PNG, where `make screenshots` asks for it."""
        if SCREENSHOTS:
            file = re.sub(r"[^a-z0-9]+", "-", "-".join(str(part) for part in name).lower()).strip("-") or "desk"
            self.page.screenshot(path=Path(SCREENSHOTS) / f"{file}.png", full_page=True)

    def axe(self) -> list[str]:
        """What axe objects to on the page as it is now."""
        found = Axe().run(self.page, options=RULES)
        return [f"{v['id']} {v['impact']} {[n['target'] for n in v['nodes']][:3]}" for v in found.response["violations"]]

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))

    def check(self) -> None:
        """The page is clean: nothing went wrong on the way, it is no wider than the window and axe has nothing to say."""
        assert self.axe() == [], self.page.url
        assert not self.scrolls_sideways(), self.page.url
        assert self.wrong == [], self.page.url


def watch(page: Page, site: str, wrong: list[str]) -> None:
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" and "422" not in m.text else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("request", lambda r: wrong.append(f"left the machine: {r.url}") if not r.url.startswith((site, "data:", "blob:")) else None)
    page.on("response", lambda r: wrong.append(f"{r.status}: {r.url}") if r.status >= 400 and r.status != 422 else None)


SignIn = Callable[..., Visitor]


@pytest.fixture
def sign_in(chromium: Browser, site: str) -> Iterator[SignIn]:
    """`sign_in("li")`, `sign_in("wu", locale="en", width=390, theme="dark")`."""
    contexts: list[BrowserContext] = []

    def enter(username: str, *, locale: str = "zh_CN", width: int = 1280, theme: str = "light") -> Visitor:
        shape: Any = {"width": width, "height": 844 if width < 500 else 900}
        context = chromium.new_context(viewport=shape, locale="en-US" if locale == "en" else "zh-CN")
        contexts.append(context)
        context.add_cookies([{"name": "weatherglass_theme", "value": theme, "url": site}, {"name": "weatherglass_locale", "value": locale, "url": site}])
        answer = context.request.post(
            site + "/login", form={"username": username, "password": PASSWORD, "next": "/"}, headers={"origin": site}, max_redirects=0
        )
        assert answer.status == 303, answer.text()
        context.request.post(site + "/locale", form={"locale": locale, "back": "/"}, headers={"origin": site}, max_redirects=0)
        visitor = Visitor(context.new_page(), site)
        watch(visitor.page, site, visitor.wrong)
        return visitor

    yield enter
    for context in contexts:
        context.close()
