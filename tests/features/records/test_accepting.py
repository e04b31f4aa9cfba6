"""What is recognised as a good new record is one: the generated function and the rule-by-rule validation are compared, and so is what is written."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from server.expressions.types import At
from server.features.objects.engine import is_stored
from server.features.objects.kind import ObjectType
from server.features.records import service
from server.features.records.accepting import acceptor
from server.features.records.engine import examined
from server.features.records.rules import reading_of, rules
from server.features.records.tables import records_history
from server.fields.registry import FIELD_TYPES
from server.storage.dialects import canonical
from server.storage.session import Database
from tests.features.records.company import NOW, ZONE, company_of
from tests.features.records.test_engine import CATALOG, ROWS

AT = At(NOW, ZONE)
CHANNELS = ("form", "import", "api")


def compared(object_type: ObjectType, raw: Mapping[str, Any], references: Mapping[str, Any], channel: str, locked: frozenset[str] = frozenset()) -> bool:
    """Whether the generated function accepted; it must have the same values then, in the same order, and there is nothing to be said."""
    found = acceptor(CATALOG, object_type, channel, reading_of(channel, AT), locked)(raw, references, AT)
    if found is None:
        return False
    values, problems = examined(rules(CATALOG, object_type), object_type, raw, None, references, AT, channel, locked)
    assert (list(found.items()), ()) == (list(values.items()), problems)
    assert [type(v) for v in found.values()] == [type(v) for v in values.values()]
    return True


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_case_of_the_validation(channel: str) -> None:
    accepted = 0
    for case in ROWS:
        if "before" not in case:
            object_type = CATALOG.get("object", case["object"])
            accepted += compared(object_type, case["raw"], case.get("references", {}), channel, frozenset(case.get("locked", ())))
    assert accepted


CELLS: Mapping[str, tuple[Any, ...]] = {
    "company_no": ("C-00007", ""), "name": ("Acme", " 晴川 ", "", "\x00"), "nickname": ("A", "a b"), "region": ("east", "华东", "overseas", "nowhere", ""),
    "country": ("FR", ""), "visa": ("V1", ""), "credit_limit": ("300", "300.50", "1.234", "-1", 12, 12.5), "used": ("100.00", "0", "", "400"),
    "founded_on": ("2020-01-05", "2020-02-30"), "review_on": ("2026-05-01", "", None), "tags": ("key;new", ["key"]), "staff": ("12", "12.0", 12, True),
    "score": ("1.5", 1.5, "NaN"), "is_public": ("true", "是", False), "phone": ("+86 138-0013-8000", "?"), "owner": ("li.na",), "parent": (1, "1", 0),
    "free": ("1",), "stage": ("new", ""), "no_such_field": ("1",), "deal_no": ("D1", ""), "company": (1, None), "partner": (2, ""), "amount": ("10.00", ""),
    "cost": ("6.00", "", None), "closed_on": ("2026-01-31",), "reason": ("because", ""),
}  # fmt: skip


@pytest.mark.parametrize("key", ["company", "deal", "credit"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_record(key: str, data: st.DataObject) -> None:
    object_type = CATALOG.get("object", key)
    known = [k for k in CELLS if k in object_type.fields or k == "no_such_field"]
    cells = st.sampled_from(known).flatmap(lambda k: st.tuples(st.just(k), st.sampled_from(CELLS[k])))
    raw = {"name": "Acme", "region": "east", "deal_no": "D1", "amount": "10.00", "company": 1}
    raw = {k: v for k, v in raw.items() if k in object_type.fields} | dict(data.draw(st.lists(cells, max_size=5)))
    references = {"company": {"region": "east"}} if key == "deal" else {}
    locked = frozenset(data.draw(st.sampled_from([(), ("used",), ("region", "note")])))
    compared(object_type, raw, references, data.draw(st.sampled_from(CHANNELS)), locked)


def test_the_first_line_of_history_is_what_was_written(database: Database) -> None:
    company = company_of(database)
    raw = {"name": '晴"川\\', "region": "east", "credit_limit": "300.5", "used": "0", "founded_on": "2020-01-05", "tags": "key;new", "staff": "0"}
    raw |= {"score": "0.1", "is_public": "false", "phone": "+86 138-0013-8000", "note": "a\nb", "seen_at": "2026-01-01T00:00:00Z"}
    with company.work() as work:
        ids = service.create_many(work, "company", [raw, {"name": "Beta", "region": "north"}])
        object_type = work.catalog.get("object", "company")
        for record_id in ids:
            record = service.get(work, "company", record_id)
            stored = {k: f for k, f in object_type.fields.items() if is_stored(f, object_type) and record.values[k] is not None}
            changes = {k: [None, FIELD_TYPES[f.type].json(f, record.values[k])] for k, f in stored.items()}
            text = sa.type_coerce(records_history.c.changes, sa.Text())
            assert work.session.scalar(sa.select(text).where(records_history.c.record_id == record_id)) == canonical(changes)
    assert json.loads(canonical(changes))["name"] == [None, "Beta"]
