"""What a rule's conditions mean: which alerts open, close, wait or grow more severe; their message and whom it reaches. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.types import BOOLEAN, At, Scope
from server.features.alerts.kind import Alert, Escalation
from server.features.calendars.engine import WorkingTime
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.objects.step import Expression, expression

SEVERITIES: Mapping[str, Text] = {"info": Text("提示", "Info"), "warning": Text("警告", "Warning"), "critical": Text("严重", "Critical")}
RANK: Mapping[str, int] = {key: rank for rank, key in enumerate(SEVERITIES)}
COOLING = Text("冷静期内再次触发", "Fired again within the cool-down")
STAYS = Text("已由人关闭,条件尚未解除", "Closed by a person while the condition goes on")
OWN_PLACEHOLDERS = ("name", "severity", "reasons")


@dataclass(frozen=True)
class Rule:
    """A rule with its texts checked."""

    alert: Alert
    when: Expression
    clear: Expression | None
    raises: tuple[tuple[Expression, str], ...]
    recipients: tuple[tuple[str, Expression | None], ...]

    def severity(self, values: Mapping[str, Any], at: At) -> str:
        """The gravest of those whose condition is met."""
        met = [severity for when, severity in self.raises if when.met(values, at)]
        return max([self.alert.severity, *met], key=lambda s: RANK.get(s, 0))

    def names(self) -> frozenset[str]:
        texts = [self.when, self.clear, *(when for when, _ in self.raises), *(when for _, when in self.recipients)]
        return frozenset(name for text in texts if text is not None for name in text.names)


def rules(catalog: Catalog, object_key: str) -> tuple[Rule, ...]:
    memo = ("alerts.rules", object_key)
    found: tuple[Rule, ...] | None = catalog.memo.get(memo)
    if found is None:
        scope = results.scope(catalog, object_key)
        found = catalog.memo[memo] = tuple(_rule(a, scope) for a in catalog.all("alert") if a.object == object_key)
    return found


def _rule(alert: Alert, scope: Scope) -> Rule:
    return Rule(
        alert,
        expression(alert.when, scope, BOOLEAN),
        expression(alert.clear, scope, BOOLEAN) if alert.clear else None,
        tuple((expression(r.when, scope, BOOLEAN), r.severity) for r in alert.raises),
        tuple((r.to, expression(r.when, scope, BOOLEAN) if r.when else None) for r in alert.recipients),
    )


# -- What becomes of an episode ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """Why a firing is kept as a suppressed row, and until when; None is until it clears."""

    reason: Text
    until: datetime | None


def cool_down(alert: Alert, closed_at: datetime | None, close_reason: str | None, now: datetime) -> Waiting | None:
    """`closed_at`, `close_reason`: of the episode before. A person's close stands for a while, however loud the condition is.
    `closed_at` may lie after `now`: somebody set the clock back."""
    if closed_at is None:
        return None
    if not alert.cool_down_days:
        return Waiting(STAYS, None) if close_reason == "resolved" else None
    until = closed_at + timedelta(days=alert.cool_down_days)
    return Waiting(COOLING, until) if until > now else None


# -- Message and recipients --------------------------------------------------------------------------------------------------


def recipients(rule: Rule, object_type: ObjectType, values: Mapping[str, Any], at: At) -> tuple[str, ...]:
    """`user:<name>` for a field that holds a user, `role:<key>` for a role."""
    found: dict[str, None] = {}
    for to, when in rule.recipients:
        if when is not None and not when.met(values, at):
            continue
        field = object_type.fields.get(to)
        if field is None:
            found[f"role:{to}"] = None
        elif values.get(to):
            found[f"user:{values[to]}"] = None
    return tuple(found)


# -- Nobody responded --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """At `at`, `to` hears of it: a user field or a role, "" the recipients once more."""

    at: datetime
    to: str


def steps(alert: Alert, severity: str, since: datetime, working: WorkingTime) -> list[Step]:
    """What follows when nobody responds to an alert that waits `since` then, in the order in which it happens."""
    if not alert.escalate:
        return [Step(since + timedelta(hours=alert.respond_hours), "")]
    grave = [e for e in alert.escalate if not e.severity or RANK.get(severity, 0) >= RANK.get(e.severity, 0)]
    return sorted((Step(_later(since, e, working), e.to) for e in grave), key=lambda step: step.at)


def _later(since: datetime, escalation: Escalation, working: WorkingTime) -> datetime:
    if escalation.unit == "hours":
        return since + timedelta(hours=escalation.after)
    if escalation.unit == "working_days":
        return working.after(since, days=escalation.after)
    return working.after(since, hours=escalation.after)


def waits_since(alert: Alert, due_at: datetime) -> datetime:
    """When an alert that is to be answered until then began to wait."""
    return due_at - timedelta(hours=alert.respond_hours)


def raised(alert: Alert, before: str, severity: str, since: datetime, ahead: datetime | None, working: WorkingTime) -> datetime | None:
    """When people hear of it next, now that it is graver than `before`: at the step that was `ahead`, or at one that graver alerts alone have."""
    old = steps(alert, before, since, working)
    return min((s.at for s in steps(alert, severity, since, working) if s not in old or (ahead is not None and s.at >= ahead)), default=None)
