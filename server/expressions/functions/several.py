"""Functions of several numbers that skip what is missing."""

from collections.abc import Callable, Sequence

from server.errors import Text
from server.expressions import limits, numbers
from server.expressions.function import Form, Function, Size, params
from server.expressions.operators import OVERFLOW

NO_VALUES = Text("没有一个值", "none of them has a value")


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None]


def _sum_integers(*values: int | None) -> int | None:
    known = [v for v in values if v is not None]
    return numbers.checked(sum(known)) if known else None


def _total(values: Sequence[float]) -> float:
    """From left to right, as a database adds; Python's own sum corrects itself on the way."""
    total = 0.0
    for value in values:
        total = total + value
    return total


def _sum(*values: float | None) -> float | None:
    known = _known(values)
    return _total(known) if known else None


def _average(*values: float | None) -> float | None:
    known = _known(values)
    return _total(known) / len(known) if known else None


def _product(*values: float | None) -> float | None:
    if not _known(values):
        return None
    first, *others = (1.0 if v is None else v for v in values)
    found: float | None = first
    for value in others:
        found = None if found is None else numbers.settle(found * value)
    return found


def _median(*values: float | None) -> float | None:
    known = sorted(_known(values))
    if not known:
        return None
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return low + 0.5 * (high - low) if len(known) % 2 == 0 else low


def _total_size(*sizes: Size) -> Size:
    return Size(min(s.small for s in sizes) * 2.0**-53, sum(s.large for s in sizes))


def _average_size(*sizes: Size) -> Size:
    total = _total_size(*sizes)
    return Size(total.small / len(sizes), total.large)


def _plus(count: int, each: str = "coalesce(@, 0)") -> str:
    return " + ".join(each.replace("@", f"{{{at}}}") for at in range(count))


def _sum_sql(each: str) -> Callable[[int], str]:
    return lambda count: f"CASE WHEN {_any(count)} THEN {_plus(count, each)} END"


def _any(count: int) -> str:
    return " OR ".join(f"{{{at}}} IS NOT NULL" for at in range(count))


def _sum_guarded_pg(count: int) -> str:
    total = _plus(count, "CAST(coalesce(@, 0) AS numeric)")
    guard = f"nullif(nullif(least(greatest({total}, -9223372036854775808), 9223372036854775808), -9223372036854775808), 9223372036854775808)"
    return f"CASE WHEN {_any(count)} THEN CAST({guard} AS bigint) END"


def _average_sql(count: int) -> str:
    known = _plus(count, "(CASE WHEN @ IS NULL THEN 0.0 ELSE 1.0 END)")
    return f"({_plus(count, 'coalesce(@, 0.0)')}) / nullif({known}, 0.0)"


def _product_pg(count: int) -> str:
    """Each step is brought back into the range of numbers, as a chain of * would be."""
    found = "coalesce({0}, 1.0)"
    for at in range(1, count):
        step = f"nullif(nullif(least(greatest(({found}) * coalesce({{{at}}}, 1.0), -LARGEST), LARGEST), LARGEST), -LARGEST)"
        found = f"floor({step} * PER_QUANTUM + 0.5) * QUANTUM"
    return f"CASE WHEN {_any(count)} THEN {found} END"


def _median_pg(count: int) -> str:
    rows = ", ".join(f"({{{at}}})" for at in range(count))
    return f"(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY given.x) FROM (VALUES {rows}) AS given(x))"


_X = params(x="number", other="number")
FUNCTIONS = (
    Function(
        "sum",
        "number",
        Text("各数之和；空值不计，全为空则为空", "The sum; nulls are left out, null when all are null"),
        (
            Form(params(x="integer", other="integer"), "integer", _sum_integers, _sum_sql("coalesce(@, 0)"), sees_null=True, repeat=1, size=_total_size),
            Form(
                params(x="integer", other="integer"),
                "integer",
                _sum_integers,
                "",
                _sum_guarded_pg,
                sees_null=True,
                repeat=1,
                size=_total_size,
                may_be_null=True,
                cause=OVERFLOW,
                registered="sum_integers",
            ),
            Form(_X, "number", _sum, _sum_sql("coalesce(@, 0.0)"), sees_null=True, repeat=1, size=_total_size, cause=OVERFLOW),
        ),
        (("sum(1, 2, 3)", 6), ("sum(1, 0.5)", 1.5), ("sum(1, 1 / 0, 2)", 3.0), ("sum(9223372036854775807, 1)", None), ("sum(1 / 0, 1 / 0)", None)),
        null="handles",
        aliases=("TOTAL", "ADD", "SUMIGNOREEMPTY", "求和", "合计"),
    ),
    Function(
        "average",
        "number",
        Text("平均值；空值不计，全为空则为空", "The mean; nulls are left out, null when all are null"),
        (Form(_X, "number", _average, _average_sql, sees_null=True, repeat=1, size=_average_size, may_be_null=True, cause=NO_VALUES),),
        (("average(1, 2, 6)", 3.0), ("average(4, 1 / 0, 8)", 6.0), ("average(1 / 0, 1 / 0)", None)),
        null="handles",
        aliases=("AVG", "MEAN", "平均", "平均值", "均值"),
    ),
    Function(
        "product",
        "number",
        Text("各数之积；空值不计，全为空则为空", "The product; nulls are left out, null when all are null"),
        (Form(_X, "number", _product, "", _product_pg, sees_null=True, repeat=1, may_be_null=True, cause=OVERFLOW, registered="product"),),
        (("product(2, 3, 4)", 24.0), ("product(2, 1 / 0, 5)", 10.0), ("product(1e60, 1e60, 1e-60)", None), ("product(1 / 0, 1 / 0)", None)),
        null="handles",
        aliases=("MULTIPLY", "乘积", "求积"),
    ),
    Function(
        "median",
        "number",
        Text("中位数；空值不计，全为空则为空", "The middle value; nulls are left out, null when all are null"),
        (
            Form(
                _X,
                "number",
                _median,
                "",
                _median_pg,
                sees_null=True,
                repeat=1,
                size=Size(1e-117, limits.NUMBER),
                may_be_null=True,
                cause=NO_VALUES,
                registered="median",
            ),
        ),
        (("median(5, 1, 3)", 3.0), ("median(1, 2, 3, 10)", 2.5), ("median(7, 1 / 0)", 7.0), ("median(1 / 0, 1 / 0)", None)),
        null="handles",
        aliases=("中位数",),
    ),
)
