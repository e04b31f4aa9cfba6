"""The table of limits, what is said at each, and the worst expressions: they stay within the time and the memory of one evaluation."""

import random
import time
import tracemalloc
from typing import Any

import pytest

from server.errors import Text
from server.expressions import limits
from server.expressions.check import check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.limits import LIMITS
from server.expressions.types import DATE, INTEGER, NUMBER, TEXT, TEXTS, Name, Scope
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE as GENERAL
from tests.expressions.generate import Maker, rows

SCOPE = Scope(
    {
        "note": Name(TEXT),
        "other": Name(TEXT),
        "short": Name(TEXT, length=50),
        "stage": Name(TEXT, options=("new", "active")),
        "tags": Name(TEXTS),
        "tags2": Name(TEXTS),
        "n": Name(INTEGER),
        "x": Name(NUMBER),
        "due_on": Name(DATE),
    }
)
SLOW_MACHINE = 8  # how much longer another machine may take; computing is counted, not waiting for others
LONG = "ŉ" * limits.TEXT_LENGTH


def test_the_table_is_complete_and_says_its_values() -> None:
    assert len({limit.key for limit in LIMITS}) == len(LIMITS)
    for limit in LIMITS:
        zh, en = limit.sentence("zh_CN"), limit.sentence("en")
        assert zh != en and "{" not in zh + en
        assert "；" in zh and "; " in en
    said = {limit.key: limit.sentence("en") for limit in LIMITS}
    assert said["source_length"] == "an expression has at most 4,000 characters; refused when checked, with the place"
    assert said["number"].startswith("a number is smaller than 1e100 in magnitude")


DEEP = "abs(" * 40 + "n" + ")" * 40


@pytest.mark.parametrize(
    ("source", "code", "place", "value"),
    [
        ("n + " * 1200 + "n", "too_long", None, "4000"),
        ("n in [" + "1, " * limits.NODES + "1]", "too_large", "1", "500"),
        (DEEP, "too_deep", "abs", "32"),
        ("2 ** 1001", "exponent", "1001", "1000"),
        ("max(" + "n, " * 100 + "n)", "arity", None, ""),
        ("n > 9223372036854775808", "too_large", "9223372036854775808", ""),
        (" == ".join(["upper(note)"] * 12), "too_much_text", "upper(note)", "3,000,000"),
        (
            "concat(" + ", ".join(["note"] * 99) + ") == concat(" + ", ".join(["note"] * 99) + ")",
            "too_much_text",
            "concat(" + ", ".join(["note"] * 99) + ")",
            "",
        ),
    ],
)
def test_what_is_said_at_a_limit(source: str, code: str, place: str | None, value: str) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is None
    problem = problems[0]
    assert problem.code == code and problem.start is not None and problem.end is not None
    assert value in problem.message.en and value in problem.message.zh
    if place is not None:
        assert source[problem.start : problem.end] == place


def test_what_to_do_about_too_much_text() -> None:
    (problem,) = check(" == ".join(["upper(note)"] * 12), SCOPE)[1]
    assert problem.message == Text(
        "文本函数最多要处理 4,800,000 个字符，上限为 3,000,000", "The functions of text may have to move 4,800,000 characters; the limit is 3,000,000"
    )
    way = "请先用 left(文本, n) 缩短，或在字段上设最大长度", "Shorten with left(text, n), or give the field a maximum length"
    assert (problem.path, problem.hint) == ("", Text(*way))


@pytest.mark.parametrize(
    "source",
    [
        " == ".join(["upper(short)"] * 60),
        " and ".join(["stage == 'new' and lower(stage) != 'x' and one_of(stage, 'new')"] * 20),
        " or ".join(["contains(note, 'x')"] * 60),
        " == ".join(["left(note, 3)"] * 7),
        "upper(left(note, 40)) == lower(left(other, 40))",
    ],
)
def test_ordinary_rules_are_far_from_the_limit_of_text(source: str) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems


