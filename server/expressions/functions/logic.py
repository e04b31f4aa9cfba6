"""Functions of choice and of empty values."""

import operator
from collections.abc import Callable
from typing import Any

from server.errors import Text
from server.expressions import numbers
from server.expressions.function import CHOICE, Form, Function, Param, params
from server.expressions.operators import MEMBER, and3


def _is_empty(x: Any) -> bool:
    return x is None or x == "" or x == []


def _coalesce(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _case(*values: Any) -> Any:
    for at in range(0, len(values) - 1, 2):
        if values[at]:
            return values[at + 1]
    return values[-1] if len(values) % 2 else None


def _case_sql(count: int) -> str:
    pairs = " ".join(f"WHEN {{{at}}} THEN {{{at + 1}}}" for at in range(0, count - 1, 2))
    return f"CASE {pairs} ELSE {{{count - 1}}} END" if count % 2 else f"CASE {pairs} END"


def _between(x: Any, low: Any, high: Any) -> bool | None:
    return and3([None if x is None or low is None else x >= low, None if x is None or high is None else x <= high])


def _between_numbers(x: Any, low: Any, high: Any) -> bool | None:
    return _between(*(None if v is None else numbers.key(v) for v in (x, low, high)))


def _between_form(kind: str) -> Form:
    if kind == "number":
        return Form(params(x=kind, low=kind, high=kind), "boolean", _between_numbers, "{0:key} BETWEEN {1:key} AND {2:key}", sees_null=True)
    postgresql = '{0} COLLATE "C" BETWEEN ({1} COLLATE "C") AND ({2} COLLATE "C")' if kind == "text" else ""
    return Form(params(x=kind, low=kind, high=kind), "boolean", _between, "{0} BETWEEN {1} AND {2}", postgresql, sees_null=True)


def _count_true(*conditions: bool | None) -> int:
    return sum(1 for c in conditions if c)


def _count_filled(*values: Any) -> int:
    return sum(1 for v in values if not _is_empty(v))


def _tally(met: str) -> tuple[Callable[[int], str], Callable[[int], str]]:
    """How many arguments meet it, on SQLite and on PostgreSQL."""

    def template(count: int, one: str, zero: str) -> str:
        return " + ".join(f"(CASE WHEN {met.replace('@', f'{{{at}}}')} THEN {one} ELSE {zero} END)" for at in range(count))

    return lambda count: template(count, "1", "0"), lambda count: template(count, "CAST(1 AS bigint)", "CAST(0 AS bigint)")


def _choose(index: int | None, *values: Any) -> Any:
    return values[index - 1] if index is not None and 1 <= index <= len(values) else None


def _choose_sql(count: int) -> str:
    return "CASE {0} " + " ".join(f"WHEN {at} THEN {{{at}}}" for at in range(1, count)) + " END"


def _same(x: Any, y: Any) -> bool:
    """Null equals nothing; numbers are compared as everywhere."""
    if x is None or y is None:
        return False
    return bool(numbers.key(x) == numbers.key(y) if isinstance(x, float) else x == y)


def _switch(x: Any, *values: Any) -> Any:
    for at in range(0, len(values) - 1, 2):
        if _same(x, values[at]):
            return values[at + 1]
    return values[-1] if len(values) % 2 else None


def _switch_form(kind: str) -> Form:
    key = ":key" if kind == "number" else ""

    def sql(count: int) -> str:
        cases = " ".join(f"WHEN {{0{key}}} = {{{at}{key}}} THEN {{{at + 1}}}" for at in range(1, count - 1, 2))
        return f"CASE {cases} END" if count % 2 else f"CASE {cases} ELSE {{{count - 1}}} END"

    x = (Param("x", kind, option=True), Param("value", kind, option=True), Param("result", "T"))
    return Form(x, "T", _switch, sql, sees_null=True, repeat=2, may_be_null=True, cause=NOTHING_FITS)


def _null_if(x: Any, value: Any) -> Any:
    return None if _same(x, value) else x


def _null_if_form(kind: str) -> Form:
    x = (Param("x", kind, option=True), Param("value", kind, option=True))
    equal = "{0:key} = {1:key}" if kind == "number" else "{0} = {1}"
    result = "N" if kind == "integer" else kind  # its size is the operand's
    return Form(x, result, _null_if, f"CASE WHEN {equal} THEN NULL ELSE {{0}} END", sees_null=True, may_be_null=True, cause=LEFT_OUT)


def _if_empty(x: Any, other: Any) -> Any:
    return other if _is_empty(x) else x


NOTHING_FITS = Text("没有一个值相符", "none of the values fits")
LEFT_OUT = Text("等于要视为空的值", "it is the value that stands for null")
NO_SUCH = Text("没有这个序号的值", "there is no value of this number")
_FILLED = _tally("nullif(CAST(@ AS TEXT), '') IS NOT NULL")
_TRUE = _tally("@")

FUNCTIONS = (
    Function(
        "xor",
        "logic",
        Text("两个条件恰有一个成立", "Exactly one of the two conditions holds"),
        (Form(params(a="boolean", b="boolean"), "boolean", operator.ne, "{0} <> {1}", inline="{0} != {1}"),),
        (("xor(True, False)", True), ("xor(True, True)", False), ("xor(True, 1 / 0 > 1)", None)),
        aliases=("EITHER", "异或", "二者之一"),
    ),
    Function(
        "count_true",
        "logic",
        Text("成立的条件有几个；未知不算成立", "How many of the conditions hold; an unknown one does not"),
        (Form(params(condition="boolean", other="boolean"), "integer", _count_true, *_TRUE, sees_null=True, repeat=1, least=1, limit=100),),
        (("count_true(1 > 0, 2 > 1, 1 > 2)", 2), ("count_true(False)", 0), ("count_true(1 / 0 > 1, True)", 1)),
        null="handles",
        aliases=("COUNTIF", "成立个数", "满足几个"),
    ),
    Function(
        "count_filled",
        "logic",
        Text("有值的有几个；空文本和空列表不算", "How many have a value; an empty text or list has none"),
        (Form(params(x="A", other="A"), "integer", _count_filled, *_FILLED, sees_null=True, repeat=1, least=1, limit=100),),
        (('count_filled("a", 1, today())', 3), ('count_filled("", 1 / 0, 0)', 1), ("count_filled([])", 0)),
        null="handles",
        aliases=("COUNTA", "COUNT_NOT_EMPTY", "非空个数", "完整度"),
    ),
    Function(
        "choose",
        "logic",
        Text("后面第几个值；没有这个序号则为空", "The value of this number among those that follow, from 1; null when there is none"),
        (
            Form(
                (Param("index", "integer"), Param("value", "T"), Param("other", "T")),
                "T",
                _choose,
                _choose_sql,
                sees_null=True,
                repeat=1,
                least=2,
                may_be_null=True,
                cause=NO_SUCH,
            ),
        ),
        (('choose(2, "a", "b", "c")', "b"), ('choose(4, "a", "b", "c")', None), ("choose(1, 5, 2.5)", 5.0), ('choose(0, "a")', None)),
        null="handles",
        aliases=("PICK", "ELT", "选取", "第几个"),
    ),
    Function(
        "switch",
        "logic",
        Text(
            "x 等于哪个值就取它后面的结果；最后可写一个其他情况的结果",
            "The result after the value that x equals; a last single result is for all other cases",
        ),
        tuple(_switch_form(kind) for kind in ("integer", "number", "text", "boolean", "datetime", "date")),
        (
            ('switch("b", "a", 1, "b", 2, 0)', 2),
            ('switch("z", "a", 1, "b", 2, 0)', 0),
            ('switch("z", "a", 1)', None),
            ('switch(0.1 + 0.2, 0.3, "yes", "no")', "yes"),
            ('switch(1 / 0, 1, "a", "b")', "b"),
        ),
        null="handles",
        aliases=("DECODE", "MATCH", "匹配", "对应"),
    ),
    Function(
        "null_if",
        "logic",
        Text("x；等于 value 时为空", "x, or null when it equals the value"),
        tuple(_null_if_form(kind) for kind in ("integer", "number", "text", "datetime", "date", "boolean")),
        (("null_if(5, 0)", 5), ("null_if(0, 0)", None), ('null_if("-", "-")', None), ("null_if(2.5, 0)", 2.5)),
        null="handles",
        aliases=("NULLIF", "ZN", "视为空"),
    ),
    Function(
        "if_empty",
        "logic",
        Text("x；没有值（空、空文本、空列表）时为 other", "x, or the other value when x is null, an empty text or an empty list"),
        (
            Form(params(x="text", other="text"), "text", _if_empty, "CASE WHEN {0} <> '' THEN {0} ELSE {1} END", sees_null=True),
            Form(params(x="T", other="T"), "T", _if_empty, "coalesce({0}, {1})", sees_null=True, inline="{0} if {0} is not None else {1}"),
        ),
        (('if_empty("", "none")', "none"), ('if_empty("a", "none")', "a"), ("if_empty(1 / 0, 0)", 0.0), ("if_empty(3, 4)", 3)),
        null="handles",
        aliases=("BLANKVALUE", "DEFAULT", "IFBLANK", "为空时取"),
    ),
    Function(
        "is_empty",
        "logic",
        Text("没有值：空、空文本或空列表", "Has no value: null, an empty text or an empty list"),
        (
            Form(params(x="text"), "boolean", _is_empty, "({0} IS NULL OR {0} = '')", sees_null=True, inline="not {0}"),
            Form(params(x="T"), "boolean", _is_empty, "{0} IS NULL", sees_null=True, inline="{0} is None"),
        ),
        (('is_empty("")', True), ('is_empty("a")', False), ("is_empty(1 / 0)", True), ("is_empty(0)", False)),
        null="handles",
        aliases=("ISEMPTY", "ISBLANK", "ISNULL", "为空"),
    ),
    Function(
        "coalesce",
        "logic",
        Text("第一个不为空的值", "The first value that is not null"),
        (Form(params(x="T", other="T"), "T", _coalesce, "coalesce({*})", sees_null=True, repeat=1, inline="{0} if {0} is not None else {1}"),),
        (("coalesce(1 / 0, 5)", 5.0), ("coalesce(1, 2)", 1), ("coalesce(None, 1 / 0, None)", None)),
        null="handles",
        aliases=("IFNULL", "NVL", "NULLVALUE", "空值替换", "默认值"),
    ),
    Function(
        "case",
        "logic",
        Text(
            "依次看条件，取第一个成立的条件后面的值；最后可写一个其他情况的值。条件未知视为不成立",
            "The value after the first condition that holds; a last single value is for all other cases. An unknown condition does not hold",
        ),
        (Form(params(condition="boolean", value="T"), "T", _case, _case_sql, sees_null=True, repeat=2, least=2, may_be_null=True, inline=CHOICE),),
        (('case(1 > 2, "a", 2 > 1, "b", "c")', "b"), ('case(1 > 2, "a")', None), ('case(1 / 0 > 1, "a", "b")', "b"), ("case(False, 1, 2.5)", 2.5)),
        null="handles",
        aliases=("IFS", "多条件"),
    ),
    Function(
        "between",
        "logic",
        Text(
            "在下限与上限之间，含两端；有一端未知时，除非另一端已排除，否则为空",
            "From low to high, both included; where one end is null: null, unless the other already rules it out",
        ),
        tuple(_between_form(kind) for kind in ("integer", "number", "text", "datetime", "date")),
        (
            ("between(5, 1, 5)", True),
            ("between(0.3, 0.1 + 0.2, 1)", True),
            ("between(6, 1, 5)", False),
            ("between(5, 1 / 0, 3)", False),
            ("between(2, 1 / 0, 3)", None),
        ),
        null="handles",
        aliases=("介于",),
    ),
    Function(
        "one_of",
        "logic",
        Text(
            "是后面几个值之一；没有相等的而其中有空值时为空",
            "Is one of the values that follow; null when none equals and one of them is null",
        ),
        tuple(
            Form(
                (Param("x", form.params[0].type, option=True), Param("value", form.params[0].type, option=True)),
                "boolean",
                form.python,
                form.sql,
                sees_null=True,
                repeat=1,
                inline=form.inline,
            )
            for form in MEMBER.forms
        ),
        (('one_of("a", "b", "a")', True), ("one_of(3, 1, 2)", False), ("one_of(1 / 0, 1)", None)),
        null="handles",
        aliases=("ISPICKVAL", "ONEOF", "属于"),
    ),
)
