"""The kind `calendar`: on which days and at which hours people work."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from server.config.document import Document
from server.config.kind import Kind, title_of
from server.errors import Text

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """From the first to the last of them, both included."""

    first: date
    last: date
    title: Text

    def within(self, first: date, last: date) -> "Days":
        """Those of them that lie there; there may be none."""
        return replace(self, first=max(self.first, first), last=min(self.last, last))

    def dates(self) -> Iterator[date]:
        yield from (self.first + i * DAY for i in range((self.last - self.first) // DAY + 1))


@dataclass(frozen=True)
class Calendar:
    """`weekdays`: 0 is Monday. `hours`: from and to within a day; none: the whole day. `on` days are worked although they lie on another weekday or
    among the days `off`."""

    key: str
    title: Text
    weekdays: frozenset[int]
    hours: tuple[tuple[timedelta, timedelta], ...]
    off: tuple[Days, ...]
    on: tuple[Days, ...]


MONDAY_TO_FRIDAY = Calendar("", Text("周一至周五", "Monday to Friday"), frozenset(range(5)), (), (), ())  # where no calendar is published


def parse(document: Document) -> Calendar:
    b = document.body
    return Calendar(
        document.key,
        title_of(b),
        frozenset(WEEKDAYS.index(day) for day in b["weekdays"]),
        tuple((clock(span["from"]), clock(span["to"])) for span in b.get("hours", ())),
        tuple(Days(date.fromisoformat(x["from"]), date.fromisoformat(x.get("to") or x["from"]), title_of(x, x["from"])) for x in b.get("off", ())),
        tuple(Days(date.fromisoformat(x["day"]), date.fromisoformat(x["day"]), title_of(x, x["day"])) for x in b.get("on", ())),
    )


def clock(text: str) -> timedelta:
    """ "08:30" as the time since midnight; "24:00" is the end of the day."""
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


KIND = Kind("calendar", Text("工作日历", "Working calendar"), "schemas/calendars", parse, icon="calendar")
