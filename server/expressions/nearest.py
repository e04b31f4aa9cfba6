"""For a condition that does not hold: the nearest change of values that would make it hold."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from server.errors import Text
from server.expressions.checked import Checked
from server.expressions.explain import NEGATED, SYMBOLS, Tracer, show
from server.expressions.operators import MIRRORED
from server.expressions.parse import dotted
from server.expressions.types import At

_UNKNOWN_COST = 1e6  # a value nobody knows is the farthest away


@dataclass(frozen=True)
class Change:
    """The value of `name` would have to be `symbol` `wanted`, e.g. max_days_overdue ≤ 30."""

    name: str
    symbol: str
    wanted: Any
    value: Any
    cost: float

    def text(self, titles: Mapping[str, Text], locale: str) -> str:
        title = titles.get(self.name, Text(self.name, self.name)).of(locale)
        return f"{title} {self.symbol} {show(self.wanted, locale)}"


def nearest(checked: Checked, values: Mapping[str, Any], at: At) -> tuple[Change, ...] | None:
    """The changes that together suffice; empty when it holds already; None when none can be named."""
    tracer = Tracer(checked, values, at)
    tracer.run()
    found = _need(tracer, checked.tree, wanted=True)
    return None if found is None else tuple(found)


def _need(tracer: Tracer, node: ast.expr, *, wanted: bool) -> list[Change] | None:
    if tracer.value(node) is wanted:
        return []
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _need(tracer, node.operand, wanted=not wanted)
    if isinstance(node, ast.BoolOp):
        parts = [_need(tracer, part, wanted=wanted) for part in node.values]
        if isinstance(node.op, ast.And) is wanted:
            return None if any(p is None for p in parts) else [change for p in parts for change in p or ()]
        return min((p for p in parts if p is not None), key=lambda p: sum(c.cost for c in p), default=None)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(tracer, node, wanted=wanted)
    if isinstance(node, ast.Name | ast.Attribute):
        return [Change(dotted(node) or "", "=", wanted, tracer.value(node), 1)]
    return None


def _compared(tracer: Tracer, node: ast.Compare, *, wanted: bool) -> list[Change] | None:
    left, right, operation = node.left, node.comparators[0], type(node.ops[0])
    if not isinstance(left, ast.Name | ast.Attribute):
        left, right, operation = right, left, MIRRORED.get(operation, ast.Is)
    if operation not in SYMBOLS or not isinstance(left, ast.Name | ast.Attribute):
        return None
    value, target = tracer.value(left), tracer.value(right)
    if target is None:
        return None
    symbol = SYMBOLS[operation if wanted else NEGATED[operation]]
    return [Change(dotted(left) or "", symbol, target, value, _distance(value, target))]


def _distance(value: Any, target: Any) -> float:
    if value is None:
        return _UNKNOWN_COST
    if isinstance(value, int | float) and isinstance(target, int | float):
        return abs(value - target) / max(abs(value), abs(target), 1)
    if isinstance(value, date) and isinstance(target, date):
        return abs(value.toordinal() - target.toordinal()) / 30
    return 1
