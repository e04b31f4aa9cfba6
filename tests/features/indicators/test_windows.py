"""Which days a window has, said by their first and last."""

from datetime import date, timedelta

import pytest

from server.features.indicators.kind import Previous, Window
from server.features.indicators.windows import edges
from server.features.indicators.wording import window_words

MARCH_31, LEAP_DAY, MONDAY = date(2026, 3, 31), date(2024, 2, 29), date(2026, 3, 30)


@pytest.mark.parametrize(
    ("today", "window", "previous", "first", "last"),
    [
        (MARCH_31, Window(90, "days"), None, date(2026, 1, 1), MARCH_31),
        (MARCH_31, Window(90, "days"), Previous(1, "windows"), date(2025, 10, 3), date(2025, 12, 31)),
        (MARCH_31, Window(90, "days"), Previous(1, "years"), date(2025, 1, 1), date(2025, 3, 31)),
        (MARCH_31, Window(1, "months"), None, date(2026, 3, 1), MARCH_31),
        (MARCH_31, Window(1, "months"), Previous(1, "windows"), date(2026, 2, 1), date(2026, 2, 28)),  # no day between is left out
        (MARCH_31, Window(2, "weeks"), None, date(2026, 3, 18), MARCH_31),
        (MARCH_31, Window(1, "quarters"), None, date(2026, 1, 1), MARCH_31),
        (LEAP_DAY, Window(1, "years"), None, date(2023, 3, 1), LEAP_DAY),
        (LEAP_DAY, Window(1, "years"), Previous(1, "windows"), date(2022, 3, 1), date(2023, 2, 28)),
        (MARCH_31, Window(1, "months", "to_date"), None, date(2026, 3, 1), MARCH_31),
        (MARCH_31, Window(1, "months", "to_date"), Previous(1, "windows"), date(2026, 2, 1), date(2026, 2, 28)),
        (MARCH_31, Window(1, "quarters", "to_date"), Previous(1, "years"), date(2025, 1, 1), date(2025, 3, 31)),
        (MONDAY, Window(1, "weeks", "to_date"), None, MONDAY, MONDAY),
        (MARCH_31, Window(1, "years", "to_date"), Previous(1, "windows"), date(2025, 1, 1), date(2025, 3, 31)),
        (MARCH_31, Window(1, "months", "whole"), None, date(2026, 2, 1), date(2026, 2, 28)),
        (MARCH_31, Window(3, "months", "whole"), Previous(1, "windows"), date(2025, 9, 1), date(2025, 11, 30)),
        (MARCH_31, Window(1, "quarters", "whole"), None, date(2025, 10, 1), date(2025, 12, 31)),
        (MARCH_31, Window(1, "quarters", "whole"), Previous(1, "years"), date(2024, 10, 1), date(2024, 12, 31)),
        (MARCH_31, Window(1, "years", "whole"), None, date(2025, 1, 1), date(2025, 12, 31)),
        (MONDAY, Window(1, "weeks", "whole"), None, date(2026, 3, 23), date(2026, 3, 29)),
        (MARCH_31, None, Previous(1, "years"), None, date(2025, 3, 31)),
        (date(90, 1, 1), Window(100, "years"), None, date(1, 1, 2), date(90, 1, 1)),  # the calendar begins
    ],
)
def test_days_of_a_window(today: date, window: Window | None, previous: Previous | None, first: date | None, last: date) -> None:
    begin, end = edges(window, previous)
    assert (begin and begin.day(today) + timedelta(days=1), end.day(today)) == (first, last)


@pytest.mark.parametrize(
    ("window", "zh", "en"),
    [
        (None, "当前", "now"),
        (Window(90, "days"), "90 天", "90 d"),
        (Window(3, "months"), "3 个月", "3 mo"),
        (Window(1, "quarters", "to_date"), "本季度至今", "quarter to date"),
        (Window(1, "months", "whole"), "上月", "last month"),
        (Window(1, "years", "whole"), "去年", "last year"),
        (Window(3, "months", "whole"), "前 3 个整月", "last 3 whole months"),
    ],
)
def test_a_window_in_two_words(window: Window | None, zh: str, en: str) -> None:
    assert window_words(window) == (zh, en)
