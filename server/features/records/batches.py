"""Changes of many records at once: looked at first, done, kept in a log, undone. Each record is judged as if it were changed alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Conflict, Invalid, NotFound, Problem, Text, TooLarge
from server.feature import Work
from server.features.access import roles
from server.features.objects.engine import table
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records.bulk import Operation, write_many
from server.features.records.reading import live_columns, object_of, reference_names, refuse_unless, stored_columns, values_of
from server.features.records.rights import can, rights
from server.features.records.rules import Values
from server.features.records.tables import record_batch_items, record_batches, records_history
from server.features.records.writing import Revision, revision, taken, tell, update_rows
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES

Versions = dict[int, tuple[int, int]]
BATCH_LIMIT = 500  # records in one go: what one transaction does while others wait
LOG_LIMIT = 100
GONE = Text("没有这条记录，或无权查看", "There is no such record, or you may not see it")
ACTIONS: Mapping[str, Text] = {"edit": Text("改字段", "Change a field"), "assign": Text("转交", "Assign"), "delete": Text("删除", "Delete")}


@dataclass(frozen=True)
class Refused:
    id: int
    name: str
    reason: Text


@dataclass(frozen=True)
class Outcome:
    """What came of it, or would: `same` records had the value already. `batch` is 0 for a preview."""

    asked: int
    changed: int
    refused: tuple[Refused, ...]
    batch: int = 0

    @property
    def same(self) -> int:
        return self.asked - self.changed - len(self.refused)


@dataclass(frozen=True)
class Batch:
    """One line of the log. `values`: what was written, as JSON, without what the actor may not see."""

    id: int
    object: str
    action: str
    at: datetime
    by: str
    values: Mapping[str, Any]
    asked: int
    changed: int
    refused: tuple[Refused, ...]
    undone_at: datetime | None
    undone: int
    kept: tuple[Refused, ...]


def preview(work: Work, object_key: str, action: str, ids: Sequence[int], raw: Mapping[str, Any]) -> Outcome:
    """What `run` would do. It is done and taken back, so that nothing can differ."""
    savepoint = work.session.begin_nested()
    try:
        return _apply(work, object_key, action, ids, raw)[0]
    finally:
        savepoint.rollback()


def run(work: Work, object_key: str, action: str, ids: Sequence[int], raw: Mapping[str, Any]) -> Outcome:
    """Change what may be changed, refuse the rest with its reason; kept in the log. `raw`: field -> value as a form gives it."""
    outcome, versions = _apply(work, object_key, action, ids, raw)
    if not versions:
        return outcome
    object_type = object_of(work, object_key)
    values = {key: _json(work, object_type, key, value) for key, value in raw.items() if key in object_type.fields}
    stamp = {"object": object_key, "action": action, "at": work.now, "by": work.actor.username, "values": values, "asked": outcome.asked}
    row = {**stamp, "changed": outcome.changed, "refused": [_listed(r) for r in outcome.refused]}
    batch: int = work.session.execute(sa.insert(record_batches).values(**row).returning(record_batches.c.id)).scalar_one()
    items = [{"batch": batch, "record_id": i, "wrote": wrote, "version": version} for i, (wrote, version) in versions.items()]
    work.session.execute(sa.insert(record_batch_items), items)
    return Outcome(outcome.asked, outcome.changed, outcome.refused, batch)


def _apply(work: Work, object_key: str, action: str, ids: Sequence[int], raw: Mapping[str, Any]) -> tuple[Outcome, Versions]:
    """The outcome, and record id -> the version its change made, and the one it has now: a workflow may have followed."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise Invalid([Problem("ids", Text("请先选择记录", "Choose records first"), code="required")])
    if len(wanted) > BATCH_LIMIT:
        raise TooLarge(Text(f"一次最多处理 {BATCH_LIMIT} 条记录，选了 {len(wanted)} 条", f"At most {BATCH_LIMIT} records at once; {len(wanted)} are chosen"))
    refuse_unless(work, object_key, "delete" if action == "delete" else "edit")
    values = {} if action == "delete" else _writable(work, object_key, raw)
    outcomes = write_many(work, object_key, [Operation("delete" if action == "delete" else "update", values, i) for i in wanted])
    object_type = object_of(work, object_key)
    reasons = {o.id: _why(object_type, o.error) for o in outcomes if o.error is not None and o.id is not None}
    done = {o.id: o.version or 0 for o in outcomes if o.done in {"updated", "deleted"} and o.id is not None}
    versions = _versions(work, object_type, done)
    versions = {i: (wrote or now, now) for i, (wrote, now) in versions.items()}  # nothing follows a deletion
    return Outcome(len(wanted), len(versions), _refusals(work, object_key, reasons)), versions


