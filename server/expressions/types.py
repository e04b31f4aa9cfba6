"""The types of the language and what a text may be checked against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from server.errors import Text


@dataclass(frozen=True, eq=False)
class Type:
    """text integer number boolean date datetime list null. A list knows its items. Integers are numbers.

    There is one of each, below, and it is equal to itself only: the checker compares types thousands of times while somebody types.
    """

    name: str
    item: str = ""  # for list: the type of its items

    def __str__(self) -> str:
        return f"list of {self.item}" if self.item else self.name


TEXT, INTEGER, NUMBER, BOOLEAN = Type("text"), Type("integer"), Type("number"), Type("boolean")
DATE, DATETIME, NULL, TEXTS = Type("date"), Type("datetime"), Type("null"), Type("list", "text")


@dataclass(frozen=True)
class Name:
    """What a name in an expression stands for. `options`: the keys a choice may have, to check literals it is compared with; `words`: their titles."""

    type: Type
    nullable: bool = True
    title: Text | None = None
    unit: str = ""
    options: tuple[str, ...] = ()
    words: Mapping[str, Text] = field(default_factory=dict, compare=False)
    length: int = 0  # the most characters of a text, where that is known


@dataclass(frozen=True)
class Scope:
    """The names an expression may use. A field of a referenced record is one dotted name ("customer.region").

    `before`: the names that also have a value from before the change at hand, for previous(x) and changed(x); None where nothing changes.
    """

    names: Mapping[str, Name] = field(default_factory=dict)
    before: frozenset[str] | None = None


@dataclass(frozen=True)
class At:
    """The evaluation's moment: `now()` is `instant`, `today()` its date in the organisation's zone. Any past moment can be given."""

    instant: datetime
    zone: ZoneInfo = ZoneInfo("UTC")

    @cached_property
    def today(self) -> date:
        return self.instant.astimezone(self.zone).date()

    @classmethod
    def end_of(cls, day: date, zone: ZoneInfo) -> "At":
        """The last second of a day in the zone: a past day is assessed with all that happened on it."""
        return cls(datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone).astimezone(UTC), zone)
