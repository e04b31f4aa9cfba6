"""Which strategies start and stop."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from server.features.strategies.engine import ARM, LEFT, START, STOPPED, Met, Run, decide, due_after_hours, due_on

NO, WHEN, STOP, BOTH = Met(False, False), Met(True, False), Met(False, True), Met(True, True)
OUT = Met(True, False, in_population=False)
ARMED, BY_HAND = Run(1, True), Run(1, False)


@pytest.mark.parametrize(
    ("met", "run", "decision"),
    [
        (WHEN, None, START),
        (NO, None, ""),
        (STOP, None, ""),
        (BOTH, None, ""),  # it would end at once
        (OUT, None, ""),
        (WHEN, ARMED, ""),
        (NO, ARMED, ""),  # between its two conditions it goes on
        (STOP, ARMED, STOPPED),
        (BOTH, ARMED, STOPPED),
        (OUT, ARMED, LEFT),
        (STOP, BY_HAND, ""),  # started by hand while its end held
        (NO, BY_HAND, ARM),
        (WHEN, BY_HAND, ARM),
        (OUT, BY_HAND, LEFT),
    ],
)
def test_decide(met: Met, run: Run | None, decision: str) -> None:
    assert decide(met, run) == decision


def test_due_days_are_days_of_the_organisation() -> None:
    late_evening = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # already the 11th in Shanghai
    assert due_on(late_evening, 3, ZoneInfo("Asia/Shanghai")) == date(2026, 3, 14)
    assert due_on(late_evening, 3, ZoneInfo("UTC")) == date(2026, 3, 13)
    before_dst = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)
    assert due_on(before_dst, 1, ZoneInfo("Europe/Berlin")) == date(2026, 3, 29)
    assert due_after_hours(late_evening, 8, ZoneInfo("Asia/Shanghai")) == date(2026, 3, 11)
