"""Which strategies start and stop."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from server.features.strategies.engine import Decision, Met, Run, decide, due_after_hours, due_on

NO, WHEN, STOP, BOTH = Met(False, False), Met(True, False), Met(False, True), Met(True, True)
OUT = Met(True, False, in_population=False)


@pytest.mark.parametrize(
    ("met", "runs", "expected"),
    [
        ({"a": WHEN}, [], Decision(start=("a",))),
        ({"a": NO}, [], Decision()),
        ({"a": STOP}, [], Decision()),
        ({"a": BOTH}, [], Decision()),  # it would end at once
        ({"a": OUT}, [], Decision()),
        ({"a": WHEN}, [Run(1, "a", True)], Decision()),
        ({"a": NO}, [Run(1, "a", True)], Decision()),  # between its two conditions it goes on
        ({"a": STOP}, [Run(1, "a", True)], Decision(stop=((1, "stopped"),))),
        ({"a": BOTH}, [Run(1, "a", True)], Decision(stop=((1, "stopped"),))),
        ({"a": OUT}, [Run(1, "a", True)], Decision(stop=((1, "left_population"),))),
        ({}, [Run(1, "a", True)], Decision(stop=((1, "removed"),))),
        ({"a": STOP}, [Run(1, "a", False)], Decision()),  # started by hand while its end held
        ({"a": NO}, [Run(1, "a", False)], Decision(arm=(1,))),
        ({"low": STOP, "high": WHEN}, [Run(1, "low", True)], Decision(start=("high",), stop=((1, "stopped"),))),
    ],
)
def test_decide(met: dict[str, Met], runs: list[Run], expected: Decision) -> None:
    assert decide(met, runs) == expected


def test_due_days_are_days_of_the_organisation() -> None:
    late_evening = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # already the 11th in Shanghai
    assert due_on(late_evening, 3, ZoneInfo("Asia/Shanghai")) == date(2026, 3, 14)
    assert due_on(late_evening, 3, ZoneInfo("UTC")) == date(2026, 3, 13)
    before_dst = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)
    assert due_on(before_dst, 1, ZoneInfo("Europe/Berlin")) == date(2026, 3, 29)
    assert due_after_hours(late_evening, 8, ZoneInfo("Asia/Shanghai")) == date(2026, 3, 11)
