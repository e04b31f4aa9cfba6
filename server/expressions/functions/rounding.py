"""Functions that round numbers. A number that equals a whole one to 9 decimals is that whole one."""

import math
from collections.abc import Callable
from typing import Any

from server.errors import Text
from server.expressions import numbers
from server.expressions.function import Form, Function, Param, Size, params, scales
from server.expressions.operators import BY_ZERO, OVERFLOW, quotient

_TO_INTEGER = "CAST(nullif(nullif(min(max({0}, -INTEGERS), INTEGERS), -INTEGERS), INTEGERS) AS INTEGER)"
_TO_BIGINT = "CAST(nullif(nullif(least(greatest({0}, -INTEGERS), INTEGERS), -INTEGERS), INTEGERS) AS bigint)"
_FLOOR = "floor({0} + NUDGE)"
_CEIL = "ceil({0} - NUDGE)"
_ROUND = "(CASE WHEN abs({0}) >= WHOLE THEN {0} WHEN {0} < 0 THEN -floor(HALF - {0}) ELSE floor({0} + HALF) END)"


def _whole(step: Any, sql: str) -> Form:
    """A number to a whole number of 64 bits."""
    return Form(
        params(x="number"),
        "integer",
        lambda x: numbers.to_integer(step(x)),
        _TO_INTEGER.replace("{0}", sql),
        _TO_BIGINT.replace("{0}", sql),
        may_be_null=True,
        cause=OVERFLOW,
    )


def _round_to(x: float, digits: int) -> float:
    up, down = scales(digits)
    return numbers.round_number(x * up / down) * down / up


def _towards_zero(x: float) -> float:
    return numbers.ceil_number(x) if x < 0 else numbers.floor_number(x)


_TRUNC = "(CASE WHEN {0} < 0 THEN ceil({0} - NUDGE) ELSE floor({0} + NUDGE) END)"
# To decimals; the number itself is taken to 9 decimals, so that one that equals 3 is not rounded down to 2.99.
_UP = "(CASE WHEN abs(@) >= WHOLE THEN @ WHEN @ < 0 THEN floor(@ + NUDGE * {1:up}) ELSE ceil(@ - NUDGE * {1:up}) END)"
_DOWN = "(CASE WHEN abs(@) >= WHOLE THEN @ WHEN @ < 0 THEN ceil(@ - NUDGE * {1:up}) ELSE floor(@ + NUDGE * {1:up}) END)"


def _whole_up(x: float, nudge: float) -> float:
    return float(math.floor(x + nudge) if x < 0 else math.ceil(x - nudge))


def _whole_down(x: float, nudge: float) -> float:
    return float(math.ceil(x - nudge) if x < 0 else math.floor(x + nudge))


def _decimals(name: str, whole: Callable[[float, float], float], sql: str, doc: Text, aliases: tuple[str, ...], *examples: tuple[str, Any]) -> Function:
    """Rounds to a number of decimals that is written out."""

    def python(x: float, digits: int) -> float:
        up, down = scales(digits)
        moved = x * up / down
        return (moved if abs(moved) >= numbers.WHOLE else whole(moved, numbers.NUDGE * up)) * down / up

    x = (Param("x", "number"), Param("decimals", "integer", literal=(-9, 9)))
    form = Form(x, "number", python, sql.replace("@", "({0} * {1:up} / {1:down})") + " * {1:down} / {1:up}")
    return Function(name, "number", doc, (form,), examples, aliases=aliases)


def _step_size(x: Size, step: Size) -> Size:
    """The quotient on the way, and multiples of the step."""
    found = quotient(x, step)
    return Size(min(found.small, step.small, x.small * 2.0**-53), max(found.large, 2 * (x.large + step.large)))


def _steps(name: str, whole: Callable[[float], float], sql: str, doc: Text, aliases: tuple[str, ...], *examples: tuple[str, Any]) -> Function:
    """Rounds to a multiple of a step."""

    def python(x: float, step: float) -> float | None:
        return whole(x / abs(step)) * abs(step) if step else None

    template = sql.replace("{0}", "({0} / nullif(abs({1}), 0.0))") + " * abs({1})"
    form = Form(params(x="number", step="number"), "number", python, template, size=_step_size, may_be_null=True, cause=BY_ZERO)
    return Function(name, "number", doc, (form,), examples, aliases=aliases)


