"""Reads releases: the catalog that is live now, one of the past, the list of them."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.document import Document
from server.config.kind import Kind
from server.config.tables import documents, release_documents, releases
from server.errors import AppError, NotFound, Text
from server.expressions import language


class UnknownLanguage(AppError):
    """A newer program wrote the release: what its expressions mean is not known here, so nothing is evaluated by guess."""

    status = 503

    def __init__(self, release: int, version: int) -> None:
        known = ", ".join(map(str, language.KNOWN))
        super().__init__(
            Text(
                f"版本 {release} 用的是表达式语言 {version}，本程序只懂 {known}",
                f"Release {release} is written in version {version} of the expression language; this program knows {known}",
            ),
            Text("请升级程序后再打开这个数据库", "Upgrade the program, then open this database again"),
        )


@dataclass(frozen=True)
class Release:
    id: int
    at: datetime
    by: str
    note: str
    parent: int
    restored: int | None
    documents: int
    language: int


class Catalogs:
    """The live catalog, kept from one transaction to the next until another release is live.

    It is known by number and digest: a publish that was rolled back may have shown its release to its own hooks, and the
    next one takes the same number.
    """

    KEPT = 4

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self._lock = threading.Lock()
        self._known: dict[tuple[int, str], Catalog] = {(0, ""): Catalog(0, {}, kinds)}

    def __call__(self, connection: sa.Connection) -> Catalog:
        row = connection.execute(_NEWEST).first()
        identity = (row.id, row.digest) if row else (0, "")
        with self._lock:
            catalog = self._known.get(identity)
        if catalog is not None:
            return catalog
        catalog = read_release(connection, self.kinds, identity[0])
        with self._lock:
            while len(self._known) >= self.KEPT:
                del self._known[next(iter(self._known))]
            return self._known.setdefault(identity, catalog)


_NEWEST = sa.select(releases.c.id, releases.c.digest).order_by(releases.c.id.desc()).limit(1)


def read_release(connection: sa.Connection, kinds: Mapping[str, Kind], number: int) -> Catalog:
    """Raises UnknownLanguage for a release of a newer program."""
    spoken = connection.scalar(sa.select(releases.c.language).where(releases.c.id == number))
    if spoken is not None and spoken not in language.KNOWN:
        raise UnknownLanguage(number, spoken)
    query = (
        sa.select(documents.c.kind, documents.c.key, documents.c.body)
        .join(release_documents, release_documents.c.digest == documents.c.digest)
        .where(release_documents.c.release == number)
    )
    found = [Document(row.kind, row.key, json.loads(row.body)) for row in connection.execute(query)]
    return Catalog(number, {(d.kind, d.key): d for d in found}, kinds)


def catalog_at(connection: sa.Connection, live: Catalog, number: int) -> Catalog:
    """The catalog of an older release, for what stays under the release it began with. Remembered as long as the live one is."""
    if number == live.release:
        return live
    key = ("release", number)
    if key not in live.memo:
        get_release(connection, number)
        live.memo[key] = read_release(connection, live.kinds, number)
    catalog: Catalog = live.memo[key]
    return catalog


def list_releases(connection: sa.Connection, limit: int = 200) -> list[Release]:
    """Newest first."""
    return [_release(row) for row in connection.execute(_listing().order_by(releases.c.id.desc()).limit(limit))]


def get_release(connection: sa.Connection, number: int) -> Release:
    row = connection.execute(_listing().where(releases.c.id == number)).first()
    if row is None:
        raise NotFound(Text(f"没有发布版本 {number}", f"There is no release {number}"))
    return _release(row)


def _listing() -> sa.Select[tuple[int, datetime, str, str, int, int | None, int, int]]:
    c = releases.c
    count = sa.select(sa.func.count()).where(release_documents.c.release == c.id).scalar_subquery()
    return sa.select(c.id, c.at, c.by, c.note, c.parent, c.restored, count, c.language)


def _release(row: Any) -> Release:
    return Release(*row)
