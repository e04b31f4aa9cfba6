"""Opens, closes and keeps alerts after an assessment: one statement finds what fires and clears, Python writes the messages."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.expressions.sql import moment
from server.feature import Assessed, Notice, Work, tell
from server.features.alerts.engine import OWN_PLACEHOLDERS, RANK, SEVERITIES, Rule, Waiting, cool_down, raised, recipients, rules, steps, waits_since
from server.features.alerts.tables import alert_events, alerts
from server.features.alerts.telling import ESCALATED, OPENED, notices
from server.features.assessment.engine import Seen
from server.features.assessment.replay import read_values, reasons
from server.features.calendars.engine import working_time
from server.features.objects import engine as objects
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.objects.wording import filled, option_titles, placeholders
from server.storage.bulk import next_ids

Row = Mapping[str, Any]


def on_assessed(work: Work, told: Assessed) -> Mapping[str, int]:
    found = rules(work.catalog, told.object)
    going = _going_on(work, told)
    if not told.ids or (not found and not going):
        return {}
    state = _conditions(work, told, found)
    round_ = _Round(work, told.object, found, going, state)
    round_.close()
    round_.keep()
    round_.open()
    tell(work, round_.notices)
    return round_.tally


def _going_on(work: Work, told: Assessed) -> dict[tuple[str, int], Row]:
    rows = work.session.execute(_GOING_ON, {"of": told.object, "ids": list(told.ids)})
    return {(row["rule"], row["record_id"]): dict(row) for row in rows.mappings()}


_GOING_ON = sa.select(alerts).where(
    alerts.c.object == sa.bindparam("of", type_=sa.Text()), alerts.c.record_id.in_(sa.bindparam("ids", expanding=True)), alerts.c.state != "closed"
)


@dataclass(frozen=True)
class Conditions:
    fires: frozenset[str]
    clears: frozenset[str]


def _conditions(work: Work, told: Assessed, found: Sequence[Rule]) -> dict[int, Conditions]:
    """What fires and clears at each record of the population; a record that left it is not there."""
    memo = ("alerts.conditions", told.object)
    query = work.catalog.memo.get(memo)
    if query is None:
        query = work.catalog.memo[memo] = _conditions_query(work, told.object, found)
    rows = work.session.execute(query, {"ids": list(told.ids), **moment(work.at)})
    keys = [r.alert.key for r in found]
    count = len(keys)
    state: dict[int, Conditions] = {}
    for row in rows:
        fires, clears = row[1 : 1 + count], row[1 + count :]
        state[row[0]] = Conditions(frozenset(k for k, f in zip(keys, fires, strict=True) if f), frozenset(k for k, c in zip(keys, clears, strict=True) if c))
    return state


def _conditions_query(work: Work, object_key: str, found: Sequence[Rule]) -> sa.Select[Any]:
    record = objects.tables(work.catalog)[object_key].alias("r")
    values = results.table(work.catalog, object_key).alias("x")
    seen = Seen(work.catalog, object_key, record, values)
    fires = [sa.case((r.when.met_sql(seen), 1), else_=0) for r in found]
    clears = [sa.case((r.clear.met_sql(seen) if r.clear else sa.not_(r.when.sql(seen)), 1), else_=0) for r in found]
    columns = [c.label(f"c{i}") for i, c in enumerate([*fires, *clears])]
    return (
        sa.select(values.c.record_id, *columns)
        .join_from(values, record, record.c.id == values.c.record_id)
        .where(values.c.record_id.in_(sa.bindparam("ids", expanding=True)))
    )


class _Round:
    """What one assessment does to the alerts of its records."""

    def __init__(self, work: Work, object_key: str, found: Sequence[Rule], going: dict[tuple[str, int], Row], state: dict[int, Conditions]) -> None:
        self.work, self.object_key, self.going, self.state = work, object_key, going, state
        self.rules = {r.alert.key: r for r in found}
        self.object_type: ObjectType = work.catalog.get("object", object_key)
        self.tally: Counter[str] = Counter()
        self.events: list[dict[str, Any]] = []
        self.notices: list[Notice] = []

    def close(self) -> None:
        """Episodes whose condition cleared, whose rule is gone, whose record left the population."""
        closing: dict[str, list[Row]] = {}
        for (rule, record_id), row in self.going.items():
            conditions = self.state.get(record_id)
            if conditions is None:
                closing.setdefault("left_population", []).append(row)
            elif rule not in self.rules:
                closing.setdefault("rule_removed", []).append(row)
            elif rule in conditions.clears:
                closing.setdefault("cleared", []).append(row)
        for reason, rows in closing.items():
            values = {"state": "closed", "closed_at": self.work.now, "closed_by": "system", "close_reason": reason}
            self.work.session.execute(sa.update(alerts).where(alerts.c.id.in_([row["id"] for row in rows])).values(**values))
            self._tell(rows, reason)
            self.tally["alerts_cleared"] += sum(row["state"] != "suppressed" for row in rows)
            for row in rows:
                del self.going[row["rule"], row["record_id"]]

    def keep(self) -> None:
        """What goes on: wakes what was put off till today, opens what waited long enough, grows graver when it became so."""
        today, now = self.work.at.today, self.work.now
        awake = [row for row in self.going.values() if row["state"] == "snoozed" and row["snoozed_until"] <= today]
        for row in awake:
            self._update([row], {"state": "open", "snoozed_until": None, "snooze_reason": None, **self._due(row["rule"], row["severity"])}, "snooze_ended")
        self.notices += notices(self.work, awake, OPENED)
        ready = [
            row
            for (rule, record_id), row in self.going.items()
            if row["state"] == "suppressed" and row["suppressed_until"] and row["suppressed_until"] <= now and rule in self.state[record_id].fires
        ]
        for row in ready:
            values = {"state": "open", "opened_at": now, "as_of": self.work.at.today, "suppressed_reason": None, "suppressed_until": None}
            self._update([row], {**values, **self._due(row["rule"], row["severity"])}, "opened")
        self.notices += notices(self.work, ready, OPENED)
        self.tally["alerts_opened"] += len(ready)
        raising = [row for (rule, record_id), row in self.going.items() if self.rules[rule].raises and rule in self.state[record_id].fires]
        seen = self._values({row["record_id"] for row in raising})
        for row in raising:
            severity = self.rules[row["rule"]].severity(seen[row["record_id"]], self.work.at)
            if RANK.get(severity, 0) > RANK.get(row["severity"], 0):
                alert = self.rules[row["rule"]].alert
                ahead = raised(
                    alert, row["severity"], severity, waits_since(alert, row["due_at"]), row["escalate_at"], working_time(self.work.catalog, self.work.zone)
                )
                self._update([row], {"severity": severity, "escalate_at": ahead}, f"severity_{severity}")
                if row["state"] != "suppressed":
                    self.notices += notices(self.work, [{**row, "severity": severity}], ESCALATED)

    def open(self) -> None:
        new = [(rule, record_id) for record_id, c in self.state.items() for rule in sorted(c.fires - c.clears) if (rule, record_id) not in self.going]
        if not new:
            self._write_events()
            return
        before = self._before(new)
        values = self._values({record_id for _, record_id in new})
        rows = [self._row(rule, record_id, values[record_id], before.get((rule, record_id))) for rule, record_id in new]
        ids = next_ids(self.work.session, alerts, len(rows))
        self.work.session.execute(sa.insert(alerts), [{"id": made, **row} for made, row in zip(ids, rows, strict=True)])
        for made, row in zip(ids, rows, strict=True):
            what = "suppressed" if row["state"] == "suppressed" else "opened"
            self._event(made, what, row["suppressed_reason"] or "")
            self.tally["alerts_suppressed" if what == "suppressed" else "alerts_opened"] += 1
        self._write_events()
        opened = [{**row, "id": made} for made, row in zip(ids, rows, strict=True) if row["state"] == "open"]
        self.notices += notices(self.work, opened, OPENED)

    def _row(self, key: str, record_id: int, values: Mapping[str, Any], before: Row | None) -> dict[str, Any]:
        rule, work = self.rules[key], self.work
        severity = rule.severity(values, work.at)
        waiting: Waiting | None = cool_down(rule.alert, before["closed_at"], before["close_reason"], work.now) if before else None
        names = rule.names() | placeholders(rule.alert.message) - set(OWN_PLACEHOLDERS) | ({rule.alert.watch} if rule.alert.watch else set())
        text = filled(rule.alert.message, values, option_titles(work.catalog, self.object_key, names), self._own(rule, severity, values))
        return {
            "rule": key,
            "object": self.object_key,
            "record_id": record_id,
            "episode": (before["episodes"] if before else 0) + 1,
            "severity": severity,
            "state": "suppressed" if waiting else "open",
            "opened_at": work.now,
            "as_of": work.at.today,
            **self._due(key, severity),
            "message_zh": text.zh,
            "message_en": text.en,
            "values": {name: _json(values.get(name)) for name in sorted(names)},
            "release": work.catalog.release,
            "recipients": list(recipients(rule, self.object_type, values, work.at)),
            "suppressed_reason": waiting.reason.zh + " / " + waiting.reason.en if waiting else None,
            "suppressed_until": waiting.until if waiting else None,
        }

    def _due(self, key: str, severity: str) -> dict[str, datetime | None]:
        """Until when somebody must have responded, from now on, and when others hear of it else."""
        alert, now = self.rules[key].alert, self.work.now
        following = steps(alert, severity, now, working_time(self.work.catalog, self.work.zone))
        return {"due_at": now + timedelta(hours=alert.respond_hours), "escalate_at": following[0].at if following else None}

    def _own(self, rule: Rule, severity: str, values: Mapping[str, Any]) -> dict[str, Text]:
        name = str(values.get(self.object_type.name_field) or values["id"])
        own = {"name": Text(name, name), "severity": SEVERITIES[severity]}
        if "reasons" in placeholders(rule.alert.message):
            found = reasons(self.work.catalog, self.object_key, values, self.work.at)
            own["reasons"] = Text("、".join(r.zh for r in found) or "—", "; ".join(r.en for r in found) or "—")
        return own

    def _before(self, new: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Row]:
        """How many episodes there were, and the end of the last one that was not suppressed."""
        wanted = set(new)
        columns = alerts.c.rule, alerts.c.record_id, alerts.c.episode, alerts.c.closed_at, alerts.c.close_reason, alerts.c.suppressed_reason
        query = sa.select(*columns).where(alerts.c.object == self.object_key, alerts.c.record_id.in_(sorted({r for _, r in wanted}))).order_by(alerts.c.episode)
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for row in self.work.session.execute(query):
            if (row.rule, row.record_id) not in wanted:
                continue
            last = found.setdefault((row.rule, row.record_id), {"episodes": 0, "closed_at": None, "close_reason": None})
            last["episodes"] = row.episode
            if row.suppressed_reason is None or row.close_reason == "resolved":
                last |= {"closed_at": row.closed_at, "close_reason": row.close_reason}
        return dict(found)

    def _values(self, ids: set[int]) -> dict[int, dict[str, Any]]:
        """Fields and results of some records, as expressions see them."""
        if not ids:
            return {}
        found = self.rules.values()
        names = {n for r in found for n in r.names() | (placeholders(r.alert.message) - set(OWN_PLACEHOLDERS)) | {r.alert.watch} if n}
        names.add(self.object_type.name_field)
        names |= {to for r in found for to, _ in r.recipients if to in self.object_type.fields}
        if any("reasons" in placeholders(r.alert.message) for r in found):
            names |= results.scope(self.work.catalog, self.object_key, references=False).names.keys()
        names.discard("id")
        return read_values(self.work, self.object_key, ids, names)

    def _update(self, rows: Sequence[Row], values: Mapping[str, Any], what: str) -> None:
        self.work.session.execute(sa.update(alerts).where(alerts.c.id.in_([row["id"] for row in rows])).values(**values))
        self._tell(rows, what)

    def _tell(self, rows: Iterable[Row], what: str) -> None:
        for row in rows:
            self._event(row["id"], what)

    def _event(self, alert_id: int, what: str, note: str = "") -> None:
        self.events.append({"alert_id": alert_id, "at": self.work.now, "by": "system", "what": what, "note": note})

    def _write_events(self) -> None:
        if self.events:
            self.work.session.execute(sa.insert(alert_events), self.events)


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list) else value.isoformat()
