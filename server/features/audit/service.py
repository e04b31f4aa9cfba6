"""Who did what, when. Rows carry their own hash at once; a sealer chains them in blocks, so that writers never queue for one head."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.feature import Work
from server.features.audit.engine import GENESIS, Block, block_hash, detail_text, row_hash, row_hasher
from server.features.audit.tables import audit_blocks, audit_log
from server.storage.bulk import binder, insert_rows

BLOCK_ROWS = 2000
COLUMNS = ("at", "actor", "action", "object", "record_id", "detail", "hash")


@dataclass(frozen=True)
class Entry:
    id: int
    at: datetime
    actor: str
    action: str
    object: str
    record_id: int | None
    detail: Mapping[str, Any]
    sealed: bool


def record(work: Work, action: str, object: str = "", record_id: int | None = None, detail: Mapping[str, Any] | None = None) -> None:
    record_many(work, action, object, [(record_id, detail)])


def record_many(work: Work, action: str, object: str, rows: Iterable[tuple[int | None, Mapping[str, Any] | None]]) -> None:
    """One audit row for each (record id, detail), in one statement."""
    actor, bind = work.actor.username, binder(work.session, audit_log.c.at)
    at = bind(work.now) if bind else work.now
    hash_of = row_hasher(work.now, actor, action, object)
    told = [(record_id, detail_text(detail)) for record_id, detail in rows]
    insert_rows(work.session, audit_log, COLUMNS, [(at, actor, action, object, i, text, hash_of(i, text)) for i, text in told])


def seal(work: Work, limit: int = 50) -> int:
    """Chain what was written since; how many rows were sealed."""
    return seal_rows(work.session, work.now, limit)


def seal_rows(connection: sa.Connection, now: datetime, limit: int = 50) -> int:
    sealed = 0
    for _ in range(limit):
        rows = _seal_block(connection, now)
        sealed += rows
        if rows < BLOCK_ROWS:
            break
    return sealed


def _seal_block(connection: sa.Connection, now: datetime) -> int:
    head = connection.execute(sa.select(audit_blocks.c.number, audit_blocks.c.hash).order_by(audit_blocks.c.number.desc()).limit(1).with_for_update()).first()
    number, prev_hash = (head.number + 1, head.hash) if head else (1, GENESIS)
    unsealed = sa.select(audit_log.c.id).where(audit_log.c.block.is_(None)).order_by(audit_log.c.id).limit(BLOCK_ROWS)
    # Rows are claimed first and read after: a row that commits between the two waits for the next block.
    connection.execute(sa.update(audit_log).where(audit_log.c.id.in_(unsealed.scalar_subquery())).values(block=number))
    members = connection.execute(sa.select(audit_log.c.id, audit_log.c.hash).where(audit_log.c.block == number).order_by(audit_log.c.id)).all()
    if not members:
        return 0
    block = Block(number, now, prev_hash, tuple((m.id, m.hash) for m in members))
    connection.execute(
        sa.insert(audit_blocks).values(
            number=number, sealed_at=now, first_id=members[0].id, last_id=members[-1].id, rows=len(members), prev_hash=prev_hash, hash=block_hash(block)
        )
    )
    return len(members)


def anything_unsealed(connection: sa.Connection) -> bool:
    return connection.scalar(sa.select(audit_log.c.id).where(audit_log.c.block.is_(None)).limit(1)) is not None


def head(connection: sa.Connection) -> str:
    """The hash of the last block. Kept outside, it proves later that the tail was not cut off."""
    return connection.scalar(sa.select(audit_blocks.c.hash).order_by(audit_blocks.c.number.desc()).limit(1)) or GENESIS


def verify(work: Work, known_head: str = "") -> Problem | None:
    """The first changed, removed or inserted sealed row, or None. `known_head`: a head noted earlier, which must still be in the chain."""
    try:
        return _verify(work.session, known_head)
    except (ValueError, sa.exc.DBAPIError) as error:  # a damaged value the driver cannot even read
        return _broken("", f"unreadable value: {error}")


def _verify(connection: sa.Connection, known_head: str) -> Problem | None:
    expected, prev_hash, heads = 1, GENESIS, {GENESIS}
    for row in connection.execute(sa.select(audit_blocks, _stored(audit_blocks.c.sealed_at)).order_by(audit_blocks.c.number)).all():
        where = f"/blocks/{row.number}"
        if row.number != expected or row.prev_hash != prev_hash or not _same_instant(row.stored, row.sealed_at):
            return _broken(where, "the chain is broken before this block")
        problem = _verify_block(connection, row, where)
        if problem:
            return problem
        expected, prev_hash = row.number + 1, row.hash
        heads.add(row.hash)
    strays = sa.select(audit_log.c.id).where(audit_log.c.block.is_not(None), audit_log.c.block.not_in(sa.select(audit_blocks.c.number))).limit(1)
    stray = connection.scalar(strays)
    if stray is not None:
        return _broken(f"/rows/{stray}", "the row names a block that is not there")
    for row in connection.execute(_rows(audit_log.c.block.is_(None))):
        if not _whole(row):
            return _broken(f"/rows/{row.id}", "the row was changed")
    if known_head and known_head not in heads:
        return _broken("/blocks", "the known head is not in the chain: its end was removed or rewritten")
    return None


def _verify_block(connection: sa.Connection, block: sa.Row[Any], where: str) -> Problem | None:
    rows = connection.execute(_rows(audit_log.c.block == block.number)).all()
    for row in rows:
        if not _whole(row):
            return _broken(f"/rows/{row.id}", "the row was changed")
    found = Block(block.number, block.sealed_at, block.prev_hash, tuple((r.id, r.hash) for r in rows))
    summary = (len(rows), rows[0].id if rows else None, rows[-1].id if rows else None)
    if block_hash(found) != block.hash or summary != (block.rows, block.first_id, block.last_id):
        return _broken(where, "rows of this block were changed, removed or inserted")
    return None


def _rows(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(audit_log, _stored(audit_log.c.at)).where(condition).order_by(audit_log.c.id)


def _whole(row: sa.Row[Any]) -> bool:
    return _same_instant(row.stored, row.at) and row_hash(row.at, row.actor, row.action, row.object, row.record_id, row.detail) == row.hash


def _stored(column: sa.ColumnElement[datetime]) -> sa.ColumnElement[Any]:
    """The instant as the database keeps it: where that is text, another text may read as the same instant, and is a change none the less."""
    return sa.type_coerce(column, sa.Text).label("stored")


def _same_instant(stored: Any, instant: datetime) -> bool:
    return not isinstance(stored, str) or stored == instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def _broken(path: str, why: str) -> Problem:
    return Problem(path, Text(f"审计链不完整:{path} {why}", f"The audit chain does not hold: {path} {why}"), code="audit_broken")


def entries(
    work: Work, *, actor: str = "", action: str = "", object: str = "", record_id: int | None = None, before: int | None = None, limit: int = 100
) -> tuple[Entry, ...]:
    """Newest first; `before` is the id of the last entry of the page before. The caller has asked for the right to see the audit."""
    query = sa.select(audit_log).order_by(audit_log.c.id.desc()).limit(min(limit, 500))
    for column, value in ((audit_log.c.actor, actor), (audit_log.c.action, action), (audit_log.c.object, object)):
        if value:
            query = query.where(column == value)
    if record_id is not None:
        query = query.where(audit_log.c.record_id == record_id)
    if before is not None:
        query = query.where(audit_log.c.id < before)
    return tuple(_entries(work.session.execute(query)))


def _entries(rows: Iterable[sa.Row[Any]]) -> Iterator[Entry]:
    for r in rows:
        yield Entry(r.id, r.at, r.actor, r.action, r.object, r.record_id, json.loads(r.detail), r.block is not None)


def actions(work: Work) -> tuple[str, ...]:
    """The kinds of action there are, for the filter of the page."""
    return tuple(work.session.scalars(sa.select(audit_log.c.action).distinct().order_by(audit_log.c.action)))
