"""Numbers, money, days in both languages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from admin_ui.formats import Formats

ZH, EN = Formats("zh_CN", ZoneInfo("Asia/Shanghai")), Formats("en", ZoneInfo("Asia/Shanghai"))
NOW = datetime(2026, 10, 16, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1234567, None, "1,234,567"),
        (Decimal("0.5"), 0, "1"),
        (2.5, 0, "3"),
        (-2.5, 0, "−3"),
        (1.10, None, "1.1"),
        (None, 1, "–"),
        (0.1 + 0.2, None, "0.3"),
        (-0.0, 1, "0.0"),
    ],
)
def test_numbers(value: object, decimals: int | None, text: str) -> None:
    assert EN.number(value, decimals) == text  # type: ignore[arg-type]


def test_units_stand_where_the_language_puts_them() -> None:
    assert (ZH.quantity(1540000, "CNY", 0), EN.quantity(1540000, "CNY", 0)) == ("1,540,000 元", "¥1,540,000")
    assert (ZH.quantity(3, "days"), EN.quantity(3, "days"), EN.quantity(12.5, "%")) == ("3 天", "3 days", "12.5%")
    assert (ZH.with_unit("1,200.00", "CNY"), EN.with_unit("1,200.00", "CNY"), EN.with_unit("4", "count")) == ("1,200.00 元", "¥1,200.00", "4")
    assert EN.quantity(-5, "CNY", 0) == "−¥5"


def test_money_in_short() -> None:
    assert [ZH.money_short(v) for v in (18_620_000, 1_860_000_000, 950)] == ["1,862 万", "18.6 亿", "950"]
    assert [EN.money_short(v) for v in (18_620_000, 1_860_000_000, 950)] == ["¥18.6M", "¥1.86B", "¥950"]


@pytest.mark.parametrize(
    ("back", "zh", "en"),
    [
        (timedelta(seconds=20), "刚刚", "just now"),
        (timedelta(minutes=5), "5 分钟前", "5 min ago"),
        (timedelta(hours=3), "3 小时前", "3 h ago"),
        (timedelta(hours=20), "昨天 16:00", "yesterday 16:00"),
        (timedelta(days=3), "3 天前", "3 d ago"),
        (timedelta(days=40), "09-06", "6 Sep"),
    ],
)
def test_how_long_ago(back: timedelta, zh: str, en: str) -> None:
    assert (ZH.ago(NOW - back, NOW), EN.ago(NOW - back, NOW)) == (zh, en)


def test_due_days() -> None:
    today = date(2026, 10, 16)
    assert [EN.due(today + timedelta(days=n), today) for n in (-2, 0, 1, 5)] == ["2 d late", "today", "tomorrow", "21 Oct"]
    assert ZH.due(today - timedelta(days=1), today) == "逾期 1 天"
    assert EN.due(date(2028, 5, 1), today) == "May 2028"


def test_days_and_moments_are_the_organisations() -> None:
    late = datetime(2026, 10, 16, 20, 30, tzinfo=UTC)
    assert (ZH.date(late), EN.datetime(late)) == ("2026-10-17", "17 Oct 2026 04:30")