FUNCTIONS = (
    Function(
        "round",
        "number",
        Text("四舍五入（正好一半时远离零）；第二个参数是小数位数", "Rounds half away from zero; the second argument is the number of decimals"),
        (
            _whole(numbers.round_number, _ROUND),
            Form(
                (Param("x", "number"), Param("decimals", "integer", literal=(-9, 9))),
                "number",
                _round_to,
                _ROUND.replace("{0}", "({0} * {1:up} / {1:down})") + " * {1:down} / {1:up}",
            ),
        ),
        (("round(2.5)", 3), ("round(-2.5)", -3), ("round(2.675, 2)", 2.68), ("round(1234.5, -2)", 1200.0), ("round(0.49999)", 0), ("round(1e30)", None)),
        aliases=("四舍五入",),
    ),
    Function(
        "floor",
        "number",
        Text("向下取整", "Rounds down"),
        (_whole(numbers.floor_number, _FLOOR),),
        (("floor(2.7)", 2), ("floor(-2.1)", -3), ("floor(0.1 * 30)", 3), ("floor(-1e30)", None)),
        aliases=("INT", "MFLOOR", "向下取整", "取整"),
    ),
    Function(
        "ceil",
        "number",
        Text("向上取整", "Rounds up"),
        (_whole(numbers.ceil_number, _CEIL),),
        (("ceil(2.1)", 3), ("ceil(-2.7)", -2), ("ceil(0.1 * 3 * 10)", 3), ("ceil(1e19)", None)),
        aliases=("CEILING", "MCEILING", "向上取整"),
    ),
    Function(
        "trunc",
        "number",
        Text("去掉小数部分", "Without its decimals: rounds towards 0"),
        (_whole(_towards_zero, _TRUNC),),
        (("trunc(2.7)", 2), ("trunc(-2.7)", -2), ("trunc(0.1 * 30)", 3), ("trunc(1e30)", None)),
        aliases=("TRUNCATE", "FIX", "截取整数", "去尾"),
    ),
    _decimals(
        "round_up",
        _whole_up,
        _UP,
        Text("按小数位数进位（远离零）", "Rounds away from 0 to a number of decimals"),
        ("ROUNDUP", "进位", "向上舍入"),
        ("round_up(2.341, 2)", 2.35),
        ("round_up(-2.341, 1)", -2.4),
        ("round_up(2.34, 2)", 2.34),
        ("round_up(1201, -2)", 1300.0),
    ),
    _decimals(
        "round_down",
        _whole_down,
        _DOWN,
        Text("按小数位数舍去（趋近零）", "Rounds towards 0 to a number of decimals"),
        ("ROUNDDOWN", "舍去", "向下舍入"),
        ("round_down(2.349, 2)", 2.34),
        ("round_down(-2.349, 1)", -2.3),
        ("round_down(0.1 + 0.2, 1)", 0.3),
        ("round_down(1299, -2)", 1200.0),
        ("round_down(2.9999999999, 2)", 3.0),
    ),
    _steps(
        "round_to",
        numbers.round_number,
        _ROUND,
        Text("舍入到步长的倍数（正好一半时远离零）；步长为零时为空", "To the nearest multiple of a step, half away from zero; null when the step is 0"),
        ("MROUND", "倍数取整"),
        ("round_to(17, 5)", 15.0),
        ("round_to(17.5, 5)", 20.0),
        ("round_to(-7.5, 5)", -10.0),
        ("round_to(0.37, 0.05) == 0.35", True),
        ("round_to(3, 0)", None),
    ),
    _steps(
        "floor_to",
        numbers.floor_number,
        _FLOOR,
        Text("向下取到步长的倍数；步长为零时为空", "Down to a multiple of a step; null when the step is 0"),
        ("FLOOR.MATH", "向下取倍数"),
        ("floor_to(17, 5)", 15.0),
        ("floor_to(-17, 5)", -20.0),
        ("floor_to(0.3, 0.1) == 0.3", True),
        ("floor_to(3, 0)", None),
    ),
    _steps(
        "ceil_to",
        numbers.ceil_number,
        _CEIL,
        Text("向上取到步长的倍数，如整箱；步长为零时为空", "Up to a multiple of a step, such as whole boxes; null when the step is 0"),
        ("CEILING.MATH", "向上取倍数"),
        ("ceil_to(17, 12)", 24.0),
        ("ceil_to(-17, 5)", -15.0),
        ("ceil_to(24, 12)", 24.0),
        ("ceil_to(3, 0)", None),
    ),
)
