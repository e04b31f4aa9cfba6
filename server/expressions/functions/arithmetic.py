"""Functions of numbers."""

import math
import operator
from typing import Any

from server.errors import Text
from server.expressions import numbers
from server.expressions.function import Form, Function, Param, Size, params, scales
from server.expressions.operators import BY_ZERO, OVERFLOW, POWER, quotient

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


def _clamp(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _safe_ratio(a: float, b: float) -> float | None:
    return a / b if b else None


def _percent_change(now: float, before: float) -> float | None:
    return (now - before) / abs(before) * 100.0 if before else None


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(x, -200.0), 200.0)))


def _band(x: float, *limits: float) -> int:
    return sum(1 for v in limits if numbers.key(x) >= numbers.key(v))


def _extreme(name: str, python: Any, postgresql: str, doc: Text, examples: tuple[tuple[str, Any], ...], aliases: tuple[str, ...]) -> Function:
    def pg(count: int) -> str:
        missing = " OR ".join(f"{{{at}}} IS NULL" for at in range(count))
        return f"CASE WHEN {missing} THEN NULL ELSE {postgresql}({{*}}) END"

    inline = f"{{1}} if {{1}} {'<' if name == 'min' else '>'} {{0}} else {{0}}"
    forms = tuple(Form(params(x=kind, other=kind), kind, python, f"{name}({{*}})", pg, repeat=1, inline=inline) for kind in ("N", "date", "datetime"))
    return Function(name, "number", doc, forms, examples, aliases=aliases)


