"""Who may take a transition, what is missing for it, when a state is due. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.types import Scope
from server.features.calendars.engine import WorkingTime
from server.features.strategies.scopes import deep_scope
from server.features.workflows.kind import State, Transition, Workflow


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


def due_at(entered: datetime, days: float, working: WorkingTime) -> datetime | None:
    """After so many working days. None: no limit."""
    return working.after(entered, days=days) if days > 0 else None


def guard_scope(catalog: Catalog, object_key: str) -> Scope:
    """What guards and effects may name: the record, the records it references, and the results of both."""
    return deep_scope(catalog, object_key)
