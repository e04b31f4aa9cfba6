"""Functions of dates and moments. A moment given where a date is wanted is its date in the organisation's zone."""

import re
from datetime import date

from server.errors import Text
from server.expressions.function import Form, Function, params
from server.expressions.functions.text import WHITE_SPACE


# PostgreSQL computes constant parts of a statement before it looks at any CASE around them: a cast must be safe by itself.
def small(at: int) -> str:
    return f"CAST(CASE WHEN {{{at}}} BETWEEN -4000000 AND 4000000 THEN {{{at}}} END AS integer)"


NOT_A_DATE = Text("文本不是日期", "the text is not a date")
BAD_DATE = Text("没有这个日期", "there is no such date")
LEAP_SQLITE = "({y} % 4 = 0 AND {y} % 100 <> 0 OR {y} % 400 = 0)"
_LEAP_PG = "(mod({y}, 4) = 0 AND mod({y}, 100) <> 0 OR mod({y}, 400) = 0)"
_DAYS = "CASE WHEN {1} = 2 THEN (CASE WHEN LEAP THEN 29 ELSE 28 END) WHEN {1} IN (4, 6, 9, 11) THEN 30 ELSE 31 END"
_VALID = f"CASE WHEN {{0}} BETWEEN 1 AND 9999 AND {{1}} BETWEEN 1 AND 12 AND {{2}} BETWEEN 1 AND ({_DAYS}) THEN "
YEAR, MONTH, DAY = "CAST(substr({0}, 1, 4) AS INTEGER)", "CAST(substr({0}, 6, 2) AS INTEGER)", "CAST(substr({0}, 9, 2) AS INTEGER)"


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def to_date(text: str) -> date | None:
    found = _WRITTEN.fullmatch(text.strip(WHITE_SPACE))
    return _date(*map(int, found.groups())) if found else None


_WRITTEN = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TRIMMED = "trim({0}, BLANKS)"
_IS_DATE_SQLITE = (
    f"(CASE WHEN {_TRIMMED} GLOB '{'[0-9]' * 4}-{'[0-9]' * 2}-{'[0-9]' * 2}' AND {_TRIMMED} >= '0001'"
    f" THEN coalesce(date({_TRIMMED}, '+0 days') = {_TRIMMED}, 0) WHEN {{0}} IS NOT NULL THEN 0 END)"
)
# substring() gives null where the pattern does not fit: no cast of anything but digits
_PARTS_PG = tuple(
    f"CAST(substring(btrim({{0}}, BLANKS) FROM '^{pattern.replace('Y', '[0-9][0-9][0-9][0-9]').replace('D', '[0-9][0-9]')}$') AS integer)"
    for pattern in ("(Y)-D-D", "Y-(D)-D", "Y-D-(D)")
)


def _is_date_pg() -> str:
    template = _VALID.replace("LEAP", _LEAP_PG.replace("{y}", "{0}")) + "true WHEN TEXT IS NOT NULL THEN false END"
    for place, part in zip(("{0}", "{1}", "{2}"), ("YEAR", "MONTH", "DAY")):
        template = template.replace(place, part)
    for part, written in zip(("YEAR", "MONTH", "DAY"), _PARTS_PG):
        template = template.replace(part, written)
    return template.replace("TEXT", "{0}")


_IS_DATE_PG = _is_date_pg()

FUNCTIONS = (
    Function(
        "today",
        "date",
        Text("评估日", "The day of the evaluation"),
        (Form((), "date", lambda at: at.today, "{today}", at=True),),
        (("today()", date(2024, 3, 15)), ("add_days(today(), 1)", date(2024, 3, 16)), ("today() == date_of(now())", True)),
        aliases=("CURRENT_DATE", "CURDATE", "今天"),
    ),
    Function(
        "now",
        "date",
        Text("评估时刻", "The moment of the evaluation"),
        (Form((), "datetime", lambda at: at.instant, "{now}", at=True),),
        (("now() == now()", True), ("date_of(now())", date(2024, 3, 15)), ("hour(now())", 10)),
        aliases=("CURRENT_TIMESTAMP", "SYSDATE", "现在"),
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
                _VALID.replace("LEAP", LEAP_SQLITE.replace("{y}", "{0}")) + "printf('%04d-%02d-%02d', {0}, {1}, {2}) END",
                _VALID.replace("LEAP", _LEAP_PG.replace("{y}", "{0}")) + f"make_date({small(0)}, {small(1)}, {small(2)}) END",
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
        aliases=("NEWDATE", "MAKE_DATE", "日期"),
    ),
    Function(
        "date_of",
        "date",
        Text("时刻在本地时区的日期", "The date of a moment in the organisation's zone"),
        (Form(params(day="date"), "date", lambda day: day, "{0}"),),
        (("date_of(now())", date(2024, 3, 15)), ("date_of(date(2024, 2, 29))", date(2024, 2, 29)), ("date_of(add_hours(now(), 24))", date(2024, 3, 16))),
        aliases=("DATEVALUE", "取日期"),
    ),
    Function(
        "to_date",
        "date",
        Text("把文本（如 2024-03-15）读作日期；不是日期则为空", "The date that a text such as 2024-03-15 says; null when it is not a date"),
        (
            Form(
                params(text="text"),
                "date",
                to_date,
                f"CASE WHEN {_IS_DATE_SQLITE} THEN trim({{0}}, BLANKS) END",
                f"CASE WHEN {_IS_DATE_PG} THEN make_date({', '.join(_PARTS_PG)}) END",
                may_be_null=True,
                cause=NOT_A_DATE,
            ),
        ),
        (
            ('to_date("2024-02-29")', date(2024, 2, 29)),
            ('to_date("2023-02-29")', None),
            ('to_date("29.2.2024")', None),
            ('to_date(" 2024-03-15 ")', date(2024, 3, 15)),
        ),
        aliases=("STR_TO_DATE", "PARSE_DATE", "CDATE", "转日期", "文本转日期"),
    ),
    Function(
        "is_date",
        "date",
        Text("文本是一个日期（如 2024-03-15）", "The text is a date such as 2024-03-15"),
        (Form(params(text="text"), "boolean", lambda text: to_date(text) is not None, _IS_DATE_SQLITE, _IS_DATE_PG),),
        (('is_date("2024-02-29")', True), ('is_date("2023-02-29")', False), ('is_date("today")', False)),
        aliases=("ISDATE", "是日期"),
    ),
)
