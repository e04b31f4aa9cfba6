"""A name that a document gives to every record of an assessed object: an indicator, a score, a class, a level."""

from dataclasses import dataclass

from server.errors import Text
from server.expressions.types import NUMBER, Name, Type


@dataclass(frozen=True)
class Output:
    name: str
    title: Text
    kind: str  # of the document that gives it
    document: str  # key of that document
    type: Type = NUMBER
    decimals: int | None = None  # a number is rounded to these before anything compares it
    unit: str = ""
    options: tuple[tuple[str, Text], ...] = ()  # of a class, a level, a label: key and title, in the document's order
    part: str = ""  # what of the document: "" its value, else prev, change, change_pct, coverage, likelihood, impact, count
    reads: frozenset[str] = frozenset()  # names it is made from
    infer: str = ""  # expression whose type is the output's, when only the other outputs tell
    population: bool = False  # one value for all records: a name in expressions, not a column of the results
    ages: bool = False  # a number of days that grows by one each day while nothing happens

    @property
    def as_name(self) -> Name:
        return Name(self.type, True, self.title, self.unit, tuple(key for key, _ in self.options), dict(self.options))
