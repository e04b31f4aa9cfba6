"""The kind `indicator`: one number (or date) about a subject, from its related records, from other values of it, or of the whole population."""

from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, title_of
from server.errors import Text


@dataclass(frozen=True)
class Window:
    """Which days count: the `last` so many units up to the as-of day; with span `whole` so many calendar units that are over; with `to_date` the
    unit the as-of day lies in, so far. Months go back to the same day of the month, or to the last day of a shorter one (`windows.py`).
    """

    last: int = 1
    unit: str = "days"  # days weeks months quarters years
    span: str = ""  # "", whole, to_date


@dataclass(frozen=True)
class Previous:
    """The window before: the window that lies `back` so many units (or `windows` of its own length) earlier. Gives `<key>_prev`, `<key>_change`,
    `<key>_change_pct`; the two changes are null unless `when` (an expression over the subject and its values, `<key>_prev` included) is true.
    """

    back: int
    unit: str  # windows days weeks months quarters years
    when: str = ""


@dataclass(frozen=True)
class Indicator:
    """Three forms. Aggregate: `source` is set. Derived: `expression` over fields, other indicators and scalars of the population.
    Population: `over_population` is set: one scalar for all (sum, avg or count of `value` where `filter`), named by the key.
    """

    key: str
    title: Text
    object: str  # the subject, e.g. "customer"
    source: str = ""  # object whose records are aggregated
    join: str = ""  # field of the source that references the subject, or a chain of references to it: "order.customer"
    match: str = ""  # or: condition over the source's fields and `subject.<field>`, `subject.id`
    filter: str = ""  # condition over the source's fields (dotted references and today() allowed)
    aggregate: str = ""  # count sum avg min max first last distinct ratio median percentile stddev slope
    value: str = ""  # expression over the source (and subject.*); ratio: the numerator inside sum()
    divisor: str = ""  # ratio: the denominator inside sum()
    percent: float = 50  # percentile: how many of a hundred values lie below, e.g. 90
    scale: float = 1  # ratio: result × scale, e.g. 100 for percent
    date: str = ""  # field of the source that places a record in time; also the order of first and last
    window: Window | None = None  # None: all time (up to the as-of moment)
    previous: Previous | None = None
    expression: str = ""  # derived
    over_population: bool = False
    decimals: int = 6
    unit: str = ""
    missing: float | None = None  # what an empty aggregate or a null result means: a number that is true, or None for unknown
    missing_when: str = ""  # with `missing`: still null when this is true (over the subject and its other values)
    better: str = ""  # up, down or ""
    alarm: str = ""  # condition that marks it red on the page, e.g. "max_days_overdue > 30"


def parse(document: Document) -> Indicator:
    b = document.body
    window, previous = b.get("window"), b.get("previous")
    return Indicator(
        key=document.key,
        title=title_of(b),
        object=b["object"],
        source=b.get("source", ""),
        join=b.get("join", ""),
        match=b.get("match", ""),
        filter=b.get("filter", ""),
        aggregate=b.get("aggregate", ""),
        value=b.get("value", ""),
        divisor=b.get("divisor", ""),
        percent=b.get("percent", 50),
        scale=b.get("scale", 1),
        date=b.get("date", ""),
        window=Window(window.get("last", 1), window.get("unit", ""), window.get("span", "")) if window and any(window.values()) else None,
        previous=Previous(previous["back"], previous["unit"], previous.get("when", "")) if previous else None,
        expression=b.get("expression", ""),
        over_population=b.get("over_population", False),
        decimals=b.get("decimals", 6),
        unit=b.get("unit", ""),
        missing=b.get("missing"),
        missing_when=b.get("missing_when", ""),
        better=b.get("better", ""),
        alarm=b.get("alarm", ""),
    )


KIND = Kind("indicator", Text("指标", "Indicator"), "schemas/indicators", parse)
