"""The checker's types and findings. tests/cases/expressions/problems.csv says for a text what is found, where, and what the hint names,
wording.csv what people read."""

import csv
from pathlib import Path

import pytest

from server.errors import Text
from server.expressions import limits
from server.expressions.check import check
from server.expressions.registry import ALIASES, FUNCTIONS
from server.expressions.types import BOOLEAN, DATE, INTEGER, NUMBER, TEXT, TEXTS, Name, Scope, Type
from tests.expressions.generate import SCOPE as GENERAL

SCOPE = Scope(
    dict(GENERAL.names)
    | {
        "amount": Name(NUMBER, title=Text("订单金额", "Order amount")),
        "status": Name(TEXT, options=("open", "closed")),
        "lines2": Name(TEXTS, options=("tools", "safety")),
    },
    before=GENERAL.before,
)
CASES = Path(__file__).parents[1] / "cases/expressions"


def lines(name: str) -> list[dict[str, str]]:
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE))


PROBLEMS, WORDING = lines("problems.csv"), lines("wording.csv")


def test_what_people_read_in_both_languages() -> None:
    """Word by word: wording.csv."""
    for row in WORDING:
        first = check(row["expression"], SCOPE)[1][0]
        hint = first.hint or Text("", "")
        assert [first.message.zh, first.message.en, hint.zh, hint.en] == [row[k] for k in ("zh", "en", "hint_zh", "hint_en")], row["expression"]
        assert row["expression"][first.start : first.end] == row["place"], row["expression"]
        assert (first.path, first.severity, first.code) == ("", "error", row["code"])


@pytest.mark.parametrize("row", PROBLEMS, ids=lambda r: r["expression"])
def test_problem(row: dict[str, str]) -> None:
    checked, problems = check(row["expression"], SCOPE)
    assert checked is None
    first = problems[0]
    assert first.code == row["code"], problems
    assert first.start is not None and first.end is not None
    if row["place"]:
        assert row["expression"][first.start : first.end] == row["place"], first
    if row["hint"]:
        assert first.hint is not None and row["hint"] in first.hint.en, first
        assert first.hint.zh != first.hint.en


@pytest.mark.parametrize(
    ("source", "kind", "nullable"),
    [
        ("1 + 2", INTEGER, False),
        ("1 + 2.0", NUMBER, False),
        ("1 / 2", NUMBER, True),
        ("count_a", INTEGER, True),
        ("-count_a", INTEGER, True),
        ("-amount", NUMBER, True),
        ("min(count_a, amount)", NUMBER, True),
        ("round(amount)", INTEGER, True),
        ("round(amount, 2)", NUMBER, True),
        ("coalesce(amount, 0)", NUMBER, False),
        ("1 if active else 2.5", NUMBER, False),
        ("case(active, 'a')", TEXT, True),
        ("name is None", BOOLEAN, False),
        ("today()", DATE, False),
        ("['a', 'b']", TEXTS, False),
    ],
)
def test_type(source: str, kind: Type, nullable: bool) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    assert (checked.type, checked.nullable) == (kind, nullable)


def test_what_is_used() -> None:
    checked, _ = check("customer.region == name and ordered_on > add_days(today(), -count_a)", SCOPE)
    assert checked is not None
    assert checked.names == {"customer.region", "name", "ordered_on", "count_a"} and checked.uses_time
    checked, _ = check("days_between(created_at, ordered_on)", SCOPE)
    assert checked is not None and checked.uses_time  # the zone says which day a moment is


@pytest.mark.parametrize(
    ("source", "expect", "fine"),
    [
        ("count_a", NUMBER, True),
        ("amount", INTEGER, False),
        ("round(amount)", INTEGER, True),
        ("amount > 1", BOOLEAN, True),
        ("amount", BOOLEAN, False),
        ("None", TEXT, True),
        ("created_at", DATE, True),
        ("ordered_on", TEXT, False),
    ],
)
def test_expected_type(source: str, expect: Type, fine: bool) -> None:
    checked, problems = check(source, SCOPE, expect)
    assert (checked is not None) is fine, problems


@pytest.mark.parametrize("source", ["previous(amount) > 1", "changed(amount)", "is_new()"])
def test_what_was_before_is_only_known_where_something_changes(source: str) -> None:
    checked, problems = check(source, Scope(SCOPE.names))
    assert checked is None and problems[0].code == "no_before"
    name = source.partition("(")[0]
    assert problems[0].message == Text(f"这里没有修改前的值，不能用 {name}", f"There is no change here that {name} could look at")
    where = "用于对象的检查 (x-checks、checks) 和必填条件 (x-required)", "It is for an object's checks (x-checks, checks) and for x-required"
    assert problems[0].hint == Text(*where)


