"""Saved views: lists people want to find again. Mine, those that are shared with everybody, and the one a list opens with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Forbidden, Invalid, NotFound, Problem, Text
from server.expressions.check import check
from server.expressions.types import BOOLEAN, Name
from server.feature import Work
from server.features.access import roles
from server.features.audit import service as audit
from server.features.records.liststate import ListState, from_json, to_json
from server.features.records.reading import object_of, refuse_unless
from server.features.records.results import stored_results
from server.features.records.rights import visible_scope
from server.features.records.tables import list_view_defaults, list_views

NAME_LIMIT, VIEWS_LIMIT = 60, 60  # characters; views of one person and object
ADMIN = "studio"  # the capability that arranges lists for others


@dataclass(frozen=True)
class View:
    id: int
    object: str
    name: str
    owner: str
    shared: bool
    state: ListState
    updated_at: datetime
    defaults: frozenset[str] = frozenset()  # holders whose list opens with it: "user:li", "role:staff"


def views(work: Work, object_key: str) -> tuple[View, ...]:
    """One's own and the shared ones, by name; a shared one that asks for what the actor may not see is left out."""
    refuse_unless(work, object_key, "read")
    c = list_views.c
    query = sa.select(list_views).where(c.object == object_key, sa.or_(c.owner == work.actor.username, c.shared)).order_by(c.name, c.id)
    rows = work.session.execute(query).all()
    defaults = _defaults(work, object_key)
    found = [_view(row, frozenset(h for h, v in defaults.items() if v == row.id)) for row in rows]
    return tuple(v for v in found if v.owner == work.actor.username or usable(work, v))


def usable(work: Work, view: View) -> bool:
    """Whether the actor may ask what the view asks."""
    names = names_of(work, view.object)
    if view.state.asks - names.keys():
        return False
    if not view.state.filter:
        return True
    scope = visible_scope(work, view.object, _results(work, view.object))
    return check(view.state.filter, scope, BOOLEAN)[0] is not None


def names_of(work: Work, object_key: str) -> Mapping[str, Name]:
    """What the actor may filter and sort by."""
    return visible_scope(work, object_key, _results(work, object_key)).names


def _results(work: Work, object_key: str) -> Mapping[str, Name]:
    results = stored_results(work.catalog, object_of(work, object_key))
    return results.names if results else {}


def opening(work: Work, found: Sequence[View]) -> View | None:
    """The view the actor's list opens with: his own choice, else that of the first of his roles that has one."""
    holders = [f"user:{work.actor.username}", *(f"role:{role}" for role in work.actor.roles)]
    return next((v for holder in holders for v in found if holder in v.defaults), None)


def get(work: Work, object_key: str, view_id: int) -> View:
    found = next((v for v in views(work, object_key) if v.id == view_id), None)
    if found is None:
        raise NotFound(Text("没有这个视图，或无权查看", "There is no such view, or you may not see it"))
    return found


def may_change(work: Work, view: View) -> bool:
    return view.owner == work.actor.username or (view.shared and roles.may(work, ADMIN))


# -- Writing -----------------------------------------------------------------------------------------------------------------


def create(work: Work, object_key: str, name: str, state: ListState, *, shared: bool = False) -> int:
    refuse_unless(work, object_key, "read")
    c = list_views.c
    mine = work.session.scalar(sa.select(sa.func.count()).select_from(list_views).where(c.object == object_key, c.owner == work.actor.username))
    if (mine or 0) >= VIEWS_LIMIT:
        raise Invalid([Problem("name", Text(f"每人最多保存 {VIEWS_LIMIT} 个视图，请先删去不用的", f"At most {VIEWS_LIMIT} views each; delete one first"))])
    values = {"object": object_key, "name": _name(name), "owner": work.actor.username, "shared": shared, "state": to_json(state), "updated_at": work.now}
    view_id: int = work.session.execute(sa.insert(list_views).values(**values).returning(list_views.c.id)).scalar_one()
    audit.record(work, "create_view", object_key, detail={"view": view_id, "name": values["name"], "shared": shared})
    return view_id


