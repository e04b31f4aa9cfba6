"""Functions of lists of option keys. A list without items is null, and has nothing in it."""

from collections.abc import Sequence

from server.errors import Text
from server.expressions import limits
from server.expressions.function import Form, Function, Param, params


def _has(items: Sequence[str] | None, x: str | None) -> bool | None:
    return None if x is None else x in (items or ())


def _any_of(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return not set(items or ()).isdisjoint(wanted or ())


def _all_of(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return set(items or ()).issuperset(wanted or ())


def _count(items: Sequence[str] | None) -> int:
    return len(items or ())


# Whether {0} has the value @, exactly: a search in the text of the list could take a comma, or the end of another value, for it.
_IN_SQLITE = "EXISTS (SELECT 1 FROM json_each(coalesce({0}, '[]')) AS item WHERE item.value = @)"
_IN_PG = "EXISTS (SELECT 1 FROM json_array_elements_text(CAST(coalesce({0}, '[]') AS json)) AS item(value) WHERE item.value = @)"
_OTHERS_SQLITE = f"EXISTS (SELECT 1 FROM json_each(coalesce({{1}}, '[]')) AS wanted WHERE TEST {_IN_SQLITE.replace('@', 'wanted.value')})"
_OTHERS_PG = (
    f"EXISTS (SELECT 1 FROM json_array_elements_text(CAST(coalesce({{1}}, '[]') AS json)) AS wanted(value) WHERE TEST {_IN_PG.replace('@', 'wanted.value')})"
)


def _has_sql(found: str, exact: str) -> str:
    """One search in the text of the list where that cannot mislead, which is nearly always."""
    exact = exact.replace("@", "{1}")
    return (
        f"CASE WHEN {{1}} IS NULL THEN NULL WHEN {{1}} = ',' OR {found}({{0}}, '\\') > 0 THEN {exact} ELSE {found}(coalesce({{0}}, ''), {{1:quoted}}) > 0 END"
    )


def _none_of(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return not _any_of(items, wanted)


def _only(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return _all_of(wanted, items)


def _same_items(a: Sequence[str] | None, b: Sequence[str] | None) -> bool:
    return set(a or ()) == set(b or ())


def _count_in(items: Sequence[str] | None, wanted: Sequence[str] | None) -> int:
    return len(set(items or ()) & set(wanted or ()))


def _item(items: Sequence[str], number: int) -> str | None:
    return items[number - 1] if 1 <= number <= len(items) else None


def _reversed(template: str) -> str:
    """The same with the two lists the other way round."""
    return template.replace("{0}", "{2}").replace("{1}", "{0}").replace("{2}", "{1}")


_OTHER_SQLITE = "NOT " + _OTHERS_SQLITE.replace("TEST", "NOT")
_OTHER_PG = "NOT " + _OTHERS_PG.replace("TEST", "NOT")
_COUNT_SQLITE = _OTHERS_SQLITE.replace("EXISTS (SELECT 1 ", "(SELECT count(DISTINCT wanted.value) ", 1).replace("TEST ", "")
_COUNT_PG = _OTHERS_PG.replace("EXISTS (SELECT 1 ", "(SELECT count(DISTINCT wanted.value) ", 1).replace("TEST ", "")
_NUMBERED = f"CASE WHEN {{1}} BETWEEN 1 AND {limits.LIST_LENGTH} THEN {{1}} END"

_TWO = (Param("list", "list", option=True), Param("values", "list", option=True))

FUNCTIONS = (
    Function(
        "has",
        "list",
        Text("列表中有这个值", "The list has this value"),
        (
            Form(
                (Param("list", "list", option=True), Param("value", "text", option=True)),
                "boolean",
                _has,
                _has_sql("instr", _IN_SQLITE),
                _has_sql("strpos", _IN_PG),
                sees_null=True,
            ),
        ),
        (('has(["a", "b"], "a")', True), ('has(["ab"], "a")', False), ('has([], "a")', False)),
        null="handles",
        aliases=("INCLUDES", "含有"),
    ),
    Function(
        "any_of",
        "list",
        Text("列表中至少有这些值之一", "The list has at least one of these values"),
        (Form(_TWO, "boolean", _any_of, _OTHERS_SQLITE.replace("TEST ", ""), _OTHERS_PG.replace("TEST ", ""), sees_null=True),),
        (('any_of(["a", "b"], ["b", "c"])', True), ('any_of(["a"], ["b", "c"])', False), ('any_of([], ["a"])', False)),
        null="handles",
        aliases=("ANYOF", "任一"),
    ),
    Function(
        "all_of",
        "list",
        Text("列表中有全部这些值", "The list has all of these values"),
        (
            Form(
                _TWO,
                "boolean",
                _all_of,
                "NOT " + _OTHERS_SQLITE.replace("TEST", "NOT"),
                "NOT " + _OTHERS_PG.replace("TEST", "NOT"),
                sees_null=True,
            ),
        ),
        (('all_of(["a", "b"], ["b"])', True), ('all_of(["a"], ["a", "c"])', False), ('all_of([], ["a"])', False)),
        null="handles",
        aliases=("ALLOF", "全部"),
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
        (('count(["a", "b"])', 2), ("count([])", 0), ('count(["客户"])', 1)),
        null="handles",
        aliases=("PICKLISTCOUNT", "CARDINALITY", "个数"),
    ),
    Function(
        "none_of",
        "list",
        Text("列表中没有这些值中的任何一个", "The list has none of these values"),
        (
            Form(
                _TWO,
                "boolean",
                _none_of,
                "NOT " + _OTHERS_SQLITE.replace("TEST ", ""),
                "NOT " + _OTHERS_PG.replace("TEST ", ""),
                sees_null=True,
            ),
        ),
        (('none_of(["a"], ["b", "c"])', True), ('none_of(["a", "b"], ["b"])', False), ('none_of([], ["b"])', True)),
        null="handles",
        aliases=("EXCLUDES", "NONEOF", "都不含", "不含"),
    ),
    Function(
        "only",
        "list",
        Text("列表中除了这些值没有别的", "The list has nothing but these values"),
        (Form(_TWO, "boolean", _only, _reversed(_OTHER_SQLITE), _reversed(_OTHER_PG), sees_null=True),),
        (('only(["a"], ["a", "b"])', True), ('only(["a", "c"], ["a", "b"])', False), ('only([], ["a"])', True)),
        null="handles",
        aliases=("SUBSET", "ONLY_OF", "仅含", "只有"),
    ),
    Function(
        "same_items",
        "list",
        Text("两个列表的值相同（不论顺序）", "Both lists have the same values, in any order"),
        (
            Form(
                _TWO,
                "boolean",
                _same_items,
                f"{_OTHER_SQLITE} AND {_reversed(_OTHER_SQLITE)}",
                f"{_OTHER_PG} AND {_reversed(_OTHER_PG)}",
                sees_null=True,
            ),
        ),
        (('same_items(["a", "b"], ["b", "a"])', True), ('same_items(["a"], ["a", "b"])', False), ("same_items([], [])", True)),
        null="handles",
        aliases=("EQUAL_SETS", "列表相同"),
    ),
    Function(
        "count_in",
        "list",
        Text("这些值中列表有几个", "How many of these values the list has"),
        (Form(_TWO, "integer", _count_in, _COUNT_SQLITE, _COUNT_PG, sees_null=True, limit=limits.LIST_LENGTH),),
        (('count_in(["a", "b"], ["b", "c"])', 1), ('count_in(["a"], ["c"])', 0), ('count_in([], ["a"])', 0)),
        null="handles",
        aliases=("COUNT_COMMON", "含有几个"),
    ),
    Function(
        "item",
        "list",
        Text("列表的第几个值，第一个为 1；没有则为空", "The value at this place of the list, the first is 1; null when there is none"),
        (
            Form(
                params(list="list", number="integer"),
                "text",
                _item,
                f"json_extract({{0}}, '$[' || (({_NUMBERED}) - 1) || ']')",
                f"CAST({{0}} AS json) ->> CAST(({_NUMBERED}) - 1 AS integer)",
                may_be_null=True,
                cause=Text("列表没有这么多值", "the list is not that long"),
            ),
        ),
        (('item(["a", "b"], 2)', "b"), ('item(["a", "b"], 3)', None), ('item(["a", "b"], 0)', None)),
        aliases=("INDEX", "ELEMENT", "NTH", "第几项"),
    ),
)
