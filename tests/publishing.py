"""A migrated database with releases, and documents small enough to read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.document import Document
from server.config.releases import Catalogs
from server.feature import Actor, Hooks, Work, working
from server.registry import HOOKS, KINDS
from server.storage.session import Database

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
ANNA = Actor("anna", "Anna", ("admin",))


class House:
    """One database and the way to work on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.catalogs = Catalogs(KINDS)

    def work(self, *, write: bool = True, actor: Actor = ANNA, hooks: Hooks = HOOKS, seen: Catalog | None = None) -> AbstractContextManager[Work]:
        """`seen`: a catalog read earlier, which may be out of date."""
        catalog_of: Callable[[sa.Connection], Catalog] = self.catalogs if seen is None else lambda connection: seen
        return working(self.database, catalog_of, hooks, actor, NOW, ZoneInfo("Asia/Shanghai"), write=write)


def an_object(key: str, fields: dict[str, Any], **more: Any) -> Document:
    """Fields as their x-type, or the whole description."""
    properties = {k: {"x-type": f} if isinstance(f, str) else f for k, f in fields.items()}
    return Document("object", key, {"kind": "object", "key": key, "title": {"en": key.title(), "zh_CN": key}, "schema": {"properties": properties}, **more})
