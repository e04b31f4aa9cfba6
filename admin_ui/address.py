"""A list's address: everything a list shows is in the query string, so that a list can be sent to a colleague.

`?q=text&region=east&limit_now__ge=100000&sort=-risk_score&next=...`: a condition is a name with an operator behind two underscores; none
means "is". `view=12` alone is a saved view; with `changed=1` the rest of the address counts and the view is what it began with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import QueryParams

from admin_ui.posted import whole
from server.features.records.liststate import FROZEN_LIMIT, NARROWEST, SHAPES, TOTALS, WIDEST, Condition, ListState
from server.features.records.views import View

EMPTIES = ("is_empty", "not_empty")
BUILDER = ("f", "op", "v")  # of the form that adds a condition
STATE = ("q", "in", "filter", "sort", "cols", "width", "freeze", "totals", "shape", "by")
DELETED = "_deleted"  # the record that was deleted a moment ago, to be brought back from the list
PLACE = ("view", "changed", "next", "month", "done", "edit", "focus", "c", DELETED)
RESERVED = frozenset((*STATE, *PLACE, *BUILDER))
EVERYTHING = "all"  # `view=all`: the list without any view, where the list opens with one


@dataclass(frozen=True)
class Address:
    """`view`: the saved view it began with. `opened`: the list's opening view is shown, which the address need not say."""

    object: str
    state: ListState = field(default_factory=ListState)
    cursor: str = ""
    view: View | None = None
    opens: bool = False  # the list opens with a view of its own when nothing is said
    month: str = ""

    @property
    def path(self) -> str:
        return f"/o/{self.object}"

    @property
    def is_changed(self) -> bool:
        return self.view is not None and self.view.state != self.state

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Without the place in the pages."""
        if self.view is not None and not self.is_changed:
            return [("view", str(self.view.id))]
        state = state_parameters(self.state)
        if self.view is not None:
            return [("view", str(self.view.id)), ("changed", "1"), *state]
        return state or ([("view", EVERYTHING)] if self.opens else [])

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form beside the list sends along, so that the rest of the list stays as it is: the whole state, whichever view it is."""
        state = state_parameters(self.state)
        return [("view", str(self.view.id)), ("changed", "1"), *state] if self.view else [*state, *([("view", EVERYTHING)] if self.opens else [])]

    @property
    def url(self) -> str:
        pairs = [*self.parameters, ("month", self.month), ("next", self.cursor)]
        query = urlencode([(k, v) for k, v in pairs if v])
        return self.path + (f"?{query}" if query else "")

    @property
    def query(self) -> str:
        """The state as a query string, for forms that post it."""
        return urlencode(state_parameters(self.state))

    def kept_without(self, *names: str) -> list[tuple[str, str]]:
        return [(k, v) for k, v in self.kept if k not in names]

    def showing(self, **changes: Any) -> "Address":
        return replace(self, state=replace(self.state, **changes), cursor="")

    def without(self, condition: Condition | None) -> "Address":
        return self.showing(conditions=tuple(c for c in self.state.conditions if c != condition))

    def having(self, condition: Condition) -> "Address":
        return self.showing(conditions=(*self.state.conditions, condition))

    def cleared(self) -> "Address":
        return self.showing(search="", inside=(), conditions=(), filter="")

    def at(self, cursor: str) -> "Address":
        return replace(self, cursor=cursor)

    def in_month(self, month: str) -> "Address":
        return replace(self, month=month)

    def plain(self) -> "Address":
        """The list of everything, drawn as it is."""
        return Address(self.object, opens=self.opens)


def parameter(c: Condition) -> tuple[str, str]:
    spelled = c.name if c.op == "eq" and c.name not in RESERVED else f"{c.name}__{c.op}"
    return (spelled, c.value or ("1" if c.op in EMPTIES else ""))


def state_parameters(state: ListState) -> list[tuple[str, str]]:
    pairs = [
        ("q", state.search),
        ("in", ",".join(state.inside)),
        *(parameter(c) for c in state.conditions),
        ("filter", state.filter),
        ("sort", state.sort),
        ("cols", ",".join(state.columns)),
        ("width", ",".join(f"{name}:{width}" for name, width in state.widths)),
        ("freeze", str(state.frozen or "")),
        ("totals", ",".join(f"{name}:{kind}" for name, kind in state.totals)),
        ("shape", state.shape),
        ("by", state.by),
    ]
    return [(k, v) for k, v in pairs if v]


def read_state(pairs: Sequence[tuple[str, str]]) -> ListState:
    """Whatever somebody wrote into an address: what makes no sense is left out, what names no field is told by the list."""
    last = dict(pairs)
    get = last.get

    def all_of(key: str) -> str:
        return ",".join(v for k, v in pairs if k == key)

    conditions = []
    for key, value in pairs:
        name, _, op = key.partition("__")
        if key not in RESERVED and name and not name.startswith("_") and value.strip():
            conditions.append(Condition(name, op or "eq", "" if op in EMPTIES else value.strip()))
    conditions += _added(pairs, last)
    columns = [*(v for k, v in pairs if k == "c"), *_names(get("cols", ""))]
    shape = get("shape", "") if get("shape", "") in SHAPES else ""
    return ListState(
        get("q", "").strip()[:200],
        tuple(_names(all_of("in"))),
        tuple(dict.fromkeys(conditions)),
        get("filter", "").strip(),
        get("sort", ""),
        tuple(dict.fromkeys(columns)),
        tuple((name, max(NARROWEST, min(WIDEST, width))) for name, text in _pairs(get("width", "")) if (width := whole(text)) is not None),
        min(whole(get("freeze", "")) or 0, FROZEN_LIMIT),
        tuple((name, kind) for name, kind in _pairs(all_of("totals")) if kind in TOTALS),
        shape,
        get("by", "") if shape else "",
    )


def _added(pairs: Sequence[tuple[str, str]], last: Mapping[str, str]) -> list[Condition]:
    """The condition the builder's form brings."""
    name, op = last.get("f", ""), last.get("op", "eq")
    value = ",".join(v.strip() for k, v in pairs if k == "v" and v.strip())
    if not name or not (value or op in EMPTIES):
        return []
    return [Condition(name, op, "" if op in EMPTIES else value)]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    found = [part.rpartition(":") for part in text.split(",")]
    return list({name.strip(): value.strip() for name, _, value in found if name.strip()}.items())


def state_of(query: str) -> ListState:
    """The state a form posted as a query string."""
    try:
        return read_state(parse_qsl(query[:20_000], max_num_fields=500))
    except ValueError:
        return ListState()


def read(object_key: str, parameters: QueryParams, views: Sequence[View] = (), opening: View | None = None) -> Address:
    """`views`: those the actor may see; `opening`: the one his list opens with."""
    pairs = parameters.multi_items()
    asked = parameters.get("view", "")
    view = next((v for v in views if str(v.id) == asked), None)
    said = [p for p in pairs if p[0] not in PLACE or p[0] == "c"]
    if view is None and not asked and not said and opening is not None:
        view = opening
    state = view.state if view is not None and not parameters.get("changed") and not any(k in BUILDER for k, _ in said) else read_state(pairs)
    return Address(object_key, state, parameters.get("next", ""), view, opening is not None, parameters.get("month", ""))
