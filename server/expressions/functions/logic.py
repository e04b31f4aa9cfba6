"""Functions of choice and of empty values."""

from typing import Any

from server.errors import Text
from server.expressions import numbers
from server.expressions.function import Form, Function, Param, params
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


FUNCTIONS = (
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
        aliases=(
            "ISEMPTY",
            "ISBLANK",
            "ISNULL",
            "为空",
        ),
    ),
    Function(
        "coalesce",
        "logic",
        Text("第一个不为空的值", "The first value that is not null"),
        (Form(params(x="T", other="T"), "T", _coalesce, "coalesce({*})", sees_null=True, repeat=1, inline="{0} if {0} is not None else {1}"),),
        (("coalesce(1 / 0, 5)", 5.0), ("coalesce(1, 2)", 1), ("coalesce(None, 1 / 0, None)", None)),
        null="handles",
        aliases=(
            "IFNULL",
            "NVL",
            "NULLVALUE",
            "空值替换",
            "默认值",
        ),
    ),
    Function(
        "case",
        "logic",
        Text(
            "依次看条件，取第一个成立的条件后面的值；最后可写一个其他情况的值。条件未知视为不成立",
            "The value after the first condition that holds; a last single value is for all other cases. An unknown condition does not hold",
        ),
        (Form(params(condition="boolean", value="T"), "T", _case, _case_sql, sees_null=True, repeat=2, least=2, may_be_null=True),),
        (('case(1 > 2, "a", 2 > 1, "b", "c")', "b"), ('case(1 > 2, "a")', None), ('case(1 / 0 > 1, "a", "b")', "b"), ("case(False, 1, 2.5)", 2.5)),
        null="handles",
        aliases=(
            "IFS",
            "多条件",
        ),
    ),
    Function(
        "between",
        "logic",
        Text("在下限与上限之间，含两端", "From low to high, both included"),
        tuple(_between_form(kind) for kind in ("integer", "number", "text", "date", "datetime")),
        (
            ("between(5, 1, 5)", True),
            ("between(0.3, 0.1 + 0.2, 1)", True),
            ("between(6, 1, 5)", False),
            ("between(5, 1 / 0, 3)", False),
            ("between(2, 1 / 0, 3)", None),
        ),
        aliases=("介于",),
    ),
    Function(
        "one_of",
        "logic",
        Text("是后面几个值之一", "Is one of the values that follow"),
        tuple(Form((form.params[0], Param("value", form.params[0].type)), "boolean", form.python, form.sql, sees_null=True, repeat=1) for form in MEMBER.forms),
        (('one_of("a", "b", "a")', True), ("one_of(3, 1, 2)", False), ("one_of(1 / 0, 1)", None)),
        aliases=(
            "ISPICKVAL",
            "ONEOF",
            "属于",
        ),
    ),
)
