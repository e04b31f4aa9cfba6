"""The shipped template on a SQLite file with a person of each role and a few records, made once; each test works on its own copy."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event

import server.tables
from admin_ui.render import Renderer
from server.app import create_app
from server.clock import now
from server.config.load import load_folder, template_folders
from server.config.publish import publish
from server.config.releases import Catalogs
from server.feature import SYSTEM, Actor, Work, working
from server.features.access.people import create_user
from server.features.records import service as records
from server.registry import HOOKS, KINDS
from server.settings import Settings
from server.storage.session import Database

PASSWORD = "sunny-river-42"
PEOPLE = {"ada": ("admin",), "li": ("staff",), "wang": ("staff",), "sun": ("credit_control",), "wu": ("reviewer",)}
CUSTOMER = {"country": "cn", "region": "east", "industry": "machinery", "lifecycle": "active", "strategic_importance": "normal", "payment_method": "prepaid"}


@dataclass
class Site:
    """The application on a database of its own. What it makes of the published documents and of its own templates, all sites of a process share."""

    database: Database
    settings: Settings
    app: FastAPI = field(init=False)
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = create_app(self.settings, self.database)
        self.app.state.catalogs, self.app.state.renderer = _catalogs(), _renderer(self.settings.zone)
        event.listen(self.database.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: self.statements.append(statement))

    def client(self, username: str = "", **headers: str) -> TestClient:
        client = TestClient(self.app, headers={"accept-language": "en", **headers}, follow_redirects=False, raise_server_exceptions=False)
        if username:
            answer = client.post("/login", data={"username": username, "password": PASSWORD, "next": "/"})
            assert answer.status_code == 303, answer.text
        return client

    @contextmanager
    def work(self, username: str = "", *, write: bool = False) -> Iterator[Work]:
        actor = Actor(username, username, PEOPLE[username], "en") if username else SYSTEM
        with working(self.database, self.app.state.catalogs, HOOKS, actor, now(), self.settings.zone, write=write) as work:
            yield work


@cache
def _catalogs() -> Catalogs:
    return Catalogs(KINDS)


@cache
def _renderer(zone: ZoneInfo) -> Renderer:
    return Renderer(zone)


def build(database: Database) -> None:
    """Tables, the template, people, records."""
    server.tables.metadata.create_all(database.engine)
    documents, problems = load_folder(*template_folders())
    assert not problems
    catalogs, zone = Catalogs(KINDS), Settings().zone

    @contextmanager
    def work() -> Iterator[Work]:
        with working(database, catalogs, HOOKS, SYSTEM, now(), zone, write=True, cause="form") as it:
            yield it

    with work() as it:
        publish(it, documents, "test")
    with work() as it:
        for username, roles in PEOPLE.items():
            create_user(it, username, username.title(), PASSWORD, roles, "en")
        furnish(it)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site") / "site.sqlite"
    database = Database(f"sqlite:///{path}")
    build(database)
    with database.engine.connect() as connection:
        connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    database.close()
    return path


def furnish(work: Work) -> None:
    """Four customers; the first has orders, a complaint and masked fields."""
    industry = work.catalog.get("object", "customer").fields["industry"].options[0].key
    made = []
    for i, (name, owner) in enumerate([("Fogbridge Precision", "li"), ("Saltgrain Chemicals", "li"), ("Tidemark Cold Chain", "wang"), ("云脚茶业", "wang")]):
        values: dict[str, Any] = {
            **CUSTOMER,
            "industry": industry,
            "name": name,
            "owner": owner,
            "bank_account": "6222020200112233",
            "founded_on": f"2010-01-0{i + 1}",
        }
        made.append(records.create(work, "customer", values))
    today = work.at.today
    for days in (200, 150, 100, 20):
        order = {"order_no": f"O-{days}", "customer": str(made[0]), "order_date": (today - timedelta(days=days)).isoformat(), "amount": "1200.50"}
        known = work.catalog.get("object", "order").fields
        records.create(work, "order", {**{k: v for k, v in order.items() if k in known}, **_required(work, "order", order)})


def _required(work: Work, object_key: str, given: dict[str, Any]) -> dict[str, Any]:
    """Something sensible for required fields of the template that the test does not care about."""
    made: dict[str, Any] = {}
    for f in work.catalog.get("object", object_key).fields.values():
        if f.required and f.key not in given and not f.pattern and f.default is None and not f.computed:
            made[f.key] = (
                f.options[0].key if f.options else {"decimal": "1000", "integer": "1", "date": work.at.today.isoformat(), "user": "li"}.get(f.type, "x")
            )
    return made


@pytest.fixture
def site(furnished: Path, tmp_path: Path) -> Iterator[Site]:
    path = tmp_path / "site.sqlite"
    shutil.copyfile(furnished, path)
    database = Database(f"sqlite:///{path}")
    yield Site(database, Settings(database_url=str(database.url)))
    database.close()


@pytest.fixture
def bare_site(tmp_path: Path) -> Iterator[Site]:
    """Nothing published, nobody there."""
    database = Database(f"sqlite:///{tmp_path}/bare.sqlite")
    server.tables.metadata.create_all(database.engine)
    yield Site(database, Settings(database_url=str(database.url)))
    database.close()


@pytest.fixture
def postgres_site(postgres_url: str) -> Iterator[Site]:
    database = Database(postgres_url)
    build(database)
    yield Site(database, Settings(database_url=postgres_url))
    database.close()
