"""Opens, closes and keeps alerts after an assessment: one statement finds what fires and clears, Python writes the messages."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.sql import moment, when_true
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
from server.storage.dialects import Instant
from server.storage.part import within

Row = Mapping[str, Any]


def on_assessed(work: Work, told: Assessed) -> Mapping[str, int]:
    found = rules(work.catalog, told.object)
    statements = _statements(work.catalog, told.object, told.part.by_ids)
    bound = {**told.part.bound, **moment(work.at), "clock": work.now}
    going = [dict(row) for row in work.session.execute(statements.going, bound).mappings()]
    new = [(rule, row[0]) for row in work.session.execute(statements.new, bound) for rule, fires in zip(statements.rules, row[1:], strict=True) if fires]
    if not going and not new:
        return {}
    round_ = _Round(work, told.object, found, going)
    round_.close()
    round_.keep()
    round_.open(new)
    tell(work, round_.notices)
    return round_.tally


@dataclass(frozen=True)
class Statements:
    """What there is to do in a part of the population, mostly nothing. `going`: episodes that end, wake up, begin after all or grow graver, each with
    whether its rule fires and clears and whether its record is still assessed. `new`: records where a rule fires that has no episode, and a column
    for each of `rules`."""

    going: sa.Select[Any]
    new: sa.Select[Any]
    rules: tuple[str, ...]


def _statements(catalog: Catalog, object_key: str, by_ids: bool) -> Statements:
    made: Statements = catalog.once(("alerts.statements", object_key, by_ids), lambda: _made_statements(catalog, object_key, by_ids))
    return made


def _made_statements(catalog: Catalog, object_key: str, by_ids: bool) -> Statements:
    record = objects.tables(catalog)[object_key].alias("r")
    values = results.table(catalog, object_key).alias("x")
    seen = Seen(catalog, object_key, record, values)
    found = rules(catalog, object_key)
    a, x = alerts.c, values.c
    of_object = (a.object == object_key, a.state != "closed")

    def of_rule(told: Callable[[Rule], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
        return sa.case(*((a.rule == r.alert.key, told(r)) for r in found), else_=sa.false()) if found else sa.false()

    def fires(r: Rule) -> sa.ColumnElement[bool]:
        return r.when.met_sql(seen)

    def clears(r: Rule) -> sa.ColumnElement[bool]:
        return r.clear.met_sql(seen) if r.clear else when_true(sa.not_(r.when.sql(seen)))

    def graver(r: Rule) -> sa.ColumnElement[bool]:
        lower = {severity: [s for s, rank in RANK.items() if rank < RANK.get(severity, 0)] for _, severity in r.raises}
        return sa.or_(sa.false(), *(sa.and_(a.severity.in_(lower[severity]), when.met_sql(seen)) for when, severity in r.raises))

    awake = sa.and_(a.state == "snoozed", a.snoozed_until <= sa.bindparam("today", type_=sa.Date()))
    waited = sa.and_(a.state == "suppressed", a.suppressed_until <= sa.bindparam("clock", type_=Instant()))
    goes_on = sa.and_(of_rule(fires), sa.or_(waited, of_rule(graver)))
    ends = sa.or_(x.record_id.is_(None), a.rule.not_in([r.alert.key for r in found]), of_rule(clears))
    going = (
        sa.select(alerts, x.record_id.is_not(None).label("in_population"), of_rule(fires).label("fires"), of_rule(clears).label("clears"))
        .select_from(alerts.outerjoin(values, x.record_id == a.record_id).outerjoin(record, record.c.id == a.record_id))
        .where(*of_object, within(a.record_id, by_ids), sa.or_(ends, awake, goes_on))
        .order_by(a.id)
    )

    def begins(r: Rule) -> sa.ColumnElement[bool]:
        has_episode = sa.exists().where(*of_object, a.rule == r.alert.key, a.record_id == x.record_id)
        return sa.and_(fires(r), sa.not_(clears(r)), sa.not_(has_episode))

    beginning = [begins(r) for r in found]
    new = (
        sa.select(x.record_id, *(b.label(f"new_{i}") for i, b in enumerate(beginning)))
        .join_from(values, record, record.c.id == x.record_id)
        .where(within(x.record_id, by_ids), sa.or_(sa.false(), *beginning))
        .order_by(x.record_id)
    )
    return Statements(going, new, tuple(r.alert.key for r in found))


class _Round:
    """What one assessment does to the alerts of its records."""

    def __init__(self, work: Work, object_key: str, found: Sequence[Rule], going: Sequence[Row]) -> None:
        self.work, self.object_key, self.going = work, object_key, going
        self.rules = {r.alert.key: r for r in found}
        self.object_type: ObjectType = work.catalog.get("object", object_key)
        self.tally: Counter[str] = Counter()
        self.events: list[dict[str, Any]] = []
        self.notices: list[Notice] = []

    def close(self) -> None:
        """Episodes whose condition cleared, whose rule is gone, whose record left the population."""
        closing: dict[str, list[Row]] = {}
        going = []
        for row in self.going:
            if not row["in_population"]:
                closing.setdefault("left_population", []).append(row)
            elif row["rule"] not in self.rules:
                closing.setdefault("rule_removed", []).append(row)
            elif row["clears"]:
                closing.setdefault("cleared", []).append(row)
            else:
                going.append(row)
        self.going = going
        for reason, rows in closing.items():
            values = {"state": "closed", "closed_at": self.work.now, "closed_by": "system", "close_reason": reason}
            self.work.session.execute(sa.update(alerts).where(alerts.c.id.in_([row["id"] for row in rows])).values(**values))
            self._tell(rows, reason)
            self.tally["alerts_cleared"] += sum(row["state"] != "suppressed" for row in rows)

    def keep(self) -> None:
        """What goes on: wakes what was put off till today, opens what waited long enough, grows graver when it became so."""
        today, now = self.work.at.today, self.work.now
        awake = [row for row in self.going if row["state"] == "snoozed" and row["snoozed_until"] <= today]
        for row in awake:
            self._update([row], {"state": "open", "snoozed_until": None, "snooze_reason": None, **self._due(row["rule"], row["severity"])}, "snooze_ended")
        self.notices += notices(self.work, awake, OPENED)
        firing = [row for row in self.going if row["fires"]]
        ready = [row for row in firing if row["state"] == "suppressed" and row["suppressed_until"] and row["suppressed_until"] <= now]
        for row in ready:
            values = {"state": "open", "opened_at": now, "as_of": self.work.at.today, "suppressed_reason": None, "suppressed_until": None}
            self._update([row], {**values, **self._due(row["rule"], row["severity"])}, "opened")
        self.notices += notices(self.work, ready, OPENED)
        self.tally["alerts_opened"] += len(ready)
        raising = [row for row in firing if self.rules[row["rule"]].raises]
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

    def open(self, new: Sequence[tuple[str, int]]) -> None:
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
