"""A small company of documents (tests/cases/records/objects) in a real database, for the tests of records."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import event

from server.config.catalog import Catalog
from server.config.document import Document
from server.feature import SYSTEM, Actor, Hooks, Work
from server.features.audit import tables as _audit_tables
from server.features.objects import results
from server.features.objects.engine import tables
from server.features.records import tables as _record_tables
from server.registry import KINDS
from server.storage.session import Database

CASES = Path(__file__).parents[2] / "cases"
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
LI, CHEN = Actor("li.na", "李娜", ("staff",), "en"), Actor("chen.jie", "陈洁", ("staff",), "en")
BOSS, CLERK, NOBODY = Actor("wang.wei", "王伟", ("boss",), "en"), Actor("qian", "钱", ("clerk",), "en"), Actor("nobody", "无", (), "en")
MADE_BY = (_audit_tables, _record_tables)  # importing them adds their tables to the metadata


def catalog_of(*folders: str, release: int = 1) -> Catalog:
    bodies = [json.loads(p.read_text(encoding="utf-8")) for f in folders for p in sorted((CASES / f).glob("*.json"))]
    return Catalog(release, {(b["kind"], b["key"]): Document(b["kind"], b["key"], b) for b in bodies}, KINDS)


@dataclass
class Company:
    database: Database
    catalog: Catalog
    hooks: Hooks = field(default_factory=Hooks)

    @contextmanager
    def work(self, actor: Actor = SYSTEM, now: datetime = NOW, *, write: bool = True, cause: str = "form") -> Iterator[Work]:
        with self.database.write() if write else self.database.read() as connection:
            yield Work(connection, actor, self.catalog, now, ZONE, self.hooks, cause)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements sent meanwhile."""
        sent: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(self.database.engine, "before_cursor_execute", note)


def company_of(database: Database, *folders: str, hooks: Hooks | None = None) -> Company:
    catalog = catalog_of(*(folders or ("records/objects",)))
    first: sa.Table = next(iter(tables(catalog).values()))
    first.metadata.create_all(database.engine)
    for object_type in catalog.all("object"):
        if object_type.assessed:
            results.table(catalog, object_type.key).create(database.engine)
    return Company(database, catalog, hooks or Hooks())
