"""Functions of lists of option keys. A list without items is null, and has nothing in it."""

from collections.abc import Sequence

from server.errors import Text
from server.expressions import limits
from server.expressions.function import Form, Function, params


def _has(items: Sequence[str] | None, x: str | None) -> bool | None:
    return None if x is None else x in (items or ())


def _any_of(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return any(x in (items or ()) for x in wanted or ())


def _all_of(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return all(x in (items or ()) for x in wanted or ())


def _count(items: Sequence[str] | None) -> int:
    return len(items or ())


_OTHERS_SQLITE = "EXISTS (SELECT 1 FROM json_each(coalesce({1}, '[]')) AS wanted WHERE instr(coalesce({0}, ''), json_quote(wanted.value)) TEST)"
_OTHERS_PG = (
    "EXISTS (SELECT 1 FROM json_array_elements_text(CAST(coalesce({1}, '[]') AS json)) AS wanted(value)"
    " WHERE strpos(coalesce({0}, ''), CAST(to_json(wanted.value) AS text)) TEST)"
)

FUNCTIONS = (
    Function(
        "has",
        "list",
        Text("列表中有这个值", "The list has this value"),
        (
            Form(
                params(list="list", value="text"),
                "boolean",
                _has,
                "instr(coalesce({0}, ''), {1:quoted}) > 0",
                "strpos(coalesce({0}, ''), {1:quoted}) > 0",
                sees_null=True,
            ),
        ),
        (('has(["a", "b"], "a")', True), ('has(["ab"], "a")', False)),
        null="handles",
        aliases=(
            "INCLUDES",
            "含有",
        ),
    ),
    Function(
        "any_of",
        "list",
        Text("列表中至少有这些值之一", "The list has at least one of these values"),
        (
            Form(
                params(list="list", values="list"), "boolean", _any_of, _OTHERS_SQLITE.replace("TEST", "> 0"), _OTHERS_PG.replace("TEST", "> 0"), sees_null=True
            ),
        ),
        (('any_of(["a", "b"], ["b", "c"])', True), ('any_of(["a"], ["b", "c"])', False)),
        null="handles",
        aliases=(
            "ANYOF",
            "任一",
        ),
    ),
    Function(
        "all_of",
        "list",
        Text("列表中有全部这些值", "The list has all of these values"),
        (
            Form(
                params(list="list", values="list"),
                "boolean",
                _all_of,
                "NOT " + _OTHERS_SQLITE.replace("TEST", "= 0"),
                "NOT " + _OTHERS_PG.replace("TEST", "= 0"),
                sees_null=True,
            ),
        ),
        (('all_of(["a", "b"], ["b"])', True), ('all_of(["a"], ["a", "c"])', False)),
        null="handles",
        aliases=(
            "ALLOF",
            "全部",
        ),
    ),
    Function(
        "count",
        "list",
        Text("列表中值的个数", "How many values the list has"),
        (
            Form(
                params(list="list"),
                "integer",
                _count,
                "json_array_length(coalesce({0}, '[]'))",
                "CAST(json_array_length(CAST(coalesce({0}, '[]') AS json)) AS bigint)",
                sees_null=True,
                limit=limits.LIST_LENGTH,
            ),
        ),
        (('count(["a", "b"])', 2), ("count([])", 0)),
        null="handles",
        aliases=(
            "PICKLISTCOUNT",
            "CARDINALITY",
            "个数",
        ),
    ),
)
