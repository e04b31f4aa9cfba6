"""Functions of dates and moments. A moment given where a date is wanted is its date in the organisation's zone."""

import calendar
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.errors import Text
from server.expressions.function import Form, Function, params
from server.expressions.types import At


# PostgreSQL computes constant parts of a statement before it looks at any CASE around them: a cast must be safe by itself.
def _small(at: int) -> str:
    return f"CAST(CASE WHEN {{{at}}} BETWEEN -4000000 AND 4000000 THEN {{{at}}} END AS integer)"


BAD_DATE = Text("没有这个日期", "there is no such date")
_LEAP_SQLITE = "({y} % 4 = 0 AND {y} % 100 <> 0 OR {y} % 400 = 0)"
_LEAP_PG = "(mod({y}, 4) = 0 AND mod({y}, 100) <> 0 OR mod({y}, 400) = 0)"
_DAYS = "CASE WHEN {1} = 2 THEN (CASE WHEN LEAP THEN 29 ELSE 28 END) WHEN {1} IN (4, 6, 9, 11) THEN 30 ELSE 31 END"
_VALID = f"CASE WHEN {{0}} BETWEEN 1 AND 9999 AND {{1}} BETWEEN 1 AND 12 AND {{2}} BETWEEN 1 AND ({_DAYS}) THEN "
_YEAR, _MONTH, _DAY = "CAST(substr({0}, 1, 4) AS INTEGER)", "CAST(substr({0}, 6, 2) AS INTEGER)", "CAST(substr({0}, 9, 2) AS INTEGER)"
_MONTH_INDEX_PG = "(CAST(extract(year FROM {0}) AS bigint) * 12 + CAST(extract(month FROM {0}) AS bigint) - 1)"
_SECONDS_SQLITE = "CAST(strftime('%s', substr({}, 1, 19)) AS INTEGER)"
_MONTH_DAY_PG = "(extract(month FROM {}) * 100 + extract(day FROM {}))"


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def _add_days(day: date, count: int) -> date | None:
    ordinal = day.toordinal() + count
    return date.fromordinal(ordinal) if 1 <= ordinal <= date.max.toordinal() else None


def add_months(day: date, count: int) -> date | None:
    """The same day some months later; the last day of a shorter month."""
    months = day.year * 12 + day.month - 1 + count
    if not 12 <= months <= 119_999:
        return None
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def years_between(a: date, b: date) -> int:
    return b.year - a.year - ((b.month, b.day) < (a.month, a.day))


def business_days(a: date, b: date) -> int:
    """Mondays to Fridays after a, up to and including b; negative when b is before a."""
    if b < a:
        return -business_days(b, a)
    first, last = a.toordinal(), b.toordinal()
    return _weekdays_until(last) - _weekdays_until(first)


def _weekdays_until(ordinal: int) -> int:
    """Weekdays among the days 1 to `ordinal`; day 1 is a Monday."""
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + min(rest, 5)


def _hours(a: datetime, b: datetime) -> float:
    return (math.floor(_stamp(b)) - math.floor(_stamp(a))) / 3600.0


