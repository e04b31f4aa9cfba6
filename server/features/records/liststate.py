"""What a list shows: what is looked for, in which order, which columns, drawn as what. An address says it, a saved view keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.features.objects.results import names_used

TABLE, BOARD, CALENDAR = "", "board", "calendar"
SHAPES = (TABLE, BOARD, CALENDAR)
TOTALS = ("sum", "avg", "min", "max", "count")
NARROWEST, WIDEST, FROZEN_LIMIT = 64, 800, 4  # pixels, columns


@dataclass(frozen=True)
class Condition:
    """One field compared with a value, as text: the value of `in` and `between` is separated by commas."""

    name: str
    op: str
    value: str


@dataclass(frozen=True)
class ListState:
    """`inside`: the fields the search looks into. `filter`: an expression. `widths`: pixels by column. `by`: the field of a board or calendar."""

    search: str = ""
    inside: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    filter: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    frozen: int = 0
    totals: tuple[tuple[str, str], ...] = ()
    shape: str = TABLE
    by: str = ""

    @property
    def sorts(self) -> tuple[str, ...]:
        return tuple(part.strip().removeprefix("-") for part in self.sort.split(",") if part.strip())

    @property
    def asks(self) -> frozenset[str]:
        """The names whose values decide which records are shown, and where: one may not see what is behind them without seeing them."""
        parts = (*self.inside, *(c.name for c in self.conditions), *names_used(self.filter), *self.sorts, *(name for name, _ in self.totals))
        return frozenset((*parts, self.by) if self.by and not self.by.startswith("@") else parts)

    @property
    def narrows(self) -> bool:
        return bool(self.search or self.conditions or self.filter)


def to_json(state: ListState) -> dict[str, Any]:
    """Without what is as it is by itself."""
    found = {
        "search": state.search,
        "inside": list(state.inside),
        "conditions": [[c.name, c.op, c.value] for c in state.conditions],
        "filter": state.filter,
        "sort": state.sort,
        "columns": list(state.columns),
        "widths": [list(w) for w in state.widths],
        "frozen": state.frozen,
        "totals": [list(x) for x in state.totals],
        "shape": state.shape,
        "by": state.by,
    }
    return {key: value for key, value in found.items() if value}


def from_json(body: Mapping[str, Any]) -> ListState:
    get = body.get
    return ListState(
        get("search", ""),
        tuple(get("inside", ())),
        tuple(Condition(*c) for c in get("conditions", ())),
        get("filter", ""),
        get("sort", ""),
        tuple(get("columns", ())),
        tuple((name, width) for name, width in get("widths", ())),
        get("frozen", 0),
        tuple((name, kind) for name, kind in get("totals", ())),
        get("shape", TABLE),
        get("by", ""),
    )
