"""The operators, each with both sides.

What `and`, `or`, `not`, `is` and `if` do stands in evaluate.py, compile.py and sqlwriter.py: they are the same for all types.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from server.errors import Text
from server.expressions import limits, numbers
from server.expressions.function import Form, Function, Param, Size, params

OVERFLOW = Text("结果超出范围", "the result is out of range")
BY_ZERO = Text("除数为零", "division by zero")


def and3(values: Sequence[Any]) -> bool | None:
    return False if any(v is False for v in values) else None if any(v is None for v in values) else True


def or3(values: Sequence[Any]) -> bool | None:
    return True if any(v is True for v in values) else None if any(v is None for v in values) else False


def not3(value: Any) -> bool | None:
    return None if value is None else not value


def _sum(a: Size, b: Size) -> Size:
    return Size(min(a.small, b.small) * 2.0**-53, a.large + b.large)


def _product(a: Size, b: Size) -> Size:
    return Size(a.small * b.small, a.large * b.large)


def quotient(a: Size, b: Size) -> Size:
    return Size(a.small / b.large, a.large / b.small if b.small * limits.NUMBER**2 > a.large else float("inf"))


def _whole_quotient(a: Size, b: Size) -> Size:
    found = quotient(a, b)
    return Size(min(found.small, 1.0), found.large)


def _remainder(a: Size, b: Size) -> Size:
    found = quotient(a, b)  # both steps must stay in range: the quotient, and what is taken from a
    return Size(min(found.small, min(a.small, b.small) * 2.0**-60), max(found.large, (a.large + b.large) * 2))


_INTEGER_PG = (
    "CAST(nullif(nullif(least(greatest(CAST({{0}} AS numeric) {op} CAST({{1}} AS numeric), -9223372036854775808), 9223372036854775808),"
    " -9223372036854775808), 9223372036854775808) AS bigint)"
)
_INTEGER_SQLITE = "nullif(nullif(min(max({{0}} {op} {{1}}, -INTEGERS), INTEGERS), -INTEGERS), INTEGERS)"


def _integers(symbol: str, python: Callable[..., Any], size: Callable[..., Size]) -> tuple[Form, Form]:
    """With and without a guard: the checker takes the plain one where 64 bits cannot overflow."""
    operands = params(a="integer", b="integer")
    plain = Form(operands, "integer", python, f"{{0}} {symbol} {{1}}", size=size, inline=f"{{0}} {symbol} {{1}}")
    guarded = replace(plain, sql=_INTEGER_SQLITE.format(op=symbol), postgresql=_INTEGER_PG.format(op=symbol), may_be_null=True, cause=OVERFLOW)
    guarded = replace(guarded, unguarded=plain.inline, inline=f"t if {-limits.QUICK} <= (t := {plain.inline}) <= {limits.QUICK} else checked(t)")
    return plain, guarded


def _numbers(symbol: str, python: Callable[..., Any], size: Callable[..., Size]) -> Form:
    return Form(params(a="number", b="number"), "number", python, f"{{0}} {symbol} {{1}}", size=size, cause=OVERFLOW, inline=f"{{0}} {symbol} {{1}}")


# The lowest integer has no negative: engines would raise or turn to doubles.
_A = "nullif({0}, LOWEST)"
_UNLIKE = "(mod({0}, {1}) <> 0 AND ({0} < 0) <> ({1} < 0))"
_FLOOR_PG = f"CASE WHEN {{1}} = 0 THEN NULL WHEN {_UNLIKE} THEN {_A} / {{1}} - 1 ELSE {_A} / {{1}} END"
_MOD_PG = f"CASE WHEN {{1}} = 0 THEN NULL WHEN {_UNLIKE} THEN mod({_A}, {{1}}) + {{1}} ELSE mod({_A}, {{1}}) END"
_FLOOR_SQLITE = _FLOOR_PG.replace("mod({0}, {1})", "({0} % {1})")
_MOD_SQLITE = _MOD_PG.replace("mod({0}, {1})", "({0} % {1})").replace(f"mod({_A}, {{1}})", f"({_A} % {{1}})")

POWER = Form(
    params(base="number", exponent="number"),
    "number",
    numbers.power,
    "CASE WHEN {0} = 0 AND {1} < 0 OR {0} < 0 AND floor({1}) <> {1} THEN NULL WHEN {1} * ln(nullif(abs({0}), 0.0)) > 230.0 THEN NULL"
    " WHEN {1} * ln(nullif(abs({0}), 0.0)) < -230.0 THEN 0.0 ELSE power({0}, {1}) END",
    may_be_null=True,
    cause=Text("乘方没有结果或超出范围", "the power has no value or is out of range"),
)


def _arithmetic() -> tuple[tuple[type[ast.AST], Function], ...]:
    divide = Form(
        params(a="number", b="number"),
        "number",
        numbers.divide,
        "{0} / nullif({1}, 0.0)",
        size=quotient,
        may_be_null=True,
        cause=BY_ZERO,
        inline="{0} / {1} if {1} else None",
    )
    floors = (
        Form(params(a="integer", b="integer"), "integer", numbers.floor_divide_integers, _FLOOR_SQLITE, _FLOOR_PG, may_be_null=True, cause=BY_ZERO),
        Form(
            params(a="number", b="number"),
            "number",
            numbers.floor_divide,
            "floor({0} / nullif({1}, 0.0) + NUDGE)",
            size=_whole_quotient,
            may_be_null=True,
            cause=BY_ZERO,
        ),
    )
    remainders = (
        Form(params(a="integer", b="integer"), "integer", numbers.modulo_integers, _MOD_SQLITE, _MOD_PG, may_be_null=True, cause=BY_ZERO),
        Form(
            params(a="number", b="number"),
            "number",
            numbers.modulo,
            "{0} - {1} * floor({0} / nullif({1}, 0.0) + NUDGE)",
            size=_remainder,
            may_be_null=True,
            cause=BY_ZERO,
        ),
    )
    rows: tuple[tuple[type[ast.AST], str, Text, tuple[Form, ...], tuple[tuple[str, Any], ...]], ...] = (
        (
            ast.Add,
            "+",
            Text("加", "Adds"),
            (*_integers("+", numbers.add, _sum), _numbers("+", operator.add, _sum)),
            (("1 + 2", 3), ("0.1 + 0.2 == 0.3", True), ("9223372036854775807 + 1", None), ("9223372036854775806 + 1", 9223372036854775807)),
        ),
        (
            ast.Sub,
            "-",
            Text("减", "Subtracts"),
            (*_integers("-", numbers.subtract, _sum), _numbers("-", operator.sub, _sum)),
            (("1 - 2.5", -1.5), ("-9223372036854775807 - 1", None)),
        ),
        (
            ast.Mult,
            "*",
            Text("乘", "Multiplies"),
            (*_integers("*", numbers.multiply, _product), _numbers("*", operator.mul, _product)),
            (("3 * 4", 12), ("5000000000 * 5000000000", None), ("1e60 * 1e60", None), ("1e-60 * 1e-60", 0.0)),
        ),
        (ast.Div, "/", Text("除；除数为零时为空", "Divides; null when the divisor is 0"), (divide,), (("7 / 2", 3.5), ("1 / 0", None), ("-1 / 4", -0.25))),
        (
            ast.FloorDiv,
            "//",
            Text("整除，向下取整", "Divides and rounds down"),
            floors,
            (("7 // 2", 3), ("-7 // 2", -4), ("7 // -2", -4), ("0.3 // 0.1", 3.0), ("1 // 0", None)),
        ),
        (
            ast.Mod,
            "%",
            Text("余数，符号与除数相同", "The remainder; it has the sign of the divisor"),
            remainders,
            (("7 % 3", 1), ("-7 % 3", 2), ("7 % -3", -2), ("7.5 % 2", 1.5), ("-7.5 % 2", 0.5), ("7 % 0", None)),
        ),
        (
            ast.Pow,
            "**",
            Text("乘方", "Raises to a power"),
            (POWER,),
            (("2 ** 10", 1024.0), ("0.5 ** 2", 0.25), ("0 ** -1", None), ("(-8) ** 0.5", None), ("10 ** 90 * 10 ** 90", None), ("2 ** -1", 0.5)),
        ),
    )
    return tuple((node, Function(symbol, "operator", doc, forms, examples)) for node, symbol, doc, forms, examples in rows)


_COMPARE: Mapping[type[ast.AST], tuple[str, Callable[[Any, Any], Any], Text]] = {
    ast.Eq: ("==", operator.eq, Text("等于", "Equal")),
    ast.NotEq: ("!=", operator.ne, Text("不等于", "Not equal")),
    ast.Lt: ("<", operator.lt, Text("小于", "Less than")),
    ast.LtE: ("<=", operator.le, Text("小于或等于", "Less than or equal")),
    ast.Gt: (">", operator.gt, Text("大于", "Greater than")),
    ast.GtE: (">=", operator.ge, Text("大于或等于", "Greater than or equal")),
}
_EXAMPLES: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "==": (("1 == 1.0", True), ('"a" == "A"', False), ("0.1 * 3 == 0.3", True)),
    "!=": (("1 != 2", True), ("1 / 0 != 2", None)),
    "<": (('"Z" < "a"', True), ("1 < 2 < 3", True), ("date(2024, 1, 31) < date(2024, 2, 1)", True)),
    "<=": (("0.1 + 0.2 <= 0.3", True),),
    ">": (("0.1 + 0.2 > 0.3", False), ("3 > 2 > 2", False)),
    ">=": (('"经" >= "纪"', True),),
}


def _key_compare(compare: Callable[[Any, Any], Any]) -> Callable[[float, float], Any]:
    return lambda a, b: compare(numbers.key(a), numbers.key(b))


def _comparison(node: type[ast.AST]) -> Function:
    symbol, compare, doc = _COMPARE[node]
    sql = {"==": "=", "!=": "<>"}.get(symbol, symbol)
    ordered = symbol not in ("==", "!=")

    def form(kind: str, template: str, postgresql: str = "") -> Form:
        return Form(params(a=kind, b=kind), "boolean", compare, template, postgresql, inline=f"{{0}} {symbol} {{1}}")

    plain = f"{{0}} {sql} {{1}}"
    number = Form(
        params(a="number", b="number"),
        "boolean",
        _key_compare(compare),
        f"{{0:key}} {sql} {{1:key}}",
        inline=f"{{0:key}} {symbol} {{1:key}}",
    )
    text = form("text", plain, f'{{0}} COLLATE "C" {sql} {{1}} COLLATE "C"') if ordered else form("text", plain)
    forms = [form("integer", plain), number, text, form("date", plain), form("datetime", plain)]
    if not ordered:
        forms.append(form("boolean", plain))
    return Function(symbol, "operator", doc, tuple(forms), _EXAMPLES[symbol])


# a < b is b > a
MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}

OPERATORS: Mapping[type[ast.AST], Function] = dict(_arithmetic()) | {node: _comparison(node) for node in _COMPARE}

NEGATE = Function(
    "-x",
    "operator",
    Text("取负", "Turns the sign"),
    (
        Form(params(a="integer"), "integer", numbers.negative, "-nullif({0}, LOWEST)", size=lambda a: a, may_be_null=True, cause=OVERFLOW),
        Form(params(a="number"), "number", operator.neg, "-{0}", size=lambda a: a, inline="-{0}"),
    ),
    (("-(3)", -3), ("-(2.5)", -2.5), ("-(-3)", 3), ("-(1 // 0)", None)),
)


def contains_value(kind: str) -> Callable[..., Any]:
    """x in [a, b]: true when one equals, else null when one is null, else false."""

    def among(x: Any, *items: Any) -> bool | None:
        if x is None:
            return None
        if kind == "number":
            found = any(v is not None and numbers.key(v) == numbers.key(x) for v in items)
        else:
            found = x in items
        return True if found else None if None in items else False

    return among


def _membership(kind: str) -> Form:
    sql = "{0:key} IN ({rest:key})" if kind == "number" else "{0} IN ({rest})"
    return Form(
        (Param("x", kind), Param("item", kind)),
        "boolean",
        contains_value(kind),
        sql,
        sees_null=True,
        repeat=1,
        least=2,
        inline="" if kind == "number" else "{0} in {rest}",
    )


MEMBER = Function(
    "in",
    "operator",
    Text("是其中之一", "Is one of"),
    tuple(_membership(kind) for kind in ("integer", "number", "text", "datetime", "date", "boolean")),
    (
        ('"a" in ["a", "b"]', True),
        ("3 in [1, 2]", False),
        ("0.3 in [0.1 + 0.2]", True),
        ("3 not in [1, 2]", True),
        ("1 / 0 in [1]", None),
        ('"a" in ["b", None]', None),
    ),
)
