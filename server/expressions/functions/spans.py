"""Functions of the time between dates, and of dates some time later."""

import calendar
from collections.abc import Callable
from datetime import date
from typing import Any

from server.errors import Text
from server.expressions.function import Form, Function, params
from server.expressions.functions.dates import BAD_DATE, small


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


def _nth_weekday(number: int) -> date | None:
    """The weekday with this number, when day 1 of the calendar has number 1."""
    return date.fromordinal((number - 1) // 5 * 7 + (number - 1) % 5 + 1) if 1 <= number <= _WEEKDAYS else None


def add_business_days(day: date, count: int) -> date | None:
    """So many Mondays to Fridays later, earlier when negative; 0 is the day itself. Null beyond the calendar."""
    if count > 0:
        return _nth_weekday(_weekdays_until(day.toordinal()) + count)
    return _nth_weekday(_weekdays_until(day.toordinal() - 1) + count + 1) if count else day


def _add_years(day: date, count: int) -> date | None:
    return add_months(day, count * 12)


def _add_weeks(day: date, count: int) -> date | None:
    return _add_days(day, count * 7)


def _months_between(a: date, b: date) -> int:
    """Full months; negative when b is earlier."""
    if b < a:
        return -_months_between(b, a)
    return (b.year - a.year) * 12 + b.month - a.month - (b.day < a.day)


def _towards_zero(count: int, size: int) -> int:
    return count // size if count >= 0 else -(-count // size)


_WEEKDAYS = 2_608_615  # from the first day of the calendar to its last
_MONTH_INDEX_PG = "(CAST(extract(year FROM {0}) AS bigint) * 12 + CAST(extract(month FROM {0}) AS bigint) - 1)"
_MONTH_DAY_PG = "(extract(month FROM {}) * 100 + extract(day FROM {}))"
_WEEKDAYS_SQLITE = "(CAST(julianday({0}) - 1721424.5 AS INTEGER) / 7 * 5 + min(CAST(julianday({0}) - 1721424.5 AS INTEGER) % 7, 5))"
_WEEKDAYS_PG = "(CAST({0} - DATE '0001-01-01' + 1 AS bigint) / 7 * 5 + least(mod({0} - DATE '0001-01-01' + 1, 7), 5))"
_ORDINAL_SQLITE, _ORDINAL_PG = "CAST(julianday({0}) - 1721424.5 AS INTEGER)", "CAST({0} - DATE '0001-01-01' + 1 AS bigint)"
_MONTH_INDEX_SQLITE = "(CAST(substr({0}, 1, 4) AS INTEGER) * 12 + CAST(substr({0}, 6, 2) AS INTEGER))"
_DAY_SQLITE, _DAY_PG = "substr({0}, 9, 2)", "extract(day FROM {0})"
_YEARS_IN_RANGE = "BETWEEN -10000 AND 10000"


def _weekday_count(template: str) -> str:
    return template.replace("{0}", "{1}") + " - " + template


def _weekday_number(ordinal: str, least: str, count: str) -> str:
    """The number of the weekday that is `count` of them after {0}, or before it when negative."""
    until = f"{ordinal} / 7 * 5 + {least}({ordinal} - {ordinal} / 7 * 7, 5)"
    before = until.replace(ordinal, f"({ordinal} - 1)")
    return f"(CASE WHEN {count} > 0 THEN {until} + {count} ELSE {before} + {count} + 1 END)"


def _business_day(ordinal: str, least: str, count: str, day: str) -> str:
    number = _weekday_number(ordinal, least, count)
    nth = f"({number} - 1 + ({number} - 1) / 5 * 2)"
    return f"CASE WHEN {{1}} = 0 THEN {{0}} WHEN {number} BETWEEN 1 AND {_WEEKDAYS} THEN {day.replace('@', nth)} END"


def _full_months(index: str, day: str) -> str:
    def count(a: str, b: str) -> str:
        short = f"CASE WHEN {day.replace('{0}', b)} < {day.replace('{0}', a)} THEN 1 ELSE 0 END"
        return f"({index.replace('{0}', b)} - {index.replace('{0}', a)} - {short})"

    return f"CASE WHEN {{1}} >= {{0}} THEN {count('{0}', '{1}')} ELSE -{count('{1}', '{0}')} END"


_MONTHS_SQLITE, _MONTHS_PG = _full_months(_MONTH_INDEX_SQLITE, _DAY_SQLITE), _full_months(_MONTH_INDEX_PG, _DAY_PG)
_DAYS_SQLITE, _DAYS_PG = "CAST(julianday({1}) - julianday({0}) AS INTEGER)", "CAST({1} - {0} AS bigint)"
_ADD_DAYS_SQLITE = (
    "CASE WHEN {1} BETWEEN julianday('0001-01-01') - julianday({0}) AND julianday('9999-12-31') - julianday({0}) THEN date({0}, {1} || ' days') END"
)
_ADD_DAYS_PG = "CASE WHEN {1} BETWEEN DATE '0001-01-01' - {0} AND DATE '9999-12-31' - {0} THEN {0} + " + small(1) + " END"

_ADD_MONTHS_PG = (
    f"CASE WHEN {{1}} BETWEEN 12 - {_MONTH_INDEX_PG} AND 119999 - {_MONTH_INDEX_PG} THEN CAST({{0}} + make_interval(months => {small(1)}) AS date) END"
)


def _times(template: str, size: int) -> str:
    """A template for so many days or months, in larger units; a count that no date can have would leave 64 bits."""
    return template.replace("{1}", f"((CASE WHEN {{1}} BETWEEN -600000 AND 600000 THEN {{1}} END) * {size})")


def _span(
    name: str, doc: Text, python: Callable[..., int], sqlite: str, postgresql: str, limit: float, aliases: tuple[str, ...], *examples: tuple[str, Any]
) -> Function:
    return Function(name, "date", doc, (Form(params(a="date", b="date"), "integer", python, sqlite, postgresql, limit=limit),), examples, aliases=aliases)


FUNCTIONS = (
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
        (
            ("days_between(date(2024, 2, 28), date(2024, 3, 1))", 2),
            ("days_between(date(2024, 1, 2), date(2024, 1, 1))", -1),
            ("days_between(today(), today())", 0),
        ),
        aliases=("DATEDIF", "DATEDIFF", "DAYS", "天数", "相差天数"),
    ),
    Function(
        "business_days",
        "date",
        Text("a 之后到 b 为止的周一至周五天数（不计法定节假日）", "Mondays to Fridays after a up to and including b (public holidays are not known)"),
        (Form(params(a="date", b="date"), "integer", business_days, _weekday_count(_WEEKDAYS_SQLITE), _weekday_count(_WEEKDAYS_PG), limit=4e6),),
        (
            ("business_days(date(2024, 3, 15), date(2024, 3, 18))", 1),
            ("business_days(date(2024, 3, 18), date(2024, 3, 15))", -1),
            ("business_days(date(2024, 3, 16), date(2024, 3, 17))", 0),
        ),
        aliases=("NETWORKDAYS", "WORKDAYS", "工作日", "工作日天数"),
    ),
    _span(
        "weeks_between",
        Text("从 a 到 b 的整周数（b 在前为负）", "The full weeks from a to b (negative when b is earlier)"),
        lambda a, b: _towards_zero(b.toordinal() - a.toordinal(), 7),
        f"{_DAYS_SQLITE} / 7",
        f"{_DAYS_PG} / 7",
        6e5,
        ("WEEKS", "相差周数"),
        ("weeks_between(date(2024, 3, 1), date(2024, 3, 15))", 2),
        ("weeks_between(date(2024, 3, 1), date(2024, 3, 14))", 1),
        ("weeks_between(date(2024, 3, 15), date(2024, 3, 2))", -1),
    ),
    _span(
        "months_between",
        Text("从 a 到 b 的整月数（b 在前为负）", "The full months from a to b (negative when b is earlier)"),
        _months_between,
        _MONTHS_SQLITE,
        _MONTHS_PG,
        12e4,
        ("MONTHS", "DATEDIF_M", "相差月数", "月数"),
        ("months_between(date(2024, 1, 15), date(2024, 3, 14))", 1),
        ("months_between(date(2024, 1, 31), date(2024, 2, 29))", 0),
        ("months_between(date(2024, 3, 15), date(2023, 3, 15))", -12),
    ),
    _span(
        "years_between",
        Text("从 a 到 b 的整年数（b 在前为负）", "The full years from a to b (negative when b is earlier)"),
        lambda a, b: _towards_zero(_months_between(a, b), 12),
        f"({_MONTHS_SQLITE}) / 12",
        f"({_MONTHS_PG}) / 12",
        1e4,
        ("YEARS", "DATEDIF_Y", "相差年数", "年数"),
        ("years_between(date(2020, 3, 15), date(2024, 3, 15))", 4),
        ("years_between(date(2020, 3, 16), date(2024, 3, 15))", 3),
        ("years_between(date(2024, 3, 15), date(2020, 3, 16))", -3),
    ),
    Function(
        "days_since",
        "date",
        Text("到评估日已过的天数（日期在后为负）", "The days that have passed up to the day of the evaluation (negative when still to come)"),
        (
            Form(
                params(day="date"),
                "integer",
                lambda at, day: at.today.toordinal() - day.toordinal(),
                "CAST(julianday({today}) - julianday({0}) AS INTEGER)",
                "CAST({today} - {0} AS bigint)",
                at=True,
                limit=4e6,
            ),
        ),
        (("days_since(date(2024, 3, 1))", 14), ("days_since(today())", 0), ("days_since(date(2024, 3, 16))", -1)),
        aliases=("DAYS_AGO", "RECENCY", "已过天数", "距今天数"),
    ),
    Function(
        "days_until",
        "date",
        Text("从评估日起还有几天（日期在前为负）", "The days from the day of the evaluation on (negative when past)"),
        (
            Form(
                params(day="date"),
                "integer",
                lambda at, day: day.toordinal() - at.today.toordinal(),
                "CAST(julianday({0}) - julianday({today}) AS INTEGER)",
                "CAST({0} - {today} AS bigint)",
                at=True,
                limit=4e6,
            ),
        ),
        (("days_until(date(2024, 3, 31))", 16), ("days_until(today())", 0), ("days_until(date(2024, 3, 1))", -14)),
        aliases=("DAYS_LEFT", "剩余天数", "还有几天"),
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
                "CASE WHEN {1} BETWEEN DATE '0001-01-01' - {0} AND DATE '9999-12-31' - {0} THEN {0} + " + small(1) + " END",
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (("add_days(date(2024, 2, 28), 2)", date(2024, 3, 1)), ("add_days(date(9999, 12, 31), 1)", None), ("add_days(today(), -5000000000)", None)),
        aliases=("DATEDELTA", "DATEADD", "ADDDAYS", "加天数"),
    ),
    Function(
        "add_weeks",
        "date",
        Text("若干周之后（负数为之前）", "Some weeks later (earlier when negative)"),
        (
            Form(
                params(day="date", count="integer"),
                "date",
                _add_weeks,
                _times(_ADD_DAYS_SQLITE, 7),
                _times(_ADD_DAYS_PG, 7),
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (("add_weeks(today(), 2)", date(2024, 3, 29)), ("add_weeks(today(), -1)", date(2024, 3, 8)), ("add_weeks(today(), 600000)", None)),
        aliases=("ADDWEEKS", "加周"),
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
                "",
                _ADD_MONTHS_PG,
                may_be_null=True,
                registered="add_months",
                cause=BAD_DATE,
            ),
        ),
        (
            ("add_months(date(2024, 1, 31), 1)", date(2024, 2, 29)),
            ("add_months(date(2024, 3, 31), -1)", date(2024, 2, 29)),
            ("add_months(today(), 999999)", None),
        ),
        aliases=("ADDMONTHS", "EDATE", "MONTHDELTA", "加月"),
    ),
    Function(
        "add_years",
        "date",
        Text("若干年之后；2 月 29 日在平年为 28 日", "Some years later; 29 February becomes the 28th where there is none"),
        (
            Form(
                params(day="date", count="integer"),
                "date",
                _add_years,
                "",
                _times(_ADD_MONTHS_PG, 12),
                may_be_null=True,
                cause=BAD_DATE,
                registered="add_years",
            ),
        ),
        (("add_years(date(2024, 2, 29), 1)", date(2025, 2, 28)), ("add_years(today(), -4)", date(2020, 3, 15)), ("add_years(today(), 9000)", None)),
        aliases=("ADDYEARS", "YEARDELTA", "加年"),
    ),
    Function(
        "add_business_days",
        "date",
        Text(
            "若干个周一至周五之后的那一天（负数为之前，不计法定节假日）；0 为当天",
            "The day so many Mondays to Fridays later (earlier when negative; public holidays are not known); 0 is the day itself",
        ),
        (
            Form(
                params(day="date", count="integer"),
                "date",
                add_business_days,
                _business_day(_ORDINAL_SQLITE, "min", small(1), "date(@ + 1721425.5)"),
                _business_day(_ORDINAL_PG, "least", small(1), "DATE '0001-01-01' + CAST(@ AS integer)"),
                may_be_null=True,
                cause=BAD_DATE,
            ),
        ),
        (
            ("add_business_days(date(2024, 3, 15), 1)", date(2024, 3, 18)),
            ("add_business_days(date(2024, 3, 16), 1)", date(2024, 3, 18)),
            ("add_business_days(date(2024, 3, 18), -1)", date(2024, 3, 15)),
            ("add_business_days(date(2024, 3, 16), 0)", date(2024, 3, 16)),
            ("add_business_days(today(), 99999999)", None),
        ),
        aliases=("WORKDAY", "加工作日"),
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
        aliases=("AGE", "年龄", "周岁"),
    ),
)