def largest(part: str, joint: str, *, before: str = "", after: str = "") -> str:
    """As many of a part as the checker lets through: found by halving."""

    def source(count: int) -> str:
        return before + joint.join([part] * count) + after

    fits, too_many = 1, limits.NODES
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if check(source(middle), SCOPE)[0] else (fits, middle)
    return source(fits)


WORST = {
    "capitals": largest("upper(note)", " == "),
    "capitals of capitals": largest("upper(lower(upper(note)))", " == "),
    "small letters": largest("lower(note)", " != "),
    "long sums of text": largest("concat(note, other)", " == "),
    "repeats": largest("repeat('😀', 100000)", " == "),
    "replaced": largest("replace(note, 'ŉ', '😀😀')", " == "),
    "padded": largest("pad_left(note, 100000, '😀')", " == "),
    "joined": largest("join('😀😀😀', tags)", " == "),
    "reversed": largest("reverse(trim(note))", " == "),
    "searched": largest("contains(note, other)", " or "),
    "split": largest("split_part(note, 'ŉ', 99999)", " == "),
    "lists": largest("any_of(tags, tags2)", " or "),
    "lists of all": largest("all_of(tags, tags2)", " and "),
    "in a list": largest("has(tags, other)", " or "),
    "same texts": largest("note == other", " and "),
    "powers": largest("x ** 3.5", " + "),
    "integers": largest("n * n", " + "),
    "work days": largest("business_days(due_on, add_days(due_on, 999999))", " + "),
    "sums": largest("x", " + "),
    "middle one": largest("median(x, n, 3, 4, 5, 6, 7, 8, 9)", " + "),
    "numbers from text": largest("number(note)", " + "),
}
VALUES: dict[str, Any] = {
    "note": LONG,
    "other": LONG[:-1] + "x",
    "short": "x" * 50,
    "stage": "new",
    "tags": [f"tag {i}" for i in range(limits.LIST_LENGTH)],
    "tags2": [f"other {i}" for i in range(limits.LIST_LENGTH)],
    "n": 2**62,
    "x": 1e17 / 3,
    "due_on": UTC_NOON.today,
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_stay_within_time_and_memory(name: str) -> None:
    checked, _ = check(WORST[name], SCOPE)
    assert checked is not None
    run = compile_python(checked)
    run(VALUES, UTC_NOON)
    took = []
    for _ in range(3):
        began = time.thread_time()
        run(VALUES, UTC_NOON)
        took.append((time.thread_time() - began) * 1000)
    tracemalloc.start()
    run(VALUES, UTC_NOON)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"{name}: {min(took):.1f} ms, {peak:.1f} MiB")
    assert peak < limits.MEBIBYTES
    assert min(took) < limits.MILLISECONDS * SLOW_MACHINE


def test_the_reference_stays_within_them_too() -> None:
    for name in ("capitals", "repeats", "lists", "integers"):
        checked, _ = check(WORST[name], SCOPE)
        assert checked is not None
        began = time.thread_time()
        evaluate(checked, VALUES, UTC_NOON)
        assert (time.thread_time() - began) * 1000 < limits.MILLISECONDS * SLOW_MACHINE * 5  # it is not the fast way


def test_no_text_is_longer_than_foreseen() -> None:
    """The limit of text work counts on it: what a function gives is at most three times its longest text, or the limit of a text."""
    chance = random.Random(5)
    maker = Maker(chance.randrange)
    sample = rows(10, 5)
    for row in sample[1:]:
        row["name"] = chance.choice(("ŉ" * 300, "ΐ" * 200, "ß" * 250, "İ" * 300))
    for _ in range(400):
        checked, _problems = check(maker.make("text", 2), GENERAL)
        if checked is None:
            continue
        for row in sample:
            found = evaluate(checked, row, UTC_NOON)
            assert found is None or len(found) <= 3 * limits.TEXT_LENGTH