@pytest.mark.parametrize("alias", [alias for function in FUNCTIONS.values() for alias in function.aliases])
def test_a_foreign_name_leads_to_the_function(alias: str) -> None:
    """In any spelling of capitals: people paste formulas from elsewhere."""
    for written in (alias, alias.lower(), alias.capitalize()):
        checked, problems = check(f"{written}(amount)", SCOPE)
        assert checked is None and [p.code for p in problems] == ["unknown_function"], problems
        assert problems[0].hint is not None and f"{ALIASES[alias.lower()].name}(" in problems[0].hint.en


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("left(name)", "left 需要 2 个参数，现有 1 个", "left takes 2 arguments; there are 1"),
        ("sum()", "sum 需要 2+ 个参数，现有 0 个", "sum takes 2+ arguments; there are 0"),
        ("round(1, 2, 3)", "round 需要 1-2 个参数，现有 3 个", "round takes 1-2 arguments; there are 3"),
        ("left(name, 'b')", "count 须为整数，而这是文本", "count must be a whole number; this is text"),
        ("abs('a')", "x 须为整数或数字，而这是文本", "x must be a whole number or a number; this is text"),
        ("case(1, 2)", "condition 须为是/否，而这是整数", "condition must be a yes/no; this is a whole number"),
    ],
)
def test_how_a_function_is_called_is_told(source: str, zh: str, en: str) -> None:
    (problem,) = check(source, SCOPE)[1]
    function = FUNCTIONS[source.partition("(")[0]]
    assert problem.message == Text(zh, en)
    assert problem.hint == Text(f"{function.signature}: {function.doc.zh}", f"{function.signature}: {function.doc.en}")


@pytest.mark.parametrize(
    ("expect", "zh", "en", "hint"),
    [
        (
            INTEGER,
            "结果应为整数，而这是数字",
            "The result must be a whole number; this is a number",
            Text("取整请用 round(x) 或 floor(x)", "For a whole number use round(x) or floor(x)"),
        ),
        (TEXT, "结果应为文本，而这是数字", "The result must be text; this is a number", None),
    ],
)
def test_what_another_result_is_told(expect: Type, zh: str, en: str, hint: Text | None) -> None:
    (problem,) = check("amount", SCOPE, expect)[1]
    assert (problem.code, problem.message, problem.hint) == ("type", Text(zh, en), hint)


def test_all_problems_are_told_at_once() -> None:
    _, problems = check("amuont > 1 and lenght(name) > 2 and status == 'x'", SCOPE)
    assert [p.code for p in problems] == ["unknown_name", "unknown_function", "unknown_option"]
    assert [p.start for p in problems] == sorted(p.start or 0 for p in problems)


def test_places_count_characters() -> None:
    source = "  等级 == '甲' and 评级 == '乙'"
    _, problems = check(source, SCOPE)
    assert source[problems[0].start : problems[0].end] == "评级"


def test_several_lines_read_as_one() -> None:
    checked, problems = check("amount > 1\n  and active\n", SCOPE)
    assert checked is not None, problems


@pytest.mark.parametrize(
    ("source", "code", "place", "zh", "en"),
    [
        ("1" + " " * 4000, "too_long", (4000, 4001), "表达式有 4001 个字符，上限为 4000", "The expression has 4001 characters; the limit is 4000"),
        ("1 in [" + "1, " * 500 + "1]", "too_large", (1497, 1498), "表达式超过 500 个部分", "The expression has more than 500 parts"),
        ("abs(" * 32 + "1" + ")" * 32, "too_deep", (124, 127), "表达式嵌套超过 32 层", "The expression is nested more than 32 levels deep"),
        ("-" * 3000 + "1", "too_deep", (0, 3001), "表达式嵌套过深，上限为 32 层", "The expression is nested too deeply; the limit is 32 levels"),
        (" \t", "empty", (0, 2), "表达式为空", "The expression is empty"),
        ("name == '\ud800'", "character", (9, 10), "含有无效字符", "Contains a character that no text may have"),
        ("name == \0", "character", (8, 9), "含有无效字符", "Contains a character that no text may have"),
        ("name == '\udfff'", "character", (9, 10), "含有无效字符", "Contains a character that no text may have"),
    ],
)
def test_limits(source: str, code: str, place: tuple[int, int], zh: str, en: str) -> None:
    (problem,) = check(source, SCOPE)[1]
    assert (problem.path, problem.code, (problem.start, problem.end), problem.message) == ("", code, place, Text(zh, en))


def test_the_limits_themselves_are_allowed() -> None:
    depth = limits.DEPTH - 1
    for source in ("abs(" * depth + "1" + ")" * depth, " + ".join(["amount"] * 100), "amount in [" + "1, " * 400 + "1]"):
        checked, problems = check(source, SCOPE)
        assert checked is not None, problems
