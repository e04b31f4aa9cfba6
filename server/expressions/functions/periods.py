"""Functions of the parts of a date, and of the week, month, quarter and year it lies in."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from server.errors import Text
from server.expressions.function import Form, Function, params
from server.expressions.functions.dates import BAD_DATE, DAY, LEAP_SQLITE, MONTH, YEAR


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _bound(
    name: str, doc: Text, python: Callable[[date], date], sqlite: str, postgresql: str, aliases: tuple[str, ...], *examples: tuple[str, Any]
) -> Function:
    """The first or last day of something."""
    return Function(name, "date", doc, (Form(params(day="date"), "date", python, sqlite, postgresql),), examples, aliases=aliases)


def _part(name: str, doc: Text, python: Any, sqlite: str, postgresql: str, limit: int, *examples: tuple[str, Any], aliases: tuple[str, ...] = ()) -> Function:
    return Function(name, "date", doc, (Form(params(day="date"), "integer", python, sqlite, postgresql, limit=limit),), examples, aliases=aliases)


def _end_of_week(day: date) -> date | None:
    return day + timedelta(days=7 - day.isoweekday()) if day <= _LAST_SUNDAY else None


def _quarter_start(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def _quarter_end(day: date) -> date:
    return _end_of_month(date(day.year, (day.month - 1) // 3 * 3 + 3, 1))


_LAST_SUNDAY = date(9999, 12, 26)  # the calendar ends on a Friday
_QUARTER = f"({MONTH} + 2) / 3"
_THURSDAY = "date({0}, '-3 days', 'weekday 4')"  # its year and week are those of the whole week
_TRUNC = "CAST(date_trunc('@', CAST({0} AS timestamp)) AS date)"
_TRUNC_END = "CAST(date_trunc('@', CAST({0} AS timestamp)) + interval '#' - interval '1 day' AS date)"
_PG_MONTH = "CAST(date_trunc('month', CAST({0} AS timestamp)) AS date)"
_PG_MONTH_END = "CAST(date_trunc('month', CAST({0} AS timestamp)) + interval '1 month' - interval '1 day' AS date)"
_SQLITE_MONTH_END = (
    "substr({0}, 1, 8) || CASE WHEN substr({0}, 6, 2) = '02' THEN (CASE WHEN LEAP THEN '29' ELSE '28' END)"
    " WHEN substr({0}, 6, 2) IN ('04', '06', '09', '11') THEN '30' ELSE '31' END"
).replace("LEAP", LEAP_SQLITE.replace("{y}", YEAR))

FUNCTIONS = (
    _part(
        "year",
        Text("年", "The year"),
        lambda d: d.year,
        YEAR,
        "CAST(extract(year FROM {0}) AS bigint)",
        9999,
        ("year(today())", 2024),
        ("year(date(1, 1, 1))", 1),
        ("year(now())", 2024),
        aliases=("年",),
    ),
    _part(
        "quarter",
        Text("季度 1-4", "The quarter, 1 to 4"),
        lambda d: (d.month + 2) // 3,
        f"({MONTH} + 2) / 3",
        "CAST(extract(quarter FROM {0}) AS bigint)",
        4,
        ("quarter(today())", 1),
        ("quarter(date(2024, 4, 1))", 2),
        ("quarter(date(2024, 12, 31))", 4),
        aliases=("季度",),
    ),
    _part(
        "month",
        Text("月 1-12", "The month, 1 to 12"),
        lambda d: d.month,
        MONTH,
        "CAST(extract(month FROM {0}) AS bigint)",
        12,
        ("month(today())", 3),
        ("month(date(2024, 12, 31))", 12),
        ("month(now())", 3),
        aliases=("月",),
    ),
    _part(
        "day",
        Text("日 1-31", "The day of the month, 1 to 31"),
        lambda d: d.day,
        DAY,
        "CAST(extract(day FROM {0}) AS bigint)",
        31,
        ("day(today())", 15),
        ("day(date(2024, 2, 29))", 29),
        ("day(now())", 15),
        aliases=("DAYOFMONTH", "日", "号"),
    ),
    _part(
        "weekday",
        Text("星期，周一为 1，周日为 7", "The day of the week, Monday is 1, Sunday is 7"),
        date.isoweekday,
        "(CAST(strftime('%w', {0}) AS INTEGER) + 6) % 7 + 1",
        "CAST(extract(isodow FROM {0}) AS bigint)",
        7,
        ("weekday(today())", 5),
        ("weekday(date(2024, 3, 17))", 7),
        ("weekday(date(2024, 3, 18))", 1),
        aliases=("DAYOFWEEK", "ISODOW", "星期", "周几"),
    ),
    _part(
        "half_year",
        Text("半年，上半年为 1，下半年为 2", "The half of the year, 1 or 2"),
        lambda d: 1 if d.month <= 6 else 2,
        f"({MONTH} + 5) / 6",
        "CAST(floor((extract(month FROM {0}) + 5) / 6) AS bigint)",
        2,
        ("half_year(date(2024, 6, 30))", 1),
        ("half_year(date(2024, 7, 1))", 2),
        ("half_year(today())", 1),
        aliases=("SEMESTER", "半年", "上下半年"),
    ),
    _part(
        "day_of_year",
        Text("一年中的第几天", "The day of the year, 1 to 366"),
        lambda d: d.timetuple().tm_yday,
        "CAST(strftime('%j', {0}) AS INTEGER)",
        "CAST(extract(doy FROM {0}) AS bigint)",
        366,
        ("day_of_year(date(2024, 3, 1))", 61),
        ("day_of_year(date(2023, 3, 1))", 60),
        ("day_of_year(date(2024, 12, 31))", 366),
        aliases=("DAYOFYEAR", "年内第几天"),
    ),
    _part(
        "days_in_month",
        Text("当月有几天", "How many days the month has"),
        lambda d: calendar.monthrange(d.year, d.month)[1],
        f"CAST(substr({_SQLITE_MONTH_END}, 9, 2) AS INTEGER)",
        f"CAST(extract(day FROM {_PG_MONTH_END}) AS bigint)",
        31,
        ("days_in_month(date(2024, 2, 1))", 29),
        ("days_in_month(date(1900, 2, 1))", 28),
        ("days_in_month(date(2024, 4, 30))", 30),
        aliases=("DAYSINMONTH", "当月天数"),
    ),
    _part(
        "iso_week",
        Text("一年中的第几周（ISO 8601，周一为一周之始）", "The week of the year (ISO 8601, weeks begin on Monday)"),
        lambda d: d.isocalendar().week,
        f"(CAST(strftime('%j', {_THURSDAY}) AS INTEGER) + 6) / 7",
        "CAST(extract(week FROM {0}) AS bigint)",
        53,
        ("iso_week(date(2024, 1, 1))", 1),
        ("iso_week(date(2023, 1, 1))", 52),
        ("iso_week(date(2020, 12, 31))", 53),
        aliases=("ISOWEEK", "ISOWEEKNUM", "WEEKNUM", "WEEK", "第几周", "周数"),
    ),
    _part(
        "iso_year",
        Text("这一周所属的年（ISO 8601）", "The year that the week belongs to (ISO 8601)"),
        lambda d: d.isocalendar().year,
        f"CAST(strftime('%Y', {_THURSDAY}) AS INTEGER)",
        "CAST(extract(isoyear FROM {0}) AS bigint)",
        9999,
        ("iso_year(date(2023, 1, 1))", 2022),
        ("iso_year(date(2024, 12, 30))", 2025),
        ("iso_year(today())", 2024),
        aliases=("ISOYEAR", "周所属年"),
    ),
    Function(
        "is_weekend",
        "date",
        Text("是周六或周日", "Is a Saturday or a Sunday"),
        (Form(params(day="date"), "boolean", lambda d: d.isoweekday() >= 6, "strftime('%w', {0}) IN ('0', '6')", "extract(isodow FROM {0}) >= 6"),),
        (("is_weekend(date(2024, 3, 16))", True), ("is_weekend(date(2024, 3, 17))", True), ("is_weekend(date(2024, 3, 15))", False)),
        aliases=("ISWEEKEND", "周末", "是周末"),
    ),
    Function(
        "year_month",
        "date",
        Text("年月文本，如 2024-03，便于按月归类", "The year and month as text such as 2024-03, to group by month"),
        (Form(params(day="date"), "text", lambda d: d.isoformat()[:7], "substr({0}, 1, 7)", "to_char({0}, 'YYYY-MM')"),),
        (("year_month(today())", "2024-03"), ("year_month(date(999, 12, 31))", "0999-12"), ("year_month(date(2024, 10, 1))", "2024-10")),
        aliases=("YYYYMM", "MONTH_KEY", "年月"),
    ),
    _bound(
        "start_of_week",
        Text("当周的周一", "The Monday of the week"),
        lambda d: d - timedelta(days=d.isoweekday() - 1),
        "date({0}, '-6 days', 'weekday 1')",
        _TRUNC.replace("@", "week"),
        ("WEEKSTART", "BOWEEK", "周一", "本周第一天"),
        ("start_of_week(today())", date(2024, 3, 11)),
        ("start_of_week(date(2024, 3, 17))", date(2024, 3, 11)),
        ("start_of_week(date(2024, 3, 11))", date(2024, 3, 11)),
    ),
    Function(
        "end_of_week",
        "date",
        Text("当周的周日", "The Sunday of the week"),
        (
            Form(
                params(day="date"),
                "date",
                _end_of_week,
                "CASE WHEN {0} <= '9999-12-26' THEN date({0}, 'weekday 0') END",
                f"CASE WHEN {{0}} <= DATE '9999-12-26' THEN {_TRUNC_END.replace('@', 'week').replace('#', '7 days')} END",
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (
            ("end_of_week(today())", date(2024, 3, 17)),
            ("end_of_week(date(2024, 3, 17))", date(2024, 3, 17)),
            ("end_of_week(date(9999, 12, 31))", None),
        ),
        aliases=("WEEKEND_DATE", "EOWEEK", "周日", "本周最后一天"),
    ),
    Function(
        "start_of_month",
        "date",
        Text("当月第一天", "The first day of the month"),
        (Form(params(day="date"), "date", lambda d: d.replace(day=1), "substr({0}, 1, 8) || '01'", _PG_MONTH),),
        (
            ("start_of_month(today())", date(2024, 3, 1)),
            ("start_of_month(date(2024, 2, 29))", date(2024, 2, 1)),
            ("start_of_month(date(1, 1, 31))", date(1, 1, 1)),
        ),
        aliases=("BOMONTH", "FIRST_DAY", "月初"),
    ),
    Function(
        "end_of_month",
        "date",
        Text("当月最后一天", "The last day of the month"),
        (Form(params(day="date"), "date", _end_of_month, _SQLITE_MONTH_END, _PG_MONTH_END),),
        (
            ("end_of_month(today())", date(2024, 3, 31)),
            ("end_of_month(date(2024, 2, 1))", date(2024, 2, 29)),
            ("end_of_month(date(9999, 12, 5))", date(9999, 12, 31)),
        ),
        aliases=("EOMONTH", "LAST_DAY", "月末"),
    ),
    _bound(
        "start_of_quarter",
        Text("当季第一天", "The first day of the quarter"),
        _quarter_start,
        f"substr({{0}}, 1, 5) || CASE {_QUARTER} WHEN 1 THEN '01-01' WHEN 2 THEN '04-01' WHEN 3 THEN '07-01' ELSE '10-01' END",
        _TRUNC.replace("@", "quarter"),
        ("QUARTERSTART", "季初"),
        ("start_of_quarter(today())", date(2024, 1, 1)),
        ("start_of_quarter(date(2024, 12, 31))", date(2024, 10, 1)),
        ("start_of_quarter(date(2024, 4, 1))", date(2024, 4, 1)),
    ),
    _bound(
        "end_of_quarter",
        Text("当季最后一天", "The last day of the quarter"),
        _quarter_end,
        f"substr({{0}}, 1, 5) || CASE {_QUARTER} WHEN 1 THEN '03-31' WHEN 2 THEN '06-30' WHEN 3 THEN '09-30' ELSE '12-31' END",
        _TRUNC_END.replace("@", "quarter").replace("#", "3 months"),
        ("QUARTEREND", "季末"),
        ("end_of_quarter(today())", date(2024, 3, 31)),
        ("end_of_quarter(date(2024, 4, 1))", date(2024, 6, 30)),
        ("end_of_quarter(date(9999, 12, 5))", date(9999, 12, 31)),
    ),
    _bound(
        "start_of_year",
        Text("当年第一天", "The first day of the year"),
        lambda d: d.replace(month=1, day=1),
        "substr({0}, 1, 5) || '01-01'",
        _TRUNC.replace("@", "year"),
        ("YEARSTART", "年初"),
        ("start_of_year(today())", date(2024, 1, 1)),
        ("start_of_year(date(2023, 12, 31))", date(2023, 1, 1)),
        ("start_of_year(date(1, 5, 5))", date(1, 1, 1)),
    ),
    _bound(
        "end_of_year",
        Text("当年最后一天", "The last day of the year"),
        lambda d: d.replace(month=12, day=31),
        "substr({0}, 1, 5) || '12-31'",
        _TRUNC_END.replace("@", "year").replace("#", "1 year"),
        ("YEAREND", "年末"),
        ("end_of_year(today())", date(2024, 12, 31)),
        ("end_of_year(date(2023, 1, 1))", date(2023, 12, 31)),
        ("end_of_year(date(9999, 1, 1))", date(9999, 12, 31)),
    ),
)
