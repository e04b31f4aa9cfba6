"""What the help page shows of the language is made from the records, and its results are worked out."""

import tomllib
from pathlib import Path

import pytest

from server.errors import Text
from server.expressions import reference
from server.expressions.operators import MEMBER, NEGATE, OPERATORS
from server.expressions.registry import FUNCTIONS


def test_every_function_stands_in_its_family_with_its_examples() -> None:
    families = reference.entries()
    assert list(families) == list(reference.FAMILIES)
    assert [e.function for members in families.values() for e in members] == sorted(FUNCTIONS.values(), key=lambda f: list(families).index(f.family))
    for entry in (*reference.operators(), *(e for members in families.values() for e in members)):
        assert [(e.source, e.result) for e in entry.examples] == list(entry.function.examples)


def test_every_operator_stands_there_once() -> None:
    assert [e.function.name for e in reference.operators()] == list(dict.fromkeys(f.name for f in (*OPERATORS.values(), NEGATE, MEMBER)))


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("left", [Text("left(text: 文本, count: 整数) → 文本", "left(text: text, count: a whole number) → text")]),
        ("coalesce", [Text("coalesce(x: 值, other: 值, …) → 值", "coalesce(x: a value, other: a value, …) → a value")]),
    ],
)
def test_how_a_function_is_called(name: str, forms: list[Text]) -> None:
    assert list(reference.entry(FUNCTIONS[name]).forms) == forms


def test_how_an_operator_is_written() -> None:
    assert reference.entry(NEGATE).forms[0] == Text("a: 整数 → 整数", "a: a whole number → a whole number")
    assert reference.entry(MEMBER).forms[2] == Text("x: 文本 , item: 文本 , … → 是/否", "x: text , item: text , … → a yes/no")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("DateDiff", {"date": ["days_between"]}), (" 四舍五入 小数位数 ", {"number": ["round"]}), ("empty 'nothing", {}), ("is_new", {"change": ["is_new"]})],
)
def test_functions_are_found_by_name_foreign_name_and_help(wanted: str, found: dict[str, list[str]]) -> None:
    assert {family: [e.function.name for e in members] for family, members in reference.entries(wanted).items()} == found


def test_the_sections_say_what_comes_out() -> None:
    sections = reference.sections()
    assert [s.key for s in sections] == ["grammar", "types", "null", "numbers", "text", "dates"]
    assert all(line.zh and line.en for s in sections for line in (s.title, *s.lines))
    shown = {e.source: (e.result, e.type) for s in sections for e in s.examples}
    assert shown["0.1 + 0.2 == 0.3"] == (True, "boolean") and shown["1 / 0"] == (None, "number") and shown["round(-2.5)"] == (-3, "integer")


def test_what_people_read_on_the_page() -> None:
    """Word by word: reference.toml."""
    written = tomllib.loads((Path(__file__).parents[1] / "cases/expressions/reference.toml").read_text("utf-8"))

    def both(text: Text) -> list[str]:
        return [text.zh, text.en]

    found = [(s.key, both(s.title), [both(line) for line in s.lines], [e.source for e in s.examples]) for s in reference.sections()]
    assert [(row["key"], row["title"], row["lines"], row["examples"]) for row in written["section"]] == found
    assert written["operator"] == [
        {"name": e.function.name, "help": both(e.function.doc), "examples": [x.source for x in e.examples]} for e in reference.operators()
    ]


def test_truth_tables_are_worked_out() -> None:
    two, one = reference.truth_tables()
    assert two.heads == ("a", "b", "a and b", "a or b", "a == b") and one.heads == ("a", "not a", "a is None", "coalesce(a, False)")
    assert len(two.rows) == 9 and (None, False, False, None, None) in two.rows
    assert one.rows == ((True, False, False, True), (False, True, False, False), (None, None, True, False))


def test_an_example_that_is_no_expression_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="There is no name nobody"):
        reference.example("nobody > 1")
