"""Who may do what: the questions every other feature asks. People and sessions are in people.py and sessions.py, and can be called from here."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Forbidden, Text
from server.expressions.types import At
from server.feature import Work
from server.features.access import conditions
from server.features.access.engine import ANYTHING, EVERYTHING, EffectiveGrant, merge
from server.features.access.engine import mask as mask_text
from server.features.access.kind import CAPABILITIES, Grant, Role
from server.features.access.people import change_password, create_user, first_admin, needs_setup, update_user, user, user_names, usernames_of_role, users
from server.features.access.roles import may, require
from server.features.access.sessions import actor_of, attempt, end_session, end_sessions, finish, login, logout, sessions_of, touch

__all__ = [
    "actor_of",
    "allowed",
    "any_of",
    "attempt",
    "change_password",
    "create_user",
    "end_session",
    "end_sessions",
    "finish",
    "first_admin",
    "grant",
    "hidden_fields",
    "login",
    "logout",
    "mask",
    "masked_fields",
    "may",
    "may_see",
    "needs_setup",
    "readonly_fields",
    "require",
    "require_allowed",
    "row_filter",
    "sessions_of",
    "touch",
    "update_user",
    "user",
    "user_names",
    "usernames_of_role",
    "users",
]


def grant(work: Work, object_key: str) -> EffectiveGrant:
    """All rights of the actor on one object."""
    if work.actor.is_system:
        return EVERYTHING
    if work.actor.grants is not None:
        return merge([dict(work.actor.grants).get(object_key) or Grant()])
    memo = ("access.grant", work.actor.roles, object_key)
    if memo not in work.catalog.memo:
        roles: list[Role] = [r for r in (work.catalog.get("role", key) for key in work.actor.roles) if r is not None]
        work.catalog.memo[memo] = merge(r.grants.get(object_key) or r.grants.get("*") or Grant() for r in roles)
    found: EffectiveGrant = work.catalog.memo[memo]
    return found


def row_filter(work: Work, object_key: str, action: str, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    """The records of an object on which the actor may do `action`, as a condition over expression-valued columns of the record."""
    return any_of(work.catalog, object_key, grant(work, object_key).conditions(action), columns, sa.literal(work.actor.username, sa.Text), work.at)


def any_of(
    catalog: Catalog, object_key: str, sources: Sequence[str], columns: Mapping[str, sa.ColumnElement[Any]], user: sa.ColumnElement[str], at: At | None
) -> sa.ColumnElement[bool]:
    """Where one of the conditions of a grant is true for `user`, which may be a bound parameter."""
    if ANYTHING in sources:
        return sa.true()
    parts = [conditions.condition_sql(catalog, object_key, source, columns, user, at) for source in sources]
    return sa.or_(*parts) if parts else sa.false()


def allowed(work: Work, object_key: str, action: str, record_values: Mapping[str, Any] | None = None) -> bool:
    """Whether the actor may do `action` on this record; without values: on some record at all."""
    sources = grant(work, object_key).conditions(action)
    if ANYTHING in sources or record_values is None:
        return bool(sources)
    return any(conditions.condition_holds(work.session, work.catalog, object_key, s, record_values, work.actor.username, work.at) for s in sources)


def require_allowed(work: Work, object_key: str, action: str, record_values: Mapping[str, Any] | None = None) -> None:
    if not allowed(work, object_key, action, record_values):
        raise Forbidden(Text("没有权限进行此操作", "You are not allowed to do this"))


def hidden_fields(work: Work, object_key: str) -> frozenset[str]:
    """Fields that do not exist for the actor."""
    return grant(work, object_key).hidden


def readonly_fields(work: Work, object_key: str) -> frozenset[str]:
    """Fields the actor may not write, besides those that nobody may."""
    return grant(work, object_key).readonly


def masked_fields(work: Work, object_key: str) -> frozenset[str]:
    """Fields of which the actor sees a part only."""
    object_type = work.catalog.get("object", object_key)
    if work.actor.is_system or object_type is None:
        return frozenset()
    return frozenset(key for key, field in object_type.fields.items() if field.mask) - grant(work, object_key).unmasked


def mask(field: Any, value: Any) -> str:
    """What those without the right see of a masked field's value. `field` has `mask`."""
    return mask_text(field.mask, value)


def may_see(work: Work, object_key: str, record_id: int, columns: Mapping[str, sa.ColumnElement[Any]], action: str = "read") -> bool:
    """Whether the actor may do `action` on one stored record that is not deleted. `columns` as for `row_filter`, `id` among them."""
    condition = sa.and_(columns["id"] == record_id, row_filter(work, object_key, action, columns))
    return work.session.scalar(sa.select(columns["id"]).where(condition)) is not None


def capability_titles() -> Mapping[str, Text]:
    return CAPABILITIES
