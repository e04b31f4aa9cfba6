"""What two versions of a document differ in: one line of a list that was added, taken out or changed is told as that line."""

from typing import Any

import pytest

from admin_ui.documents import MOST, differences
from server.config.document import Document
from server.registry import KINDS

CALENDAR = next(k for k in KINDS.values() if k.key == "calendar")
SCORE = next(k for k in KINDS.values() if k.key == "score")


def told(kind: Any, old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(d.place.en, d.old, d.new) for d in differences(kind, Document(kind.key, "k", old), Document(kind.key, "k", new))]


def days(*found: str) -> dict[str, Any]:
    return {"days_off": [{"from": day, "to": day} for day in found]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("2026-01-01", "2026-05-01"), ("2026-01-01", "2026-02-17", "2026-05-01"), [("add", "2026-02-17")]),
        (("2026-01-01", "2026-02-17", "2026-05-01"), ("2026-02-17", "2026-05-01"), [("out", "2026-01-01")]),
        (("2026-01-01", "2026-05-01"), ("2026-05-01", "2026-01-01"), [("add", "2026-05-01"), ("out", "2026-05-01")]),
        ((), ("2026-01-01",), None),
    ],
)
def test_a_line_added_or_taken_out_is_told_alone(old: tuple[str, ...], new: tuple[str, ...], expected: list[tuple[str, str]] | None) -> None:
    found = told(CALENDAR, days(*old), days(*new))
    if expected is None:
        assert len(found) == 1 and "2026-01-01" in found[0][2]
        return
    assert sorted(("add", b) if a == "–" else ("out", a) for _, a, b in found) == sorted((w, f'{{"from": "{d}", "to": "{d}"}}') for w, d in expected)


def test_lines_with_keys_are_compared_with_their_likes() -> None:
    def factor(key: str, weight: int) -> dict[str, Any]:
        return {"key": key, "title": {"zh_CN": key, "en": key.title()}, "value": key, "weight": weight}

    old = {"factors": [factor("age", 10), factor("debt", 20), factor("news", 30)]}
    new = {"factors": [factor("debt", 25), factor("news", 30)]}
    found = told(SCORE, old, new)
    assert [(a, b) for _, a, b in found if "weight" not in a] == [("20", "25")]
    gone = next(f for f in found if f[2] == "–")
    assert "Age" in gone[0], "called by its title, which only the old version has"
    assert len(found) == 2


def test_values_of_lists_and_long_changes() -> None:
    assert [(a, b) for _, a, b in told(CALENDAR, {"weekdays": [1, 2, 3]}, {"weekdays": [1, 2, 3, 6]})] == [("–", "6")]
    many = {"days_off": [{"from": f"d{i}", "to": "x"} for i in range(3 * MOST)]}
    assert len(told(CALENDAR, days("2026-01-01"), many)) == MOST
