"""The shipped template on random records: every indicator, score, class and level is what is counted by hand, on either database, now and then."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.load import load_folder
from server.expressions.evaluate import evaluate
from server.expressions.types import At
from server.features.assessment.engine import outputs
from server.features.assessment.service import assess_all
from server.features.objects import engine as objects
from server.features.objects.kind import Field, ObjectType
from server.settings import data_folder
from server.storage.session import Database
from tests.features.assessing import NOW, TODAY, ZONE, House
from tests.features.brute import Brute

MANY = {"order": 150, "payment": 120, "customer": 9}


class Company:
    """Random records of any documents: each field a value of its type, references to records that are there."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self.catalog, self.r = catalog, random.Random(seed)
        self.counts = {o.key: MANY.get(o.key, 24) for o in catalog.all("object")}

    def fill(self, house: House) -> None:
        left = {o.key: o for o in self.catalog.all("object")}
        while left:
            ready = [o for o in left.values() if not {f.reference for f in o.fields.values() if f.type == "reference"} & (left.keys() - {o.key})]
            for object_type in ready or list(left.values())[:1]:
                del left[object_type.key]
                house.insert(object_type.key, *self._records(object_type))

    def _records(self, object_type: ObjectType) -> list[dict[str, Any]]:
        made = [self._record(object_type, i) for i in range(1, self.counts[object_type.key] + 1)]
        for keys in (*object_type.keys, *((f.key,) for f in object_type.fields.values() if f.unique)):
            seen: set[tuple[Any, ...]] = set()
            for record in made:
                if (value := tuple(record[k] for k in keys)) in seen:
                    record[keys[-1]] = None
                seen.add(value)
        return made

    def _record(self, object_type: ObjectType, i: int) -> dict[str, Any]:
        stored = {k: f for k, f in object_type.fields.items() if objects.is_stored(f, object_type)}
        record: dict[str, Any] = {k: None if self.r.random() < 0.1 else self._value(object_type, f, i) for k, f in stored.items()}
        for key, formula in objects.formulas(self.catalog, object_type.key).items():
            if key in stored:
                value = evaluate(formula.checked, objects.expression_values(object_type, record), At(NOW, ZONE))
                record[key] = Decimal(repr(value)) if formula.field.type == "decimal" and value is not None else value
        return {**record, "id": i, "deleted_at": NOW if self.r.random() < 0.04 else None}

    def _value(self, object_type: ObjectType, f: Field, i: int) -> Any:
        r = self.r
        if f.type == "reference":
            return r.randint(1, i - 1 if f.reference == object_type.key else self.counts[f.reference]) if i > 1 or f.reference != object_type.key else None
        day = TODAY - timedelta(days=r.choice([r.randrange(-40, 800), r.randrange(-5, 100), 30, 60, 90, 91, 180, 365, 366, 730]))
        made: Mapping[str, Any] = {
            "choice": lambda: r.choice(f.options).key if f.options else None,
            "multi_choice": lambda: [o.key for o in f.options if r.random() < 0.3] or None,
            "decimal": lambda: Decimal(r.choice([0, r.randrange(10**5), r.randrange(10**8)])) / 10**f.decimals,
            "integer": lambda: r.choice([0, 1, 2, 5, 10, 60, r.randrange(100)]),
            "number": lambda: r.choice([0.0, 1.0, 0.5, round(r.uniform(-3, 60), 3)]),
            "date": lambda: day,
            "datetime": lambda: datetime(day.year, day.month, day.day, r.choice([0, 15, 16, 23]), r.choice([0, 59]), tzinfo=UTC),
            "yes_no": lambda: r.random() < 0.5,
        }
        return made[f.type]() if f.type in made else f"{f.key} {i}" if f.type in ("text", "long_text", "serial") else None


@pytest.mark.parametrize("day", [TODAY, date(2025, 12, 31)])
def test_the_shipped_template_equals_counting_by_hand(database: Database, day: date) -> None:
    documents, problems = load_folder(data_folder("schemas"), data_folder("workflows"))
    assert not problems
    house = House(database, documents)
    with house.work() as work:
        company = Company(work.catalog, seed=day.toordinal())
    company.fill(house)
    assess_all(house.work, "customer", as_of=day)
    with house.work(write=False) as work:
        names = list(outputs(work.catalog, "customer"))
        expected = Brute(work, work.at if day == TODAY else At.end_of(day, work.zone), "customer").results()
    found = {row["record_id"]: row for row in house.rows("x_customer" if day == TODAY else "x_customer_history")}
    assert found.keys() == expected.keys() and len(names) > 100
    assert [(i, n, found[i][n], v[n]) for i, v in expected.items() for n in names if found[i][n] != v[n]] == []