def _stamp(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _part(name: str, doc: Text, python: Any, sqlite: str, postgresql: str, limit: int, *examples: tuple[str, Any], aliases: tuple[str, ...] = ()) -> Function:
    return Function(name, "date", doc, (Form(params(day="date"), "integer", python, sqlite, postgresql, limit=limit),), examples, aliases=aliases)


_PG_MONTH = "CAST(date_trunc('month', CAST({0} AS timestamp)) AS date)"
_PG_MONTH_END = "CAST(date_trunc('month', CAST({0} AS timestamp)) + interval '1 month' - interval '1 day' AS date)"
_SQLITE_MONTH_END = (
    "substr({0}, 1, 8) || CASE WHEN substr({0}, 6, 2) = '02' THEN (CASE WHEN LEAP THEN '29' ELSE '28' END)"
    " WHEN substr({0}, 6, 2) IN ('04', '06', '09', '11') THEN '30' ELSE '31' END"
).replace("LEAP", _LEAP_SQLITE.replace("{y}", _YEAR))
_WEEKDAYS_SQLITE = "(CAST(julianday({0}) - 1721424.5 AS INTEGER) / 7 * 5 + min(CAST(julianday({0}) - 1721424.5 AS INTEGER) % 7, 5))"
_WEEKDAYS_PG = "(CAST({0} - DATE '0001-01-01' + 1 AS bigint) / 7 * 5 + least(mod({0} - DATE '0001-01-01' + 1, 7), 5))"


def _weekday_count(template: str) -> str:
    return template.replace("{0}", "{1}") + " - " + template


FUNCTIONS = (
    Function(
        "today",
        "date",
        Text("评估日", "The day of the evaluation"),
        (Form((), "date", lambda at: at.today, "{today}", at=True),),
        (("today()", date(2024, 3, 15)),),
        aliases=(
            "CURRENT_DATE",
            "CURDATE",
            "今天",
        ),
    ),
    Function(
        "now",
        "date",
        Text("评估时刻", "The moment of the evaluation"),
        (Form((), "datetime", lambda at: at.instant, "{now}", at=True),),
        (("now() == now()", True), ("date_of(now())", date(2024, 3, 15))),
        aliases=(
            "CURRENT_TIMESTAMP",
            "SYSDATE",
            "现在",
        ),
    ),
    Function(
        "date",
        "date",
        Text("由年、月、日得到日期；没有这一天则为空", "The date of a year, month and day; null when there is no such day"),
        (
            Form(
                params(year="integer", month="integer", day="integer"),
                "date",
                _date,
                _VALID.replace("LEAP", _LEAP_SQLITE.replace("{y}", "{0}")) + "printf('%04d-%02d-%02d', {0}, {1}, {2}) END",
                _VALID.replace("LEAP", _LEAP_PG.replace("{y}", "{0}")) + f"make_date({_small(0)}, {_small(1)}, {_small(2)}) END",
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (
            ("date(2024, 2, 29)", date(2024, 2, 29)),
            ("date(2023, 2, 29)", None),
            ("date(1900, 2, 29)", None),
            ("date(2024, 13, 1)", None),
            ("date(0, 1, 1)", None),
        ),
        aliases=(
            "NEWDATE",
            "MAKE_DATE",
            "日期",
        ),
    ),
    Function(
        "date_of",
        "date",
        Text("时刻在本地时区的日期", "The date of a moment in the organisation's zone"),
        (Form(params(day="date"), "date", lambda day: day, "{0}"),),
        (("date_of(now())", date(2024, 3, 15)),),
        aliases=(
            "DATEVALUE",
            "取日期",
        ),
    ),
    Function(
        "days_between",
        "date",
        Text("从 a 到 b 的天数（b 在前为负）", "The days from a to b (negative when b is earlier)"),
        (
            Form(
                params(a="date", b="date"),
                "integer",
                lambda a, b: b.toordinal() - a.toordinal(),
                "CAST(julianday({1}) - julianday({0}) AS INTEGER)",
                "CAST({1} - {0} AS bigint)",
                limit=4e6,
            ),
        ),
        (("days_between(date(2024, 2, 28), date(2024, 3, 1))", 2), ("days_between(date(2024, 1, 2), date(2024, 1, 1))", -1)),
        aliases=(
            "DATEDIF",
            "DATEDIFF",
            "DAYS",
            "天数",
            "相差天数",
        ),
    ),
    Function(
        "hours_between",
        "date",
        Text("从时刻 a 到时刻 b 的小时数", "The hours from the moment a to the moment b"),
        (
            Form(
                params(a="datetime", b="datetime"),
                "number",
                _hours,
                f"({_SECONDS_SQLITE.format('{1}')} - {_SECONDS_SQLITE.format('{0}')}) / 3600.0",
                "CAST(floor(extract(epoch FROM {1})) - floor(extract(epoch FROM {0})) AS double precision) / 3600.0",
            ),
        ),
        (("hours_between(now(), now())", 0.0),),
        aliases=(
            "HOURS",
            "小时数",
            "相差小时",
        ),
    ),
    Function(
        "business_days",
        "date",
        Text("a 之后到 b 为止的周一至周五天数（不计法定节假日）", "Mondays to Fridays after a up to and including b (public holidays are not known)"),
        (Form(params(a="date", b="date"), "integer", business_days, _weekday_count(_WEEKDAYS_SQLITE), _weekday_count(_WEEKDAYS_PG), limit=4e6),),
        (("business_days(date(2024, 3, 15), date(2024, 3, 18))", 1), ("business_days(date(2024, 3, 18), date(2024, 3, 15))", -1)),
        aliases=(
            "NETWORKDAYS",
            "WORKDAYS",
            "工作日",
            "工作日天数",
        ),
    ),
    Function(
        "add_days",
        "date",
        Text("若干天之后（负数为之前）", "Some days later (earlier when negative)"),
        (
            Form(
                params(day="date", count="integer"),
                "date",
                _add_days,
                "CASE WHEN {1} BETWEEN julianday('0001-01-01') - julianday({0}) AND julianday('9999-12-31') - julianday({0})"
                " THEN date({0}, {1} || ' days') END",
                "CASE WHEN {1} BETWEEN DATE '0001-01-01' - {0} AND DATE '9999-12-31' - {0} THEN {0} + " + _small(1) + " END",
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (("add_days(date(2024, 2, 28), 2)", date(2024, 3, 1)), ("add_days(date(9999, 12, 31), 1)", None), ("add_days(today(), -5000000000)", None)),
        aliases=(
            "DATEDELTA",
            "DATEADD",
            "ADDDAYS",
            "加天数",
        ),
    ),
    Function(
        "add_months",
        "date",
        Text("若干月之后；该月没有这一天则取月末", "Some months later; the last day when the month is shorter"),
        (
            Form(
                params(day="date", count="integer"),
                "date",
                add_months,
                "weatherglass_add_months({0}, {1})",
                f"CASE WHEN {{1}} BETWEEN 12 - {_MONTH_INDEX_PG} AND 119999 - {_MONTH_INDEX_PG}"
                f" THEN CAST({{0}} + make_interval(months => {_small(1)}) AS date) END",
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (
            ("add_months(date(2024, 1, 31), 1)", date(2024, 2, 29)),
            ("add_months(date(2024, 3, 31), -1)", date(2024, 2, 29)),
            ("add_months(today(), 999999)", None),
        ),
        aliases=(
            "ADDMONTHS",
            "EDATE",
            "MONTHDELTA",
            "加月",
        ),
    ),
    _part("year", Text("年", "The year"), lambda d: d.year, _YEAR, "CAST(extract(year FROM {0}) AS bigint)", 9999, ("year(today())", 2024), aliases=("年",)),
    _part(
        "quarter",
        Text("季度 1-4", "The quarter, 1 to 4"),
        lambda d: (d.month + 2) // 3,
        f"({_MONTH} + 2) / 3",
        "CAST(extract(quarter FROM {0}) AS bigint)",
        4,
        ("quarter(today())", 1),
        aliases=("季度",),
    ),
    _part(
        "month",
        Text("月 1-12", "The month, 1 to 12"),
        lambda d: d.month,
        _MONTH,
        "CAST(extract(month FROM {0}) AS bigint)",
        12,
        ("month(today())", 3),
        aliases=("月",),
    ),
    _part(
        "day",
        Text("日 1-31", "The day of the month, 1 to 31"),
        lambda d: d.day,
        _DAY,
        "CAST(extract(day FROM {0}) AS bigint)",
        31,
        ("day(today())", 15),
        aliases=(
            "DAYOFMONTH",
            "日",
            "号",
        ),
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
        aliases=(
            "DAYOFWEEK",
            "ISODOW",
            "星期",
            "周几",
        ),
    ),
    Function(
        "start_of_month",
        "date",
        Text("当月第一天", "The first day of the month"),
        (Form(params(day="date"), "date", lambda d: d.replace(day=1), "substr({0}, 1, 8) || '01'", _PG_MONTH),),
        (("start_of_month(today())", date(2024, 3, 1)),),
        aliases=(
            "BOMONTH",
            "FIRST_DAY",
            "月初",
        ),
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
        aliases=(
            "EOMONTH",
            "LAST_DAY",
            "月末",
        ),
    ),
    Function(
        "age_in_years",
        "date",
        Text("到评估日为止的周岁；也可给出另一天", "Full years up to the day of the evaluation, or up to a day you give"),
        (
            Form(
                params(since="date"),
                "integer",
                lambda at, d: years_between(d, at.today),
                "CAST(substr({today}, 1, 4) AS INTEGER) - CAST(substr({0}, 1, 4) AS INTEGER) - (substr({today}, 6) < substr({0}, 6))",
                "CAST(extract(year FROM {today}) - extract(year FROM {0}) - CASE WHEN MD_TODAY < MD_0 THEN 1 ELSE 0 END AS bigint)".replace(
                    "MD_TODAY", _MONTH_DAY_PG.replace("{}", "{today}")
                ).replace("MD_0", _MONTH_DAY_PG.replace("{}", "{0}")),
                at=True,
                limit=9999,
            ),
            Form(
                params(since="date", until="date"),
                "integer",
                years_between,
                "CAST(substr({1}, 1, 4) AS INTEGER) - CAST(substr({0}, 1, 4) AS INTEGER) - (substr({1}, 6) < substr({0}, 6))",
                "CAST(extract(year FROM {1}) - extract(year FROM {0}) - CASE WHEN MD_1 < MD_0 THEN 1 ELSE 0 END AS bigint)".replace(
                    "MD_1", _MONTH_DAY_PG.replace("{}", "{1}")
                ).replace("MD_0", _MONTH_DAY_PG.replace("{}", "{0}")),
                limit=9999,
            ),
        ),
        (("age_in_years(date(2004, 3, 15))", 20), ("age_in_years(date(2004, 3, 16))", 19), ("age_in_years(date(2000, 2, 29), date(2001, 2, 28))", 0)),
        aliases=(
            "AGE",
            "年龄",
            "周岁",
        ),
    ),
)


def moment_date(at: At, moment: datetime) -> date | None:
    """The date of a moment in the zone; null at the ends of the calendar, where a zone would leave it."""
    if not EARLIEST < moment < LATEST:
        return None
    return moment.astimezone(at.zone).date()


EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
MOMENT_DATE = Form(
    params(moment="datetime"),
    "date",
    moment_date,
    "weatherglass_date({0}, {zone})",
    "CASE WHEN {0} > TIMESTAMP '0001-01-03' AND {0} < TIMESTAMP '9999-12-30' THEN CAST(({0} AT TIME ZONE 'UTC') AT TIME ZONE {zone} AS date) END",
    at=True,
    may_be_null=True,
)
