"""What was typed into a form and not saved yet, kept for its person: offered again after a crash or a lost session, gone when it is saved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import Text, TooLarge
from server.feature import Work
from server.features.access import service as access
from server.features.forms.tables import form_drafts
from server.features.objects.kind import ObjectType
from server.features.records.reading import reference_names
from server.features.records.together import Row, Rows

CHARACTERS = 300_000  # of one draft
MOST = 50  # drafts a person has; the oldest go
KEPT = timedelta(days=30)
NEW = 0  # record_id of what is not a record yet


@dataclass(frozen=True)
class Draft:
    """`name` is the record's, "" for a new one. `values` and `rows` as the form posted them."""

    object: str
    record_id: int | None
    form: str
    version: int
    at: datetime
    values: Mapping[str, Any]
    rows: Rows
    name: str = ""


def keep(work: Work, object_key: str, record_id: int | None, form: str, version: int, values: Mapping[str, Any], rows: Rows) -> None:
    """Put in place of the one before. What the form's rules say of it does not matter here: it is read back through the same rules."""
    listed = {key: [[r.token, dict(r.raw), r.version, r.gone] for r in found] for key, found in rows.items()}
    text = json.dumps({"values": values, "rows": listed}, ensure_ascii=True)
    if len(text) > CHARACTERS:
        raise TooLarge(Text(f"草稿太大，最多 {CHARACTERS:,} 个字符", f"The draft is too large; {CHARACTERS:,} characters at most"))
    discard(work, object_key, record_id, form)
    stale = form_drafts.c.updated_at < work.now - KEPT
    mine = form_drafts.c.username == work.actor.username
    work.session.execute(sa.delete(form_drafts).where(mine, stale))
    row = {"username": work.actor.username, "object": object_key, "record_id": record_id or NEW, "form": form, "version": version, "updated_at": work.now}
    work.session.execute(sa.insert(form_drafts).values(**row, values=_whole(json.loads(text))))
    newest = sa.select(form_drafts.c.id).where(mine).order_by(form_drafts.c.id.desc()).offset(MOST).limit(1).scalar_subquery()
    work.session.execute(sa.delete(form_drafts).where(mine, form_drafts.c.id <= newest))


def _whole(value: Any) -> Any:
    """Text without halves of characters: no database holds them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(v) for v in value]
    return {_whole(k): _whole(v) for k, v in value.items()} if isinstance(value, dict) else value


def kept(work: Work, object_key: str, record_id: int | None, form: str) -> Draft | None:
    row = work.session.execute(sa.select(form_drafts).where(_one(work, object_key, record_id, form))).mappings().first()
    return None if row is None or row["updated_at"] < work.now - KEPT else _draft(row)


def discard(work: Work, object_key: str, record_id: int | None, form: str) -> None:
    work.session.execute(_DISCARD, {"by": work.actor.username, "of": object_key, "id": record_id or NEW, "as": form})


_DISCARD = sa.delete(form_drafts).where(
    form_drafts.c.username == sa.bindparam("by"),
    form_drafts.c.object == sa.bindparam("of"),
    form_drafts.c.record_id == sa.bindparam("id"),
    form_drafts.c.form == sa.bindparam("as"),
)


def mine(work: Work, object_key: str = "") -> tuple[Draft, ...]:
    """The actor's drafts, newest first, of one object or of all; those that can no longer be saved (the record is gone, the right is) are left out."""
    where = [form_drafts.c.username == work.actor.username, form_drafts.c.updated_at >= work.now - KEPT]
    if object_key:
        where.append(form_drafts.c.object == object_key)
    rows = work.session.execute(sa.select(form_drafts).where(*where).order_by(form_drafts.c.updated_at.desc(), form_drafts.c.id.desc())).mappings().all()
    names = {key: reference_names(work, key, [r["record_id"] for r in rows if r["object"] == key and r["record_id"]]) for key in {r["object"] for r in rows}}
    found = []
    for row in rows:
        object_type: ObjectType | None = work.catalog.get("object", row["object"])
        name = names[row["object"]].get(row["record_id"], "")
        if object_type is None or not access.allowed(work, row["object"], "edit" if row["record_id"] else "create") or (row["record_id"] and not name):
            continue
        found.append(_draft(row, name))
    return tuple(found)


def _draft(row: Mapping[Any, Any], name: str = "") -> Draft:
    rows = {key: [Row(*r) for r in found] for key, found in row["values"]["rows"].items()}
    return Draft(row["object"], row["record_id"] or None, row["form"], row["version"], row["updated_at"], row["values"]["values"], rows, name)


def _one(work: Work, object_key: str, record_id: int | None, form: str) -> sa.ColumnElement[bool]:
    c = form_drafts.c
    return sa.and_(c.username == work.actor.username, c.object == object_key, c.record_id == (record_id or NEW), c.form == form)
