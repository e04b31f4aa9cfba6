"""Random writes through the services people use: new records, changes, references moved, deletions taken back; each in its own transaction."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.config.document import Document
from server.errors import AppError
from server.feature import SYSTEM, Work, working
from server.features.assessment.population import kept_scalars
from server.features.assessment.writing import assess_part
from server.features.objects import engine as objects
from server.features.records import deleting
from server.features.records import service as records
from server.storage.part import Part
from tests.features.assessing import House
from tests.features.assessment.generated import AGGREGATES, OBJECTS, WAYS, Records, indicators, rules

OBJECT_KEYS = ("line", "line", "line", "line", "deal", "deal", "part", "client")


def mixed() -> list[Document]:
    """All ways in one set of documents: of each aggregate a few windows."""
    found: dict[str, Document] = {}
    for n, way in enumerate(WAYS):
        for i, document in enumerate(indicators(way, tuple(AGGREGATES), everything=False)):
            if i % 6 == n:
                key = f"{way}_{document.key}"
                found[key] = Document("indicator", key, {**document.body, "key": key})
    return [*OBJECTS, *found.values(), *rules(list(found)[::4])]


class Writer:
    def __init__(self, house: House, source: Records) -> None:
        self.house, self.source, self.r = house, source, source.r
        self.done = 0

    def write(self) -> None:
        """One write; one that is refused (a record in use, one that is gone) counts too."""
        house, self.done = self.house, self.done + 1
        try:
            with working(house.database, house.catalogs, house.hooks, SYSTEM, house.now, house.zone, write=True, cause="api") as work:
                self._write(work, self.r.choice(OBJECT_KEYS))
        except AppError:
            pass

    def _write(self, work: Work, object_key: str) -> None:
        action = self.r.random()
        if action < 0.25:
            records.create(work, object_key, self._values(work, object_key))
            return
        found = self._some(work, object_key, deleted=action > 0.92)
        if found is None:
            return
        record_id, version = found
        if action > 0.92:
            deleting.undelete(work, object_key, record_id)
        elif action > 0.84:
            deleting.delete(work, object_key, record_id, version)
        else:
            values = self._values(work, object_key)
            some = {k: values[k] for k in self.r.sample(sorted(values), self.r.randint(1, min(3, len(values))))}
            records.update(work, object_key, record_id, some, version)

    def _some(self, work: Work, object_key: str, *, deleted: bool) -> tuple[int, int] | None:
        table = objects.tables(work.catalog)[object_key]
        there = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
        rows = work.session.execute(sa.select(table.c.id, table.c.version).where(there).order_by(table.c.id)).all()
        if not rows:
            return None
        found = self.r.choice(rows)
        return found.id, found.version

    def _values(self, work: Work, object_key: str) -> dict[str, Any]:
        clients, deals, parts = (self._ids(work, key) for key in ("client", "deal", "part"))
        made = {
            "client": lambda: self.source.client(0),
            "deal": lambda: self.source.deal(0, 1),
            "part": lambda: self.source.part(0, 1),
            "line": lambda: self.source.line(0, 1, 1, 1),
        }[object_key]()
        del made["id"]
        for name, ids in (("client", clients), ("deal", deals), ("part", parts)):
            if name in made:
                made[name] = self.source.maybe(self.r.choice(ids)) if ids else None
        return {name: _json(value) for name, value in made.items()}

    def _ids(self, work: Work, object_key: str) -> list[int]:
        table = objects.tables(work.catalog)[object_key]
        return list(work.session.scalars(sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)))


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def differing(house: House) -> int:
    """How many records a run over everybody would still change, with the population's values as the last full run left them."""
    with house.work() as work:
        return assess_part(work, "client", Part(), work.at, kept_scalars(work, "client")).changed
