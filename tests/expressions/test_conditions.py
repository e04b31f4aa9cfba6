"""Text and condition tree say the same, where the tree can say it at all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Text
from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.conditions import OPERATORS, NotRepresentable, to_tree
from server.expressions.conditions_text import to_text
from server.expressions.conditions_words import words
from server.expressions.types import BOOLEAN, DATE, INTEGER, TEXT, Name, Scope
from tests.expressions.engines import SHANGHAI, UTC_NOON
from tests.expressions.generate import KEYS, SCOPE, TEXTS_, Maker, rows

ROWS = rows(60, seed=7)
FIELDS: dict[str, list[str]] = {}
for _name, _known in SCOPE.names.items():
    FIELDS.setdefault(_known.type.name, []).append(_name)


def checked_of(source: str) -> Checked:
    checked, problems = check(source, SCOPE, BOOLEAN)
    assert checked is not None, (source, problems)
    return checked


def same_everywhere(a: str, b: str) -> bool:
    left, right = compile_python(checked_of(a)), compile_python(checked_of(b))
    return all(left(row, at) is right(row, at) for row in ROWS for at in (UTC_NOON, SHANGHAI))


days = st.dates().map(lambda d: d.isoformat()) | st.integers(-400, 400).map(lambda n: {"today": n})
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63) + 1, 2**63 - 1),
    "number": st.floats(-1e50, 1e50).filter(lambda x: x == 0 or abs(x) > 1e-90) | st.integers(-9, 9),
    "text": st.sampled_from(TEXTS_) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    "date": days,
    "datetime": days,
    "list": st.sampled_from(KEYS),
}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(FIELDS)))
    field = draw(st.sampled_from(FIELDS[kind]))
    operator = draw(st.sampled_from([o for o in OPERATORS.values() if kind in o.types]))
    row: dict[str, Any] = {"field": field, "operator": operator.key}
    if operator.takes == "none":
        return row
    if operator.takes == "days":
        return {**row, "value": draw(st.integers(0, 1000))}
    value = VALUES[kind]
    if kind != "list":
        value |= st.sampled_from(FIELDS["date" if kind == "datetime" else kind]).map(lambda name: {"name": name})
    many = {"one": (1, 1), "two": (2, 2), "many": (1, 4)}[operator.takes]
    if kind == "list" and operator.takes == "many":
        value = st.sampled_from(KEYS)
    given_values = draw(st.lists(value, min_size=many[0], max_size=many[1]))
    return {**row, "value": given_values[0] if operator.takes == "one" else given_values}


def grouped(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    groups = st.tuples(st.sampled_from(["all", "any"]), st.lists(parts, min_size=2, max_size=3)).map(lambda g: {g[0]: g[1]})
    plain = parts.filter(lambda t: t.get("operator") not in ("is_true", "is_empty"))  # these have an opposite of their own
    return groups | plain.map(lambda t: {"not": t})


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tree=st.recursive(leaves(), grouped, max_leaves=8))
def test_tree_to_text_to_tree(tree: dict[str, Any]) -> None:
    text, problems = to_text(tree, SCOPE)
    assert problems == (), (tree, problems)
    assert to_tree(checked_of(text)) == tree


@st.composite
def conditions(draw: st.DrawFn) -> str:
    return Maker(lambda n: draw(st.integers(0, n - 1))).make("boolean", draw(st.integers(1, 3)))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(source=conditions())
def test_a_text_that_has_a_tree_means_the_same_after_the_way_back(source: str) -> None:
    checked, _ = check(source, SCOPE, BOOLEAN)
    if checked is None:
        return
    tree = to_tree(checked)
    if isinstance(tree, NotRepresentable):
        assert 0 <= tree.start < tree.end <= len(source) and tree.reason.zh and tree.reason.en
        return
    text, problems = to_text(tree, SCOPE)
    assert problems == () and same_everywhere(source, text), (source, text)


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("count_a < 3", {"field": "count_a", "operator": "less", "value": 3}),
        ("3 > count_a", {"field": "count_a", "operator": "less", "value": 3}),
        ("1 <= count_a <= 5", {"field": "count_a", "operator": "between", "value": [1, 5]}),
        ("one_of(name, 'a', 'b')", {"field": "name", "operator": "one_of", "value": ["a", "b"]}),
        ("'tools' in lines", {"field": "lines", "operator": "has", "value": "tools"}),
        ("due_on is not None", {"field": "due_on", "operator": "is_not_empty"}),
        ("customer.region == '经'", {"field": "customer.region", "operator": "equals", "value": "经"}),
        ("date_of(created_at) >= date(2024, 1, 31)", {"field": "created_at", "operator": "greater_or_equal", "value": "2024-01-31"}),
        ("0 <= days_since(created_at) < 90", {"field": "created_at", "operator": "in_last_days", "value": 90}),
        ("not active", {"field": "active", "operator": "is_false"}),
        ("not is_empty(name)", {"field": "name", "operator": "is_not_empty"}),
        ("due_on is None", {"field": "due_on", "operator": "is_empty"}),
        ("days_since(due_on) > 30", {"field": "due_on", "operator": "days_ago_more", "value": 30}),
        ("0 <= days_until(due_on) <= 7", {"field": "due_on", "operator": "in_next_days", "value": 7}),
        ("one_of(name, ['a', 'b'])", {"field": "name", "operator": "one_of", "value": ["a", "b"]}),
        ("date_of(created_at) in [today()]", {"field": "created_at", "operator": "one_of", "value": [{"today": 0}]}),
        ("contains(name, 'a')", {"field": "name", "operator": "contains", "value": "a"}),
        ("any_of(lines, ['tools', 'x'])", {"field": "lines", "operator": "has_any", "value": ["tools", "x"]}),
        ("count_a not in [1, -2]", {"field": "count_a", "operator": "not_one_of", "value": [1, -2]}),
        (
            "between(created_at, created_at, closed_at)",
            {"field": "created_at", "operator": "between", "value": [{"name": "created_at"}, {"name": "closed_at"}]},
        ),
        ("between(date_of(created_at), today(), due_on)", {"field": "created_at", "operator": "between", "value": [{"today": 0}, {"name": "due_on"}]}),
        ("due_on < add_days(today(), -30)", {"field": "due_on", "operator": "less", "value": {"today": -30}}),
        (
            "count_a < 3 and (active or not (amount > ratio))",
            {
                "all": [
                    {"field": "count_a", "operator": "less", "value": 3},
                    {"any": [{"field": "active", "operator": "is_true"}, {"not": {"field": "amount", "operator": "greater", "value": {"name": "ratio"}}}]},
                ]
            },
        ),
    ],
)
def test_known_pairs(source: str, tree: dict[str, Any]) -> None:
    assert to_tree(checked_of(source)) == tree
    text, problems = to_text(tree, SCOPE)
    assert problems == () and same_everywhere(source, text)


@pytest.mark.parametrize(
    ("source", "place", "zh", "en"),
    [
        ("active and amount + ratio > 3", "amount + ratio", "条件行的左边须是一个字段", "A row has a field on its left"),
        ("length(name) > 3 and active", "length(name)", "条件行的左边须是一个字段", "A row has a field on its left"),
        ("(active if held else held)", "active if held else held", "这一部分不是“字段、运算、值”", "This part is not a field, an operator and a value"),
        ("name is None", "name is None", "文本请用 is_empty(...)", "For a text use is_empty(...)"),
        ("1 < count_a < 5", "1 < count_a < 5", "连写的比较只有 小 <= 字段 <= 大 能用条件行表示", "Of chained comparisons only low <= field <= high has a row"),
        ("active == held", "active == held", "是/否字段请直接写，或加 not", "Write a yes/no field alone, or with not"),
        ("count_a > 1 and count_a < count_b * 2", "count_b * 2", "条件行的右边须是值或字段", "A row has a value or a field on its right"),
        ("True", "True", "这一部分不是“字段、运算、值”", "This part is not a field, an operator and a value"),
        ("0 <= days_since(created_at) < 2.5", "2.5", "天数须是写出的整数", "The days must be a whole number that is written out"),
        ("due_on < add_days(today(), 0)", "add_days(today(), 0)", "条件行的右边须是值或字段", "A row has a value or a field on its right"),
        ("due_on < date(2024, 2, 30)", "date(2024, 2, 30)", "条件行的右边须是值或字段", "A row has a value or a field on its right"),
        ("name not in lines", "name not in lines", "右边须是写出的列表", "The right side must be a list that is written out"),
        ("is_date(name)", "is_date(name)", "函数 is_date 没有对应的条件行", "The function is_date has no row"),
        ("any_of(lines, flags)", "any_of(lines, flags)", "函数 any_of 没有对应的条件行", "The function any_of has no row"),
        ("0 <= days_since(due_on) < -1", "-1", "天数须是写出的整数", "The days must be a whole number that is written out"),
        ("days_since(due_on) > count_a", "count_a", "天数须是写出的整数", "The days must be a whole number that is written out"),
        ("name in [None]", "None", "条件行的右边须是值或字段", "A row has a value or a field on its right"),
        ("any_of(lines, [])", "any_of(lines, [])", "函数 any_of 没有对应的条件行", "The function any_of has no row"),
    ],
)
def test_what_has_no_tree_says_where_and_why(source: str, place: str, zh: str, en: str) -> None:
    found = to_tree(checked_of(source))
    assert isinstance(found, NotRepresentable)
    assert (source[found.start : found.end], found.reason) == (place, Text(zh, en))


LESS = {"field": "count_a", "operator": "less", "value": 3}


@pytest.mark.parametrize(
    ("tree", "path", "code", "zh", "en"),
    [
        (None, "", "shape", "须为条件或一组条件", "Must be a condition or a group of conditions"),
        ([], "", "shape", "须为条件或一组条件", "Must be a condition or a group of conditions"),
        ({}, "/field", "unknown_name", "没有字段 None", "There is no field None"),
        ({"all": []}, "/all", "shape", "这一组没有条件", "This group has no condition"),
        ({"all": {}}, "", "shape", "all 须是一列条件", "all must be a list of conditions"),
        ({"all": [LESS], "any": [LESS]}, "", "shape", "all 须是一列条件", "all must be a list of conditions"),
        (
            {"all": [LESS, {"field": "count_aa", "operator": "less", "value": 3}]},
            "/all/1/field",
            "unknown_name",
            "没有字段 count_aa",
            "There is no field count_aa",
        ),
        ({"field": ["count_a"], "operator": "less", "value": 3}, "/field", "unknown_name", "没有字段 ['count_a']", "There is no field ['count_a']"),
        ({**LESS, "operator": "lesser"}, "/operator", "shape", "没有运算 lesser", "There is no operator lesser"),
        ({**LESS, "operator": {}}, "/operator", "shape", "没有运算 {}", "There is no operator {}"),
        ({**LESS, "operator": "contains"}, "/operator", "type", "包含 不用于整数", "“contains” is not for a whole number"),
        ({**LESS, "value": "three"}, "/value", "value", "须为数字", "Must be a number"),
        ({**LESS, "value": True}, "/value", "value", "须为数字", "Must be a number"),
        ({**LESS, "value": float("nan")}, "/value", "value", "须为数字", "Must be a number"),
        ({**LESS, "value": {"name": "nobody"}}, "/value", "unknown_name", "没有字段 nobody", "There is no field nobody"),
        ({**LESS, "value": {"today": 1}}, "/value", "value", "不认识这个值", "This value is not known"),
        ({**LESS, "value": {"name": "name"}}, "", "type", "类型不同: 整数与文本", "Different types: a whole number and text"),
        ({**LESS, "operator": "between", "value": [1]}, "/value", "required", "请给出值", "Give a value"),
        ({**LESS, "operator": "one_of", "value": [1, "x"]}, "/value/1", "value", "须为数字", "Must be a number"),
        ({**LESS, "extra": 1}, "", "shape", "不认识 extra", "There is no extra in a condition"),
        ({"field": "due_on", "operator": "equals", "value": "2024-02-30"}, "/value", "value", "须为日期，如 2026-01-31", "Must be a day such as 2026-01-31"),
        (
            {"field": "due_on", "operator": "in_last_days", "value": -1},
            "/value",
            "value",
            "须为 0 到 100000 的整数（天）",
            "Must be a whole number of days, 0 to 100000",
        ),
        ({"field": "name", "operator": "equals", "value": "a\0"}, "", "character", "文本中含有无效字符", "The text has a character that no text may have"),
        ({"not": 5}, "/not", "shape", "须为条件或一组条件", "Must be a condition or a group of conditions"),
        ({"field": "name", "operator": "equals", "value": 5}, "/value", "value", "须为文本", "Must be a text"),
        ({**LESS, "operator": "one_of", "value": [1] * 201}, "/value", "too_large", "最多 200 个值", "At most 200 values"),
    ],
)
def test_a_bad_tree_is_told_with_its_place(tree: Any, path: str, code: str, zh: str, en: str) -> None:
    text, problems = to_text(tree, SCOPE)
    assert text == "" and [(p.path, p.code, p.message) for p in problems][:1] == [(path, code, Text(zh, en))], problems


def test_a_bad_tree_is_told_what_to_do() -> None:
    for tree, hint in (
        ({"all": []}, Text("加一个条件，或删去这一组", "Add one or remove the group")),
        ({**LESS, "field": "count_aa"}, Text("是否指 count_a、count_b?", "Did you mean count_a or count_b?")),
        ({**LESS, "operator": "lesser"}, Text("是否指 less?", "Did you mean less?")),
        ({**LESS, "value": {"name": "ammount"}}, Text("是否指 amount?", "Did you mean amount?")),
    ):
        assert to_text(tree, SCOPE)[1][0].hint == hint


def test_a_tree_that_is_too_deep_or_too_large_is_refused() -> None:
    deep: Any = LESS
    for _ in range(3000):
        deep = {"not": deep}
    problem = to_text(deep, SCOPE)[1][0]
    assert (problem.code, problem.message) == ("too_deep", Text("嵌套过深", "The groups are nested too deeply")) and problem.path == "/not" * 17
    problem = to_text({"all": [LESS] * 201}, SCOPE)[1][0]
    assert (problem.code, problem.message) == ("too_large", Text("一组最多 200 个条件", "A group has at most 200 conditions")) and problem.path == "/all"
    assert to_text({"all": [{"any": [LESS] * 2}] + [LESS] * 99}, SCOPE)[1] == ()


def test_a_group_of_one_is_that_one() -> None:
    assert to_text({"any": [{"all": [LESS]}]}, SCOPE) == ("count_a < 3", ())


NAMES = {
    "orders": Name(INTEGER, title=Text("订单数", "Orders")),
    "visits": Name(INTEGER),
    "level": Name(TEXT, title=Text("等级", "Level"), words={"high": Text("高", "High"), "low": Text("低", "Low")}),
    "due_on": Name(DATE, title=Text("到期日", "Due on")),
}


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("orders < 3", "订单数 小于 3", "Orders is less than 3"),
        ("orders < visits", "订单数 小于 visits", "Orders is less than visits"),
        ("between(orders, 1, 5)", "订单数 介于 1 到 5", "Orders is between 1 to 5"),
        ("level in ['high', 'new']", "等级 属于 高、new", "Level is one of High, new"),
        ("is_empty(level)", "等级 为空", "Level has no value"),
        ("due_on < today()", "到期日 小于 今天", "Due on is less than today"),
        ("due_on >= add_days(today(), -30)", "到期日 不小于 今天-30 天", "Due on is at least today -30 days"),
        ("0 <= days_since(due_on) < 90", "到期日 在最近几天内 90 天", "Due on is in the last days 90 days"),
        ("orders < 3 and visits > 2", "订单数 小于 3 并且 visits 大于 2", "Orders is less than 3 and visits is more than 2"),
        (
            "not (orders < 3 or visits > 2) and level == 'low'",
            "并非 (订单数 小于 3 或者 visits 大于 2) 并且 等级 等于 低",
            "not (Orders is less than 3 or visits is more than 2) and Level is Low",
        ),
    ],
)
def test_in_the_words_of_the_user(source: str, zh: str, en: str) -> None:
    checked, problems = check(source, Scope(NAMES), BOOLEAN)
    assert checked is not None, problems
    tree = to_tree(checked)
    assert not isinstance(tree, NotRepresentable)
    assert (words(tree, NAMES, "zh_CN"), words(tree, NAMES, "en")) == (zh, en)
