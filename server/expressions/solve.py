"""What one value would have to be for a comparison to hold: the other values stay as they are."""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from server.expressions.operators import MIRRORED
from server.expressions.parse import dotted

Value = Callable[[ast.expr], Any]
_DECIMALS = 6  # a bound is told with so many
_EXACT = 1e-9


@dataclass(frozen=True)
class Bound:
    """The value must stand in this relation to `wanted`; `example` does."""

    operation: type[ast.cmpop]
    wanted: Any
    example: Any


@dataclass(frozen=True)
class Line:
    """slope * x + start."""

    slope: float
    start: float


def names_in(node: ast.expr) -> list[str]:
    """Dotted names in their order, each once."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        part = waiting.pop(0)
        name = dotted(part)
        if name is not None and not isinstance(part, ast.Call):
            found[name] = None
        elif isinstance(part, ast.Call):
            waiting += part.args
        else:
            waiting += [child for child in ast.iter_child_nodes(part) if isinstance(child, ast.expr)]
    return list(found)


def line(node: ast.expr, name: str, value: Value) -> Line | None:
    """The part as a line over the values of a name; None where it is none."""
    if name not in names_in(node):
        known = value(node)
        return Line(0.0, float(known)) if isinstance(known, int | float) and not isinstance(known, bool) else None
    if isinstance(node, ast.Name | ast.Attribute):
        return Line(1.0, 0.0)
    if isinstance(node, ast.UnaryOp):
        inner = line(node.operand, name, value)
        return None if inner is None else Line(-inner.slope, -inner.start) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "coalesce":
        return line(node.args[0], name, value)  # the name will have a value
    if isinstance(node, ast.BinOp):
        left, right = line(node.left, name, value), line(node.right, name, value)
        return None if left is None or right is None else _combined(node.op, left, right)
    return None


def _combined(operation: ast.operator, a: Line, b: Line) -> Line | None:
    if isinstance(operation, ast.Add):
        return Line(a.slope + b.slope, a.start + b.start)
    if isinstance(operation, ast.Sub):
        return Line(a.slope - b.slope, a.start - b.start)
    if isinstance(operation, ast.Mult) and not (a.slope and b.slope):
        return Line(a.slope * b.start + b.slope * a.start, a.start * b.start)
    if isinstance(operation, ast.Div) and not b.slope and b.start:
        return Line(a.slope / b.start, a.start / b.start)
    return None


def number_bound(left: ast.expr, operation: type[ast.cmpop], right: ast.expr, name: str, value: Value, *, whole: bool) -> Bound | None:
    """For a comparison of numbers that is a line over the name on both sides. `whole`: the name is a whole number."""
    a, b = line(left, name, value), line(right, name, value)
    if a is None or b is None or abs(a.slope - b.slope) < _EXACT:
        return None
    slope = a.slope - b.slope
    at = (b.start - a.start) / slope
    if not math.isfinite(at) or abs(at) > 1e15:
        return None
    operation = operation if slope > 0 else MIRRORED[operation]
    rounded = round(at) if abs(at - round(at)) < _EXACT else None
    if whole and rounded is None:
        return _whole(operation, at)
    wanted: Any = _told(operation, at) if rounded is None else rounded
    wanted = wanted if whole else float(wanted)
    return Bound(operation, wanted, _beside(operation, wanted, 1 if whole else max(abs(at) * 1e-6, 1e-4)))


def _whole(operation: type[ast.cmpop], at: float) -> Bound | None:
    """Between two whole numbers: the next one that fits."""
    if operation in (ast.Lt, ast.LtE):
        return Bound(ast.LtE, math.floor(at), math.floor(at))
    if operation in (ast.Gt, ast.GtE):
        return Bound(ast.GtE, math.ceil(at), math.ceil(at))
    return None if operation is ast.Eq else Bound(ast.NotEq, at, math.floor(at))


def _told(operation: type[ast.cmpop], at: float) -> float:
    """A number that people can read, rounded to the side where the comparison holds."""
    scale = 10.0**_DECIMALS
    if operation in (ast.Lt, ast.LtE):
        return math.floor(at * scale + _EXACT) / scale
    if operation in (ast.Gt, ast.GtE):
        return math.ceil(at * scale - _EXACT) / scale
    return at


def _beside(operation: type[ast.cmpop], wanted: Any, step: Any) -> Any:
    if operation in (ast.Gt, ast.NotEq):
        return wanted + step
    return wanted - step if operation is ast.Lt else wanted


def plain_bound(operation: type[ast.cmpop], target: Any) -> Bound | None:
    """For a name that is compared with a text, a yes/no, a date or a moment."""
    if isinstance(target, date):
        try:
            return Bound(operation, target, _beside(operation, target, timedelta(days=1)))
        except OverflowError:  # the end of the calendar
            return None
    if operation in (ast.Eq, ast.LtE, ast.GtE):
        return Bound(operation, target, target)
    if isinstance(target, bool):
        return Bound(ast.Eq, not target, not target)
    if operation is ast.Lt:
        return Bound(operation, target, "") if target else None
    return Bound(operation, target, f"{target}?")
