"""Functions of numbers."""

import math
import operator
from collections.abc import Callable
from typing import Any

from server.errors import Text
from server.expressions import limits, numbers
from server.expressions.function import Form, Function, Size, params
from server.expressions.operators import BY_ZERO, OVERFLOW, POWER, quotient

NO_WIDTH = Text("下限与上限相等", "the two bounds are the same")
NO_LOGARITHM = Text("没有这个对数：x 须为正数，底须为正数且不为 1", "there is no such logarithm: 0 and negative numbers have none, 1 is no base")


def _clamp(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _safe_ratio(a: float, b: float) -> float | None:
    return a / b if b else None


def _percent_change(now: float, before: float) -> float | None:
    return (now - before) / abs(before) * 100.0 if before else None


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(x, -200.0), 200.0)))


def _band(x: float, *bounds: float) -> int:
    return sum(1 for v in bounds if numbers.key(x) >= numbers.key(v))


def _band_sql(zero: str) -> Callable[[int], str]:
    one = zero.replace("0", "1")

    def template(count: int) -> str:
        reached = f"WHEN {{0:key}} >= {{@:key}} THEN {one} WHEN {{0}} IS NULL OR {{@}} IS NULL THEN NULL"
        return " + ".join(f"(CASE {reached.replace('@', str(at))} ELSE {zero} END)" for at in range(1, count))

    return template


def _sign(x: float) -> int:
    whole = numbers.key(x)
    return (whole > 0) - (whole < 0)


def _log10(x: float) -> float | None:
    return math.log10(x) if x > 0 else None


def _log(x: float, base: float) -> float | None:
    below = math.log(base) if base > 0 else 0.0
    return math.log(x) / below if x > 0 and below else None


def _percent_of(part: float, whole: float) -> float | None:
    return part / whole * 100.0 if whole else None


def _share(x: float, low: float, high: float) -> float | None:
    width = high - low
    if not width:
        return None
    share = (x - low) / width
    return 0.0 if share < limits.QUANTUM else 1.0 if share > 1.0 else share


def _scale(x: float, low: float, high: float, at_low: float, at_high: float) -> float | None:
    share = _share(x, low, high)
    return None if share is None else at_low + share * (at_high - at_low)


_LN = {False: "ln(nullif(max({@}, 0.0), 0.0))", True: "ln(nullif(greatest({@}, 0.0), 0.0))"}
_LOG = {pg: f"{ln.replace('@', '0')} / nullif({ln.replace('@', '1')}, 0.0)" for pg, ln in _LN.items()}
_WHERE = "(({0} - {1}) / nullif({2} - {1}, 0.0))"
_SHARE = f"CASE WHEN {_WHERE} < QUANTUM THEN 0.0 WHEN {_WHERE} > 1.0 THEN 1.0 ELSE {_WHERE} END"


def _share_size(x: Size, low: Size, high: Size) -> Size:
    def distance(a: Size, b: Size) -> Size:
        return Size(min(a.small, b.small) * 2.0**-53, a.large + b.large)

    return quotient(distance(x, low), distance(high, low))


def _scale_size(x: Size, low: Size, high: Size, at_low: Size, at_high: Size) -> Size:
    share = _share_size(x, low, high)
    ends = min(at_low.small, at_high.small) * 2.0**-106 * limits.QUANTUM
    return Size(min(share.small, ends), max(share.large, 2 * (at_low.large + at_high.large)))


def _extreme(name: str, python: Any, postgresql: str, doc: Text, examples: tuple[tuple[str, Any], ...], aliases: tuple[str, ...]) -> Function:
    def pg(count: int) -> str:
        missing = " OR ".join(f"{{{at}}} IS NULL" for at in range(count))
        return f"CASE WHEN {missing} THEN NULL ELSE {postgresql}({{*}}) END"

    inline = f"{{1}} if {{1}} {'<' if name == 'min' else '>'} {{0}} else {{0}}"
    forms = tuple(Form(params(x=kind, other=kind), kind, python, f"{name}({{*}})", pg, repeat=1, inline=inline) for kind in ("N", "datetime", "date"))
    return Function(name, "number", doc, forms, examples, aliases=aliases)


