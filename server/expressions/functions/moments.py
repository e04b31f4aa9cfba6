"""Functions of moments: their parts in the organisation's zone, and the time between them."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.errors import Text
from server.expressions.function import Form, Function, params
from server.expressions.functions.dates import small
from server.expressions.types import At


def _hours(a: datetime, b: datetime) -> float:
    return (math.floor(_stamp(b)) - math.floor(_stamp(a))) / 3600.0


def _stamp(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def moment_date(at: At, moment: datetime) -> date | None:
    """The date of a moment in the zone; null at the ends of the calendar, where a zone would leave it."""
    if not EARLIEST < moment < LATEST:
        return None
    return moment.astimezone(at.zone).date()


def _local(at: At, moment: datetime) -> datetime | None:
    """Null at the ends of the calendar, where a zone would leave it."""
    return moment.astimezone(at.zone) if EARLIEST < moment < LATEST else None


def _minutes(a: datetime, b: datetime) -> float:
    return (math.floor(_stamp(b)) - math.floor(_stamp(a))) / 60.0


def _later(moment: datetime, seconds: int) -> datetime | None:
    return moment + timedelta(seconds=seconds) if _FIRST - _stamp(moment) <= seconds <= _LAST - _stamp(moment) else None


def _moment(at: At, day: date, hour: int, minute: int) -> datetime | None:
    """A time that the clocks skip counts from before the jump, one that comes twice is the second."""
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and EARLIEST.date() <= day < LATEST.date()):
        return None
    second = datetime(day.year, day.month, day.day, hour, minute, tzinfo=at.zone, fold=1)
    found = second.astimezone(UTC)
    is_skipped = found.astimezone(at.zone).replace(tzinfo=None) != second.replace(tzinfo=None)
    return second.replace(fold=0).astimezone(UTC) if is_skipped else found


def _time_of(at: At, moment: datetime) -> str | None:
    local = _local(at, moment)
    return None if local is None else f"{local.hour:02d}:{local.minute:02d}"


EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # the first and the last second of the calendar, from 1970 on
END_OF_CALENDAR = Text("超出日历的范围", "outside the calendar")
NO_TIME = Text("没有这个时间", "there is no such time")
_SECONDS_SQLITE = "CAST(strftime('%s', substr({}, 1, 19)) AS INTEGER)"
_INSIDE_PG = "{0} > TIMESTAMP '0001-01-03' AND {0} < TIMESTAMP '9999-12-30'"
_LOCAL_PG = "(({0} AT TIME ZONE 'UTC') AT TIME ZONE {zone})"
_LATER_PG = (
    "CASE WHEN floor(extract(epoch FROM {0})) + COUNT BETWEEN -62135596800 AND 253402300799"
    " THEN {0} + make_interval(secs => CAST(CASE WHEN COUNT BETWEEN -315537897599 AND 315537897599 THEN COUNT END AS double precision)) END"
)
MOMENT_DATE = Form(
    params(moment="datetime"),
    "date",
    moment_date,
    "",
    "CASE WHEN {0} > TIMESTAMP '0001-01-03' AND {0} < TIMESTAMP '9999-12-30' THEN CAST(({0} AT TIME ZONE 'UTC') AT TIME ZONE {zone} AS date) END",
    at=True,
    may_be_null=True,
    registered="date",
)


def _clock(name: str, doc: Text, limit: int, aliases: tuple[str, ...], *examples: tuple[str, Any]) -> Function:
    """A part of the time of day; the part is called as the function."""

    def python(at: At, moment: datetime) -> int | None:
        local = _local(at, moment)
        part: int | None = None if local is None else getattr(local, name)
        return part

    sql = f"CASE WHEN {_INSIDE_PG} THEN CAST(floor(extract({name} FROM {_LOCAL_PG})) AS bigint) END"
    form = Form(params(moment="datetime"), "integer", python, postgresql=sql, at=True, limit=limit, may_be_null=True, cause=END_OF_CALENDAR, registered=name)
    return Function(name, "date", doc, (form,), examples, aliases=aliases)


def _adding(name: str, seconds: int, doc: Text, aliases: tuple[str, ...], *examples: tuple[str, Any]) -> Function:
    postgresql = _LATER_PG.replace("COUNT", f"(CAST({{1}} AS numeric) * {seconds})")
    python: Callable[[datetime, int], datetime | None] = lambda moment, count: _later(moment, count * seconds)  # noqa: E731
    form = Form(params(moment="datetime", count="integer"), "datetime", python, postgresql=postgresql, may_be_null=True, cause=END_OF_CALENDAR, registered=name)
    return Function(name, "date", doc, (form,), examples, aliases=aliases)


_NOON = "moment(today(), 12, 30)"
FUNCTIONS = (
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
        (("hours_between(now(), now())", 0.0), ("hours_between(now(), add_hours(now(), 5))", 5.0), ("hours_between(now(), moment(today(), 9, 0))", -1.5)),
        aliases=("HOURS", "小时数", "相差小时"),
    ),
    Function(
        "minutes_between",
        "date",
        Text("从时刻 a 到时刻 b 的分钟数", "The minutes from the moment a to the moment b"),
        (
            Form(
                params(a="datetime", b="datetime"),
                "number",
                _minutes,
                f"({_SECONDS_SQLITE.format('{1}')} - {_SECONDS_SQLITE.format('{0}')}) / 60.0",
                "CAST(floor(extract(epoch FROM {1})) - floor(extract(epoch FROM {0})) AS double precision) / 60.0",
            ),
        ),
        ((f"minutes_between(now(), {_NOON})", 120.0), ("minutes_between(now(), now())", 0.0), (f"minutes_between({_NOON}, now())", -120.0)),
        aliases=("MINUTES", "分钟数", "相差分钟"),
    ),
    _clock(
        "hour",
        Text("时刻在本地时区的小时 0-23", "The hour of a moment in the organisation's zone, 0 to 23"),
        23,
        ("HOUR_OF", "小时", "几点"),
        ("hour(now())", 10),
        (f"hour({_NOON})", 12),
        ("hour(moment(today(), 25, 0))", None),
    ),
    _clock(
        "minute",
        Text("时刻的分钟 0-59", "The minute of a moment, 0 to 59"),
        59,
        ("MINUTE_OF", "分钟"),
        ("minute(now())", 30),
        (f"minute({_NOON})", 30),
        ("minute(moment(today(), 25, 0))", None),
    ),
    _clock(
        "second",
        Text("时刻的秒 0-59", "The second of a moment, 0 to 59"),
        59,
        ("SECOND_OF", "秒"),
        ("second(now())", 0),
        ("second(add_minutes(now(), 3))", 0),
        ("second(moment(today(), 25, 0))", None),
    ),
    Function(
        "time_of",
        "date",
        Text("时刻在本地时区的钟点文本，如 18:30", "The local time of day of a moment as text, such as 18:30"),
        (
            Form(
                params(moment="datetime"),
                "text",
                _time_of,
                "",
                f"CASE WHEN {_INSIDE_PG} THEN to_char({_LOCAL_PG}, 'HH24:MI') END",
                at=True,
                may_be_null=True,
                cause=END_OF_CALENDAR,
                registered="time_of",
            ),
        ),
        (("time_of(now())", "10:30"), (f"time_of({_NOON})", "12:30"), ("time_of(moment(today(), 25, 0))", None)),
        aliases=("TIMEVALUE", "TIME", "TIMENOW", "钟点", "时间"),
    ),
    Function(
        "moment",
        "date",
        Text("某日本地时间某时某分的时刻；没有这个时间则为空", "The moment of a local time of day; null when there is no such time"),
        (
            Form(
                params(day="date", hour="integer", minute="integer"),
                "datetime",
                _moment,
                "",
                "CASE WHEN {1} BETWEEN 0 AND 23 AND {2} BETWEEN 0 AND 59 AND {0} BETWEEN DATE '0001-01-03' AND DATE '9999-12-29' THEN"
                f" (CAST({{0}} AS timestamp) + make_interval(hours => {small(1)}, mins => {small(2)})) AT TIME ZONE {{zone}} AT TIME ZONE 'UTC' END",
                at=True,
                may_be_null=True,
                cause=NO_TIME,
                registered="moment",
            ),
        ),
        (("moment(today(), 10, 30) == now()", True), ("date_of(moment(date(2024, 2, 29), 23, 59))", date(2024, 2, 29)), ("moment(today(), 24, 0)", None)),
        aliases=("DATETIME", "DATETIMEVALUE", "MAKE_TIMESTAMP", "TIMESTAMP", "时刻"),
    ),
    _adding(
        "add_hours",
        3600,
        Text("若干小时之后（负数为之前）", "Some hours later (earlier when negative)"),
        ("ADDHOURS", "加小时"),
        ("hours_between(now(), add_hours(now(), 5))", 5.0),
        ("date_of(add_hours(now(), 14))", date(2024, 3, 16)),
        ("add_hours(now(), 99999999)", None),
    ),
    _adding(
        "add_minutes",
        60,
        Text("若干分钟之后（负数为之前）", "Some minutes later (earlier when negative)"),
        ("ADDMINUTES", "加分钟"),
        ("minutes_between(now(), add_minutes(now(), -90))", -90.0),
        ("minute(add_minutes(now(), 45))", 15),
        ("add_minutes(now(), 9999999999)", None),
    ),
)