def update(work: Work, object_key: str, view_id: int, *, name: str | None = None, state: ListState | None = None, shared: bool | None = None) -> None:
    view = _changeable(work, object_key, view_id)
    values: dict[str, Any] = {"updated_at": work.now}
    if name is not None:
        values["name"] = _name(name)
    if state is not None:
        values["state"] = to_json(state)
    if shared is not None:
        values["shared"] = shared
    work.session.execute(sa.update(list_views).where(list_views.c.id == view.id).values(**values))
    if shared is False:  # nobody else's list may open with what he cannot see
        d = list_view_defaults.c
        work.session.execute(sa.delete(list_view_defaults).where(d.view == view.id, d.holder != f"user:{view.owner}"))
    audit.record(work, "update_view", object_key, detail={"view": view.id, **{k: v for k, v in values.items() if k in {"name", "shared"}}})


def delete(work: Work, object_key: str, view_id: int) -> None:
    view = _changeable(work, object_key, view_id)
    work.session.execute(sa.delete(list_view_defaults).where(list_view_defaults.c.view == view.id))
    work.session.execute(sa.delete(list_views).where(list_views.c.id == view.id))
    audit.record(work, "delete_view", object_key, detail={"view": view.id, "name": view.name})


def open_with(work: Work, object_key: str, view_id: int, yes: bool) -> None:
    """The actor's own list opens with the view, or no longer."""
    get(work, object_key, view_id)
    _hold(work, object_key, f"user:{work.actor.username}", view_id, yes)


def open_roles_with(work: Work, object_key: str, view_id: int, wanted: Sequence[str]) -> None:
    """The lists of exactly these roles open with the view, which has to be a shared one."""
    roles.require(work, ADMIN)
    view = get(work, object_key, view_id)
    known = {role.key for role in work.catalog.all("role")}
    if unknown := sorted(set(wanted) - known):
        raise Invalid([Problem("roles", Text(f"没有角色 {unknown[0]}", f"There is no role {unknown[0]}"), code="unknown_role")])
    if wanted and not view.shared:
        raise Invalid([Problem("roles", Text("只有共享的视图可以给角色用", "Only a shared view can be a role's"))])
    for role in known:
        if role in wanted or f"role:{role}" in view.defaults:
            _hold(work, object_key, f"role:{role}", view_id, role in wanted)


def _hold(work: Work, object_key: str, holder: str, view_id: int, yes: bool) -> None:
    d = list_view_defaults.c
    mine = (d.object == object_key) & (d.holder == holder)
    work.session.execute(sa.delete(list_view_defaults).where(mine if yes else mine & (d.view == view_id)))
    if yes:
        work.session.execute(sa.insert(list_view_defaults).values(object=object_key, holder=holder, view=view_id))


def _changeable(work: Work, object_key: str, view_id: int) -> View:
    view = get(work, object_key, view_id)
    if not may_change(work, view):
        raise Forbidden(Text("这是别人的视图，请另存为自己的", "This is somebody else's view; save it as your own"))
    return view


def _name(name: str) -> str:
    text = " ".join(name.split())
    if not text:
        raise Invalid([Problem("name", Text("请给视图起个名字", "Give the view a name"), code="required")])
    if len(text) > NAME_LIMIT or not text.isprintable():
        raise Invalid([Problem("name", Text(f"名字最多 {NAME_LIMIT} 个字", f"A name has at most {NAME_LIMIT} characters"), code="too_long")])
    return text


def _defaults(work: Work, object_key: str) -> Mapping[str, int]:
    d = list_view_defaults.c
    return {row.holder: row.view for row in work.session.execute(sa.select(d.holder, d.view).where(d.object == object_key))}


def _view(row: sa.Row[Any], defaults: frozenset[str]) -> View:
    return View(row.id, row.object, row.name, row.owner, row.shared, from_json(row.state), row.updated_at, defaults)
