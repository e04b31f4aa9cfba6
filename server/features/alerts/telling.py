"""Whom alerts are told to: when they open, when they grow graver, when nobody responded in time."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.feature import Notice, Work, tell
from server.features.alerts.engine import SEVERITIES
from server.features.alerts.kind import Alert
from server.features.alerts.tables import IS_OPEN, alert_events, alerts
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
    """Alerts that nobody took on in time are told again: of two processes at the same moment the mark lets one through."""
    a = alerts.c
    late = sa.select(a.id).where(IS_OPEN, a.escalate_at < work.now).order_by(a.escalate_at).limit(AT_ONCE)
    ids = work.session.scalars(late).all()
    if not ids:
        return
    mark = sa.update(alerts).where(a.id.in_(ids), a.escalate_at < work.now, IS_OPEN).values(escalate_at=None).returning(*a)
    rows = [dict(row) for row in work.session.execute(mark).mappings()]
    events = [{"alert_id": row["id"], "at": work.now, "by": "system", "what": OVERDUE, "note": ""} for row in rows]
    if events:
        work.session.execute(sa.insert(alert_events), events)
    tell(work, notices(work, rows, OVERDUE))
