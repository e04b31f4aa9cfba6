"""Who may take a transition, what is missing for it, when a state is due. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.types import Scope
from server.features.strategies.scopes import deep_scope
from server.features.workflows.kind import State, Transition, Workflow

WORKING_HOURS = 8  # of a working day: half a day is four hours


@dataclass(frozen=True)
class Mover:
    """Who would take a transition, and whose request it is."""

    username: str
    roles: Collection[str]
    is_system: bool
    askers: Collection[str]  # who made the record, asked, or submitted it


def transitions_from(workflow: Workflow, state: str) -> tuple[Transition, ...]:
    return tuple(t for t in workflow.transitions if state in t.sources)


def role_refusal(transition: Transition, state: State, mover: Mover, role_titles: Mapping[str, Text]) -> Text | None:
    """Why this person may not take it, or None. Holds for every role: nobody decides on their own request."""
    if mover.is_system:
        return None
    roles = set(transition.roles)
    if transition.decision and state.approvers:
        roles &= set(state.approvers)
    if not roles & set(mover.roles):
        titles = [role_titles.get(r, Text(r, r)) for r in sorted(roles)]
        return Text(f"需要角色:{'、'.join(t.zh for t in titles)}", f"Needs the role {' or '.join(t.en for t in titles)}")
    if transition.decision and mover.username in mover.askers:
        return Text("不能审批自己提交的申请", "Nobody decides on their own request")
    return None


def missing_fields(transition: Transition, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Required fields that are empty; a required yes/no must be answered, an empty list is empty."""
    return tuple(key for key in transition.require if values.get(key) in (None, "", [], ()))


def due_at(entered: datetime, days: float, zone: ZoneInfo) -> datetime | None:
    """After so many working days; Saturday and Sunday do not count. None: no limit."""
    if days <= 0:
        return None
    local = entered.astimezone(zone)
    whole, part = int(days), days - int(days)
    local = _skip_weekend(local)
    for _ in range(whole):
        local = _skip_weekend(local + timedelta(days=1))
    return _skip_weekend(local + timedelta(hours=part * WORKING_HOURS)).astimezone(entered.tzinfo)


def _skip_weekend(local: datetime) -> datetime:
    while local.weekday() >= 5:
        local += timedelta(days=1)
    return local


def guard_scope(catalog: Catalog, object_key: str) -> Scope:
    """What guards and effects may name: the record, the records it references, and the results of both."""
    return deep_scope(catalog, object_key)