FUNCTIONS = (
    Function(
        "abs",
        "number",
        Text("绝对值", "Without its sign"),
        (
            Form(params(x="integer"), "integer", numbers.absolute, "abs(nullif({0}, LOWEST))", cause=OVERFLOW),
            Form(params(x="number"), "number", operator.abs, "abs({0})"),
        ),
        (("abs(-3)", 3), ("abs(-2.5)", 2.5)),
        aliases=(
            "ABSOLUTE",
            "绝对值",
        ),
    ),
    _extreme(
        "min",
        min,
        "least",
        Text("最小值；有一个为空则为空", "The smallest; null when one is null"),
        (("min(3, 1, 2)", 1), ("min(1, 0.5)", 0.5), ("min(1, 1 / 0)", None)),
        aliases=(
            "MINIMUM",
            "LEAST",
            "最小值",
        ),
    ),
    _extreme(
        "max",
        max,
        "greatest",
        Text("最大值；有一个为空则为空", "The largest; null when one is null"),
        (("max(3, 1, 2)", 3), ("max(1, 1 / 0)", None), ("max(1, 2.5)", 2.5)),
        aliases=(
            "MAXIMUM",
            "GREATEST",
            "最大值",
        ),
    ),
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
        aliases=(
            "INT",
            "MFLOOR",
            "向下取整",
            "取整",
        ),
    ),
    Function(
        "ceil",
        "number",
        Text("向上取整", "Rounds up"),
        (_whole(numbers.ceil_number, _CEIL),),
        (("ceil(2.1)", 3), ("ceil(-2.7)", -2), ("ceil(0.1 * 3 * 10)", 3), ("ceil(1e19)", None)),
        aliases=(
            "CEILING",
            "MCEILING",
            "向上取整",
        ),
    ),
    Function(
        "sqrt",
        "number",
        Text("平方根；负数没有", "The square root; a negative number has none"),
        (
            Form(
                params(x="number"),
                "number",
                numbers.sqrt,
                "sqrt({0})",
                "sqrt(nullif(greatest({0}, -QUANTUM), -QUANTUM))",
                may_be_null=True,
                cause=Text("负数没有平方根", "a negative number has no square root"),
            ),
        ),
        (("sqrt(9)", 3.0), ("sqrt(-1)", None), ("sqrt(0)", 0.0)),
        aliases=(
            "平方根",
            "开方",
        ),
    ),
    Function(
        "exp",
        "number",
        Text("e 的 x 次方", "e to the power of x"),
        (
            Form(
                params(x="number"),
                "number",
                numbers.exp,
                "CASE WHEN {0} > 230.0 THEN NULL WHEN {0} < -230.0 THEN 0.0 ELSE exp({0}) END",
                may_be_null=True,
                cause=OVERFLOW,
            ),
        ),
        (("exp(0)", 1.0), ("exp(1000)", None), ("exp(-1000)", 0.0)),
        aliases=("指数",),
    ),
    Function(
        "ln",
        "number",
        Text("自然对数；零和负数没有", "The natural logarithm; 0 and negative numbers have none"),
        (
            Form(
                params(x="number"),
                "number",
                numbers.ln,
                "ln(nullif(max({0}, 0.0), 0.0))",
                "ln(nullif(greatest({0}, 0.0), 0.0))",
                size=Size(1e-20, 300.0),
                may_be_null=True,
                cause=Text("零或负数没有对数", "0 and negative numbers have no logarithm"),
            ),
        ),
        (("ln(1)", 0.0), ("ln(0)", None), ("ln(-1)", None), ("ln(exp(2))", 2.0)),
        aliases=(
            "NATURALLOG",
            "LOGN",
            "自然对数",
        ),
    ),
    Function(
        "power",
        "number",
        Text("乘方，同 **", "A power, like **"),
        (POWER,),
        (("power(2, 3)", 8.0), ("power(0, -1)", None), ("power(4, 0.5)", 2.0)),
        aliases=(
            "POW",
            "乘方",
            "幂",
        ),
    ),
    Function(
        "clamp",
        "number",
        Text("限制在下限与上限之间", "Held between low and high"),
        (
            Form(
                params(x="N", low="N", high="N"),
                "N",
                _clamp,
                "min(max({0}, {1}), {2})",
                "CASE WHEN {0} IS NULL OR {1} IS NULL OR {2} IS NULL THEN NULL ELSE least(greatest({0}, {1}), {2}) END",
            ),
        ),
        (("clamp(120, 0, 100)", 100), ("clamp(-0.5, 0, 1)", 0.0), ("clamp(1 / 0, 0, 1)", None)),
        aliases=(
            "LIMIT",
            "限制范围",
        ),
    ),
    Function(
        "percent_change",
        "number",
        Text("从 before 到 now 变化的百分数；before 为零时为空", "The change from before to now in percent; null when before is 0"),
        (
            Form(
                params(now="number", before="number"),
                "number",
                _percent_change,
                "({0} - {1}) / nullif(abs({1}), 0.0) * 100.0",
                size=lambda a, b: quotient(Size(min(a.small, b.small) * 2.0**-53, (a.large + b.large) * 100), b),
                may_be_null=True,
                cause=BY_ZERO,
            ),
        ),
        (("percent_change(80, 100)", -20.0), ("percent_change(5, 0)", None), ("percent_change(-50, -100)", 50.0)),
        aliases=(
            "GROWTH",
            "变化率",
            "同比",
            "环比",
            "增长率",
        ),
    ),
    Function(
        "safe_ratio",
        "number",
        Text("a 除以 b；b 为零时为空", "a divided by b; null when b is 0"),
        (
            Form(
                params(a="number", b="number"),
                "number",
                _safe_ratio,
                "{0} / nullif({1}, 0.0)",
                size=quotient,
                may_be_null=True,
                cause=BY_ZERO,
                inline="{0} / {1} if {1} else None",
            ),
        ),
        (("safe_ratio(1, 4)", 0.25), ("safe_ratio(1, 0)", None)),
        aliases=(
            "RATIO",
            "DIVIDE",
            "比率",
            "占比",
        ),
    ),
    Function(
        "sigmoid",
        "number",
        Text("把任意数变为 0 到 1 之间的概率: 1 / (1 + exp(-x))", "Any number as a probability from 0 to 1: 1 / (1 + exp(-x))"),
        (
            Form(
                params(x="number"),
                "number",
                _sigmoid,
                "1.0 / (1.0 + exp(-(CASE WHEN {0} > 200.0 THEN 200.0 WHEN {0} < -200.0 THEN -200.0 ELSE {0} END)))",
                size=Size(1e-88, 1.0),
            ),
        ),
        (("sigmoid(0)", 0.5), ("sigmoid(1000)", 1.0)),
        aliases=(
            "LOGISTIC",
            "概率",
        ),
    ),
    Function(
        "band",
        "number",
        Text("达到了后面几个界限中的几个；界限从小到大写", "How many of the limits that follow are reached; write them from small to large"),
        (
            Form(
                params(x="number", limit="number"),
                "integer",
                _band,
                lambda n: " + ".join(
                    f"(CASE WHEN {{0:key}} >= {{{i}:key}} THEN 1 WHEN {{0}} IS NULL OR {{{i}}} IS NULL THEN NULL ELSE 0 END)" for i in range(1, n)
                ),
                repeat=1,
                limit=500,
            ),
        ),
        (("band(45, 20, 40, 60)", 2), ("band(5, 20, 40)", 0), ("band(20, 20)", 1)),
        aliases=(
            "BUCKET",
            "WIDTH_BUCKET",
            "分段",
            "分档",
        ),
    ),
)