FUNCTIONS = (
    Function(
        "abs",
        "number",
        Text("绝对值", "Without its sign"),
        (
            Form(params(x="integer"), "integer", numbers.absolute, "abs(nullif({0}, LOWEST))", may_be_null=True, cause=OVERFLOW),
            Form(params(x="number"), "number", operator.abs, "abs({0})", inline="-{0} if {0} < 0.0 else {0}"),
        ),
        (("abs(-3)", 3), ("abs(-2.5)", 2.5), ("abs(-2.5)", 2.5), ("abs(1 / 0)", None)),
        aliases=("ABSOLUTE", "绝对值"),
    ),
    Function(
        "sign",
        "number",
        Text("正数为 1，负数为 -1，零为 0（按 9 位小数比较）", "1 for a positive number, -1 for a negative one, 0 for 0 (compared to 9 decimals)"),
        (
            Form(
                params(x="number"),
                "integer",
                _sign,
                "CASE WHEN {0:key} > 0 THEN 1 WHEN {0:key} < 0 THEN -1 WHEN {0} IS NOT NULL THEN 0 END",
                "CAST(sign({0:key}) AS bigint)",
                limit=1,
            ),
        ),
        (("sign(-2.5)", -1), ("sign(7)", 1), ("sign(0.1 + 0.2 - 0.3)", 0), ("sign(1 / 0)", None)),
        aliases=("SGN", "SIGNUM", "符号", "正负"),
    ),
    _extreme(
        "min",
        min,
        "least",
        Text("最小值；有一个为空则为空", "The smallest; null when one is null"),
        (("min(3, 1, 2)", 1), ("min(1, 0.5)", 0.5), ("min(1, 1 / 0)", None)),
        aliases=("MINIMUM", "LEAST", "最小值"),
    ),
    _extreme(
        "max",
        max,
        "greatest",
        Text("最大值；有一个为空则为空", "The largest; null when one is null"),
        (("max(3, 1, 2)", 3), ("max(1, 1 / 0)", None), ("max(1, 2.5)", 2.5)),
        aliases=("MAXIMUM", "GREATEST", "最大值"),
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
        aliases=("平方根", "开方"),
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
                cause=NO_LOGARITHM,
            ),
        ),
        (("ln(1)", 0.0), ("ln(0)", None), ("ln(-1)", None), ("ln(exp(2))", 2.0)),
        aliases=("NATURALLOG", "LOGN", "自然对数"),
    ),
    Function(
        "log10",
        "number",
        Text("以 10 为底的对数；零和负数没有", "The logarithm to base 10; 0 and negative numbers have none"),
        (
            Form(
                params(x="number"),
                "number",
                _log10,
                "",  # SQLite divides by ln(10): log10(1000) would be 2.9999999999999996
                "log(nullif(greatest({0}, 0.0), 0.0))",
                size=Size(1e-20, 300.0),
                may_be_null=True,
                registered="log10",
                cause=NO_LOGARITHM,
            ),
        ),
        (("log10(1000)", 3.0), ("log10(0.01)", -2.0), ("log10(0)", None)),
        aliases=("BASE10LOG", "LG", "常用对数"),
    ),
    Function(
        "log",
        "number",
        Text("以 base 为底的对数；x、base 须为正数，base 不为 1", "The logarithm to a base; both are positive and the base is not 1"),
        (
            Form(
                params(x="number", base="number"),
                "number",
                _log,
                _LOG[False],
                _LOG[True],
                size=Size(1e-20, 1e20),
                may_be_null=True,
                cause=NO_LOGARITHM,
            ),
        ),
        (("log(8, 2)", 3.0), ("log(0.25, 2)", -2.0), ("log(5, 1)", None), ("log(-1, 2)", None)),
        aliases=("LOGARITHM", "对数"),
    ),
    Function(
        "power",
        "number",
        Text("乘方，同 **", "A power, like **"),
        (POWER,),
        (("power(2, 3)", 8.0), ("power(0, -1)", None), ("power(4, 0.5)", 2.0)),
        aliases=("POW", "乘方", "幂"),
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
                inline="{2} if {0} > {2} or {1} > {2} else {1} if {1} > {0} else {0}",
            ),
        ),
        (("clamp(120, 0, 100)", 100), ("clamp(-0.5, 0, 1)", 0.0), ("clamp(1 / 0, 0, 1)", None)),
        aliases=("LIMIT", "限制范围"),
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
        aliases=("GROWTH", "变化率", "同比", "环比", "增长率"),
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
        (("safe_ratio(1, 4)", 0.25), ("safe_ratio(1, 0)", None), ("safe_ratio(-3, 8)", -0.375)),
        aliases=("RATIO", "DIVIDE", "比率", "占比"),
    ),
    Function(
        "percent_of",
        "number",
        Text("part 占 whole 的百分之几；whole 为零时为空", "How many percent of the whole the part is; null when the whole is 0"),
        (
            Form(
                params(part="number", whole="number"),
                "number",
                _percent_of,
                "{0} / nullif({1}, 0.0) * 100.0",
                size=lambda a, b: quotient(Size(a.small, a.large * 100), b),
                may_be_null=True,
                cause=BY_ZERO,
            ),
        ),
        (("percent_of(30, 120)", 25.0), ("percent_of(5, 0)", None), ("percent_of(-1, 8)", -12.5)),
        aliases=("PERCENT", "PERCENTAGE", "百分比", "占百分比"),
    ),
    Function(
        "scale",
        "number",
        Text(
            "x 在 low 与 high 之间的位置，从 0 到 1，超出取两端；也可给出两端各得多少。low 等于 high 时为空",
            "Where x lies between low and high, from 0 to 1 and held there; or give what the two ends are worth. Null when low and high are the same",
        ),
        (
            Form(params(x="number", low="number", high="number"), "number", _share, _SHARE, size=_share_size, may_be_null=True, cause=NO_WIDTH),
            Form(
                params(x="number", low="number", high="number", at_low="number", at_high="number"),
                "number",
                _scale,
                f"{{3}} + ({_SHARE}) * ({{4}} - {{3}})",
                size=_scale_size,
                may_be_null=True,
                cause=NO_WIDTH,
            ),
        ),
        (("scale(30, 20, 40)", 0.5), ("scale(50, 20, 40)", 1.0), ("scale(30, 0, 60, 100, 0)", 50.0), ("scale(1, 2, 2)", None), ("scale(10, 90, 30)", 1.0)),
        aliases=("NORMALIZE", "INTERPOLATE", "RESCALE", "线性插值", "归一化"),
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
        (("sigmoid(0)", 0.5), ("sigmoid(1000)", 1.0), ("sigmoid(-1000) < 0.001", True)),
        aliases=("LOGISTIC", "概率"),
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
                _band_sql("0"),
                _band_sql("CAST(0 AS bigint)"),
                repeat=1,
                limit=500,
            ),
        ),
        (("band(45, 20, 40, 60)", 2), ("band(5, 20, 40)", 0), ("band(20, 20)", 1)),
        aliases=("BUCKET", "WIDTH_BUCKET", "分段", "分档"),
    ),
)
