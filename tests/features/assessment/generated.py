"""Documents with every aggregate over every kind of window, by every way from a record to its client; and random records for them."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from server.config.document import Document
from tests.features.assessing import MONEY, NOW, a, an_indicator, an_object, labels, options, rows

UNITS = ("days", "weeks", "months", "quarters", "years")
WINDOWS: tuple[dict[str, Any] | None, ...] = (
    None,
    *({"last": last, "unit": unit} for last, unit in ((1, "days"), (45, "days"), (2, "weeks"), (1, "months"), (3, "months"), (2, "quarters"), (1, "years"))),
    *({"unit": unit, "span": "to_date"} for unit in UNITS),
    *({"last": last, "unit": unit, "span": "whole"} for last, unit in zip((7, 1, 1, 1, 1), UNITS, strict=True)),
    {"last": 3, "unit": "months", "span": "whole"},
)
BEFORE: tuple[dict[str, Any], ...] = (
    {"back": 1, "unit": "windows"},
    {"back": 1, "unit": "years"},
    {"back": 2, "unit": "windows"},
    {"back": 1, "unit": "months"},
    {"back": 10, "unit": "days"},
)
AGGREGATES: dict[str, dict[str, Any]] = {
    "count": {},
    "sum": {"value": "amount"},
    "avg": {"value": "rate"},
    "min": {"value": "units"},
    "max": {"value": "amount - worth"},
    "distinct": {"value": "kind"},
    "ratio": {"value": "worth", "divisor": "amount", "scale": 100},
    "first": {"value": "units"},
    "last": {"value": "rate"},
    "median": {"value": "amount"},
    "percentile": {"value": "units", "percent": 90},
    "stddev": {"value": "amount"},
    "slope": {"value": "rate"},
}
WAYS: dict[str, dict[str, Any]] = {
    "direct": {"join": "client"},
    "chain": {"join": "deal.client", "filter": "deal.open or amount > 5"},
    "long_chain": {"join": "part.deal.client", "filter": 'kind != "b" and age >= 0'},
    "matched": {"match": 'segment == subject.segment or kind == "a" and amount > subject.credit'},
}
SEGMENT = {"x-type": "choice", **options("x", "y", "z")}
CHOICE = {"x-type": "choice", **options("a", "b", "c")}


def reference(to: str) -> dict[str, Any]:
    return {"x-type": "reference", "x-reference": to}


OBJECTS = [
    an_object(
        "client", {"name": "text", "segment": SEGMENT, "credit": MONEY, "active": "yes_no"}, name_field="name", assess={"when": "coalesce(active, True)"}
    ),
    an_object("deal", {"title": "text", "client": reference("client"), "open": "yes_no"}, name_field="title"),
    an_object("part", {"title": "text", "deal": reference("deal")}, name_field="title"),
    an_object(
        "line",
        {
            "no": "text",
            "client": reference("client"),
            "deal": reference("deal"),
            "part": reference("part"),
            "segment": SEGMENT,
            "kind": CHOICE,
            "amount": MONEY,
            "rate": "number",
            "units": "integer",
            "day": "date",
            "moment": "datetime",
            "age": {"x-type": "integer", "x-computed": "days_between(day, today())"},
            "worth": {"x-type": "number", "x-computed": "amount if deal.open else amount / 2"},
        },
    ),
]


def indicators(way: str, aggregates: Iterable[str], *, everything: bool) -> Iterator[Document]:
    """Each aggregate over each window; the date is a day in one and a moment in the next, the window before changes likewise. Of all pairs each of
    the ways takes its quarter, unless it is to take everything."""
    place, turn = 0, list(WAYS).index(way)
    for n, aggregate in enumerate(aggregates):
        for i, window in enumerate(WINDOWS):
            place += 1
            if not everything and (n + i) % len(WAYS) != turn:
                continue
            body: dict[str, Any] = {"source": "line", "aggregate": aggregate, **WAYS[way], **AGGREGATES[aggregate], "decimals": place % 5}
            body["date"] = ("day", "moment")[(i + place) % 2]
            if window is not None:
                body["window"] = window
            before = BEFORE[place % len(BEFORE)]
            if window is not None or before["unit"] != "windows":
                body["previous"] = before
            if place % 3 == 0:
                body["missing"] = 0
            yield an_indicator(f"{aggregate}_{i}", **body)


def rules(names: list[str]) -> list[Document]:
    """A score, a class and a level over some of the indicators."""
    bands = [{"op": ">=", "value": 3, "points": 0}, {"op": ">", "value": 0.5, "points": 41.5}, {"points": 100}]
    factors = [
        {"key": f"f{i}", "value": name, "weight": 1.1 * i + 3, "bands": bands, "missing": ("neutral", "worst", "skip")[i % 3]} for i, name in enumerate(names)
    ]
    return [
        a("score", "risk", object="client", coverage_key="risk_coverage", factors=factors),
        a("classification", "rating", object="client", classes=labels("bad", "good"), rows=rows((f"risk > 50 and {names[0]} >= 1", "bad"), ("", "good"))),
        a(
            "matrix",
            "grid",
            likelihood=labels("low", "high"),
            impact=labels("low", "high"),
            levels=labels("calm", "storm"),
            cells=[["calm", "calm"], ["calm", "storm"]],
        ),
        a(
            "risk_type",
            "leaving",
            object="client",
            matrix="grid",
            likelihood=rows(('rating == "bad"', "high"), ("", "low")),
            impact=rows((f"{names[1]} >= 2", "high"), ("", "low")),
        ),
        an_indicator("mean_risk", over_population=True, aggregate="avg", value="risk", decimals=3),
        an_indicator("above", expression="risk - mean_risk", decimals=2),
    ]


def documents(way: str, aggregates: Iterable[str] = tuple(AGGREGATES), *, everything: bool = False) -> list[Document]:
    found = list(indicators(way, aggregates, everything=everything))
    return [*OBJECTS, *found, *rules([d.key for d in found[:: max(1, len(found) // 6)]])]


# -- Records -----------------------------------------------------------------------------------------------------------------


class Records:
    """Random values, the awkward ones among them: days at month ends and around the as-of day, moments around midnight, nulls, equal values."""

    def __init__(self, seed: int, today: date, zone: ZoneInfo) -> None:
        self.r = random.Random(seed)
        self.today, self.zone = today, zone

    def maybe(self, value: Any, chance: float = 0.12) -> Any:
        return None if self.r.random() < chance else value

    def day(self) -> date:
        r = self.r
        near = r.choice([0, 1, 2, 6, 7, 13, 14, 27, 28, 29, 30, 31, 44, 45, 46, 58, 59, 60, 61, 89, 90, 91, 92, 181, 182, 364, 365, 366, 396, 730, -1, -3])
        day = self.today - timedelta(days=near if r.random() < 0.6 else r.randrange(800))
        return day.replace(day=1) - timedelta(days=r.choice([0, 1])) if r.random() < 0.3 else day

    def moment(self) -> datetime:
        r, day = self.r, self.day()
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
        return midnight + timedelta(seconds=r.choice([0, -1, 1, 3599, 3600, 7200, 86399, 86400, 82800, r.randrange(86400)]))

    def money(self) -> Decimal:
        return Decimal(self.r.choice([0, 1, 999, 100000, self.r.randrange(2_000_000)])) / 100

    def client(self, i: int) -> dict[str, Any]:
        r = self.r
        return {
            "id": i,
            "name": f"client {i}",
            "segment": self.maybe(r.choice("xyz")),
            "credit": self.maybe(self.money()),
            "active": self.maybe(r.random() < 0.9),
        }

    def deal(self, i: int, clients: int) -> dict[str, Any]:
        return {"id": i, "title": f"deal {i}", "client": self.maybe(self.r.randint(1, clients)), "open": self.maybe(self.r.random() < 0.5)}

    def part(self, i: int, deals: int) -> dict[str, Any]:
        return {"id": i, "title": f"part {i}", "deal": self.maybe(self.r.randint(1, deals))}

    def line(self, i: int, clients: int, deals: int, parts: int) -> dict[str, Any]:
        r = self.r
        return {
            "id": i,
            "no": str(i),
            "client": self.maybe(r.randint(1, clients)),
            "deal": self.maybe(r.randint(1, deals)),
            "part": self.maybe(r.randint(1, parts)),
            "segment": self.maybe(r.choice("xyz")),
            "kind": self.maybe(r.choice("abc")),
            "amount": self.maybe(self.money()),
            "rate": self.maybe(r.choice([0.1, -0.1, 2.675, 1 / 3, 1e-7, r.uniform(-5, 5), 1234.5])),
            "units": self.maybe(r.choice([0, 1, 2, 2, r.randrange(-9, 99)])),
            "day": self.maybe(self.day(), 0.05),
            "moment": self.maybe(self.moment(), 0.05),
        }

    def all(self, clients: int = 5, deals: int = 8, parts: int = 12, lines: int = 90) -> dict[str, list[dict[str, Any]]]:
        made = {
            "client": [self.client(i) for i in range(1, clients + 1)],
            "deal": [self.deal(i, clients) for i in range(1, deals + 1)],
            "part": [self.part(i, deals) for i in range(1, parts + 1)],
            "line": [self.line(i, clients, deals, parts) for i in range(1, lines + 1)],
        }
        for records in made.values():
            for record in records:
                record["deleted_at"] = NOW if self.r.random() < 0.05 else None
        return made