def _writable(work: Work, object_key: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields to write, if they may be written at all. A masked one may not: what is chosen by hand must be seen."""
    allowed, fields = rights(work, object_key), object_of(work, object_key).fields
    for key in raw:
        f = fields.get(key)
        if f is None or f.computed or f.derived or f.readonly or key in allowed.covered | allowed.readonly:
            raise Invalid([Problem(key, Text("此字段不能批量修改", "This field cannot be changed here"), code="readonly")])
        if isinstance(wrong := records.parse_form(work, f, raw[key]), Problem):
            raise Invalid([wrong])
    if not raw:
        raise Invalid([Problem("", Text("请选择要修改的字段", "Choose the field to change"), code="required")])
    return raw


def _written(work: Work, object_type: ObjectType, changes: Sequence[Revision], reasons: dict[int, Text]) -> int:
    """All together; where something refuses the whole, one after the other, so that it refuses only what it means. How many were written."""
    clashes = taken(work, object_type, [(c.id, c.after) for c in changes])
    for place, problems in clashes.items():
        reasons[changes[place].id] = said(object_type, problems)
    good = [c for place, c in enumerate(changes) if place not in clashes]

    def write(some: Sequence[Revision]) -> None:
        update_rows(work, object_type, some)
        tell(work, object_type, [], some)

    if good and _refusal(work, object_type, lambda: write(good)) is not None:
        for change in list(good):
            refusal = _refusal(work, object_type, lambda change=change: write([change]))  # type: ignore[misc]
            if refusal is not None:
                reasons[change.id] = refusal
                good.remove(change)
    return len(good)


def _refusal(work: Work, object_type: ObjectType, act: Callable[[], None]) -> Text | None:
    """Do it, or leave everything as it was and say why."""
    try:
        with work.session.begin_nested():
            act()
    except AppError as refused:
        return _why(object_type, refused)
    return None


def _why(object_type: ObjectType, refused: AppError) -> Text:
    return said(object_type, refused.problems) if isinstance(refused, Invalid) else refused.message


def _versions(work: Work, object_type: ObjectType, wrote: Mapping[int, int]) -> Versions:
    c = table(object_type, work.catalog).c
    return {row.id: (wrote[row.id], row.version) for row in work.session.execute(sa.select(c.id, c.version).where(c.id.in_(list(wrote))))} if wrote else {}


def said(object_type: ObjectType, problems: Sequence[Problem]) -> Text:
    """Problems in one sentence, each with the field's title."""
    zh, en = [], []
    for p in problems:
        f = object_type.fields.get(p.path)
        zh.append(f"{f.title.zh}：{p.message.zh}" if f else p.message.zh)
        en.append(f"{f.title.en}: {p.message.en}" if f else p.message.en)
    return Text("；".join(zh), "; ".join(en))


def _refusals(work: Work, object_key: str, reasons: Mapping[int, Text]) -> tuple[Refused, ...]:
    names = reference_names(work, object_key, reasons)
    return tuple(Refused(i, names.get(i, f"#{i}"), reason) for i, reason in sorted(reasons.items()))


def _json(work: Work, object_type: ObjectType, key: str, raw: Any) -> Any:
    f = object_type.fields[key]
    kind = FIELD_TYPES[f.type]
    value = records.parse_form(work, f, raw)
    return kind.json(f, None if isinstance(value, Problem) else value)


def _listed(refused: Refused) -> list[Any]:
    return [refused.id, refused.name, *refused.reason]


# -- The log and undo --------------------------------------------------------------------------------------------------------


def log(work: Work, object_key: str) -> tuple[Batch, ...]:
    """Newest first: one's own, and for those who see the audit everybody's."""
    refuse_unless(work, object_key, "read")
    c = record_batches.c
    query = sa.select(record_batches).where(c.object == object_key).order_by(c.id.desc()).limit(LOG_LIMIT)
    if not roles.may(work, "audit"):
        query = query.where(c.by == work.actor.username)
    covered = rights(work, object_key).covered
    return tuple(_batch(row, covered) for row in work.session.execute(query))


def batch_of(work: Work, batch_id: int) -> Batch:
    row = work.session.execute(sa.select(record_batches).where(record_batches.c.id == batch_id)).first()
    if row is None or (row.by != work.actor.username and not roles.may(work, "audit")) or not can(work, row.object, "read"):
        raise NotFound(Text("没有这次批量操作", "There is no such change"))
    return _batch(row, rights(work, row.object).covered)


def _batch(row: sa.Row[Any], covered: frozenset[str]) -> Batch:
    values = {key: value for key, value in row._mapping["values"].items() if key not in covered}
    refused, kept = (tuple(Refused(i, name, Text(zh, en)) for i, name, zh, en in rows or ()) for rows in (row.refused, row.kept))
    return Batch(row.id, row.object, row.action, row.at, row.by, values, row.asked, row.changed, refused, row.undone_at, row.undone or 0, kept)


def undo(work: Work, batch_id: int) -> Outcome:
    """Give the records back what the batch took from them, where they were not changed since; says which were.

    It is for the one who did it. Rows are not asked for the right to edit again: who handed his customers over by mistake may no longer
    edit them, and takes back nothing but his own change. The right to edit the object and the fields is asked for.
    """
    batch = batch_of(work, batch_id)
    if batch.by != work.actor.username:
        raise Conflict(Text("只有操作者本人可以撤销", "Only who did it can undo it"))
    if batch.undone_at is not None:
        raise Conflict(Text("已经撤销过了", "It was undone already"))
    refuse_unless(work, batch.object, "delete" if batch.action == "delete" else "edit")
    object_type = object_of(work, batch.object)
    c = record_batch_items.c
    items = {row.record_id: (row.wrote, row.version) for row in work.session.execute(sa.select(c.record_id, c.wrote, c.version).where(c.batch == batch.id))}
    rows = _any_rows(work, object_type, list(items))
    since = {i: _since(work, rows.get(i), version) for i, (_, version) in items.items()}
    reasons: dict[int, Text] = {i: reason for i, reason in since.items() if reason is not None}
    left = {i: rows[i] for i in items if i not in reasons}
    done = _undelete(work, object_type, left, reasons) if batch.action == "delete" else _restore(work, object_type, batch, items, left, reasons)
    kept = _refusals(work, batch.object, reasons)
    values = {"undone_at": work.now, "undone": done, "kept": [_listed(k) for k in kept]}
    work.session.execute(sa.update(record_batches).where(record_batches.c.id == batch.id).values(**values))
    return Outcome(len(items), done, kept, batch.id)


def _any_rows(work: Work, object_type: ObjectType, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    source = table(object_type, work.catalog)
    columns = stored_columns(object_type, source) + live_columns(work, object_type, source)
    query = sa.select(*columns).where(source.c.id.in_(ids)).with_for_update(of=source)
    return {row["id"]: values_of(object_type, row) for row in work.session.execute(query).mappings()}


def _since(work: Work, row: Mapping[str, Any] | None, version: int) -> Text | None:
    if row is None:
        return GONE
    if row["version"] == version:
        return None
    when = row["updated_at"].astimezone(work.zone).strftime("%Y-%m-%d %H:%M")
    return Text(f"{row['updated_by']} 已于 {when} 修改，没有撤销", f"{row['updated_by']} changed it at {when}; left as it is")


def _restore(work: Work, object_type: ObjectType, batch: Batch, items: Versions, left: Mapping[int, dict[str, Any]], reasons: dict[int, Text]) -> int:
    _writable(work, object_type.key, dict.fromkeys(batch.values))
    h = records_history.c
    query = sa.select(h.record_id, h.version, h.changes).where(
        h.object == object_type.key, h.record_id.in_(list(left)), h.version.in_({wrote for wrote, _ in items.values()})
    )
    olds = {row.record_id: row.changes for row in work.session.execute(query) if items[row.record_id][0] == row.version}
    changes = []
    for record_id, before in left.items():
        raw = _old_values(object_type, olds.get(record_id, {}))
        ((values, problems),) = records.prepare(work, object_type, [(raw, before)], "system")
        wrong = [p for p in problems if p.severity == "error"]
        if wrong:
            reasons[record_id] = said(object_type, wrong)
        else:
            changes.append(revision(object_type, record_id, before, values))
    return _written(work, object_type, [c for c in changes if c.changed], reasons)


def _old_values(object_type: ObjectType, changes: Mapping[str, Sequence[Any]]) -> Values:
    """What the fields held before; computed ones follow by themselves."""
    found: Values = {}
    for key, (old, _) in changes.items():
        f = object_type.fields.get(key)
        if f is not None and not f.computed and not f.derived:
            found[key] = FIELD_TYPES[f.type].parse(f, old, JSON)
    return {key: value for key, value in found.items() if not isinstance(value, Problem)}


def _undelete(work: Work, object_type: ObjectType, left: Mapping[int, dict[str, Any]], reasons: dict[int, Text]) -> int:
    """Each with the parts that went along."""
    done = 0
    for record_id in left:

        def bring_back(record_id: int = record_id) -> None:
            records.undelete(work, object_type.key, record_id)

        refusal = _refusal(work, object_type, bring_back)
        if refusal is None:
            done += 1
        else:
            reasons[record_id] = refusal
    return done
