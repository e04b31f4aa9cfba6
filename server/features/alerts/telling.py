"""Whom alerts are told to: when they open, when they grow graver, when nobody responded in time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.feature import Notice, Work, tell
from server.features.alerts.engine import SEVERITIES, steps, waits_since
from server.features.alerts.kind import Alert
from server.features.alerts.tables import IS_OPEN, alert_events, alerts
from server.features.assessment.replay import read_values
from server.features.calendars.engine import working_time
from server.features.objects.kind import ObjectType

OPENED, ESCALATED, OVERDUE = "opened", "escalated", "overdue"
AT_ONCE = 2000  # unanswered alerts that one tick looks at
_WORDS: Mapping[str, Text] = {
    OPENED: Text("", ""),
    ESCALATED: Text("升级为{severity}：", "now {severity}: "),
    OVERDUE: Text("逾时未响应：", "not answered in time: "),
}


def notices(work: Work, rows: Iterable[Mapping[str, Any]], what: str) -> list[Notice]:
    """`rows` of the table of alerts; those of one rule are one group."""
    return [notice for row in rows if (notice := _notice(work, row, what)) is not None]


def _notice(work: Work, row: Mapping[str, Any], what: str) -> Notice | None:
    rule: Alert | None = work.catalog.get("alert", row["rule"])
    object_type: ObjectType | None = work.catalog.get("object", row["object"])
    if rule is None or object_type is None:
        return None
    word = _WORDS[what]
    severity = SEVERITIES.get(row["severity"], Text("", ""))
    before = Text(word.zh.replace("{severity}", severity.zh), word.en.replace("{severity}", severity.en.lower()))
    plural = object_type.plural
    return Notice(
        kind="alert" if what == OPENED else "escalation",
        to=tuple(row["recipients"]),
        title=Text(f"{before.zh}{rule.title.zh} · {{name}}", f"{before.en}{rule.title.en} · {{name}}"),
        body=Text(row["message_zh"], row["message_en"]),
        link=f"/alerts/{row['id']}",
        object=row["object"],
        record_id=row["record_id"],
        severity=row["severity"],
        group=f"{what}:{rule.key}",
        many=Text(f"{before.zh}{{count}} 个{plural.zh}：{rule.title.zh}", f"{before.en}{{count}} {plural.en.lower()}: {rule.title.en}"),
        many_link=f"/alerts?rule={rule.key}",
    )


def on_tick(work: Work) -> None:
    """Alerts that nobody took on in time are told to whom their rule names then: of two processes at the same moment the mark lets one through."""
    a = alerts.c
    late = sa.select(a.id, a.rule, a.severity, a.due_at, a.escalate_at).where(IS_OPEN, a.escalate_at < work.now).order_by(a.escalate_at).limit(AT_ONCE)
    due: dict[tuple[tuple[str, ...], datetime | None], list[int]] = defaultdict(list)
    for row in work.session.execute(late):
        due[_due(work, row)].append(row.id)
    told: list[Mapping[str, Any]] = []
    for (to, ahead), ids in due.items():
        mark = sa.update(alerts).where(a.id.in_(ids), a.escalate_at < work.now, IS_OPEN).values(escalate_at=ahead).returning(*a)
        found = [dict(row) for row in work.session.execute(mark).mappings()]
        if to:  # else the step lies later by now: the calendar or the rule was changed meanwhile
            told += [{**row, "recipients": named} for row, named in zip(found, _named(work, found, to), strict=True)]
    if told:
        notes = [{"alert_id": row["id"], "at": work.now, "by": "system", "what": OVERDUE, "note": ""} for row in told]
        work.session.execute(sa.insert(alert_events), notes)
        tell(work, notices(work, told, OVERDUE))


def _due(work: Work, row: Any) -> tuple[tuple[str, ...], datetime | None]:
    """Whom the steps name that are due by now, and when the next one is."""
    rule: Alert | None = work.catalog.get("alert", row.rule)
    if rule is None:
        return (), None
    found = steps(rule, row.severity, waits_since(rule, row.due_at), working_time(work.catalog, work.zone))
    to = tuple(step.to for step in found if row.escalate_at <= step.at < work.now)
    ahead = min((step.at for step in found if step.at >= work.now), default=None)
    return to if to or ahead or not found else (found[-1].to,), ahead  # the last one now lies before it was due: it is told all the same


def _named(work: Work, rows: Sequence[Mapping[str, Any]], to: Sequence[str]) -> Iterator[list[str]]:
    """Whom each alert is told to: its recipients for "", a person that the record names now, or a role."""
    values: dict[str, dict[int, dict[str, Any]]] = {}
    for key in {row["object"] for row in rows}:
        fields = set(to) & work.catalog.get("object", key).fields.keys()
        ids = {row["record_id"] for row in rows if row["object"] == key}
        values[key] = read_values(work, key, ids, fields) if fields else {}
    for row in rows:
        held = values[row["object"]].get(row["record_id"], {})
        named = [row["recipients"] if not t else [f"user:{held[t]}"] if held.get(t) else [] if t in held else [f"role:{t}"] for t in to]
        yield list(dict.fromkeys(one for found in named for one in found))
