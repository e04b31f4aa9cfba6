"""What follows from an object document: columns, names, live fields, and the same computed values in SQL as in Python."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.document import Document
from server.expressions.types import At
from server.features.objects.engine import (
    NAME_BYTES,
    computed_order,
    expression_values,
    formulas,
    index_name,
    is_stored,
    live_fields,
    names_read,
    scope,
    table,
    tables,
    value_columns,
    worked_out,
)
from server.features.records.service import create, create_many, get, query
from server.registry import KINDS
from server.storage.session import Database
from tests.features.records.company import BOSS, NOW, ZONE, catalog_of, company_of

CATALOG = catalog_of("records/objects")


def object_of(**fields: dict[str, Any]) -> Any:
    body = {"kind": "object", "key": "thing", "schema": {"type": "object", "properties": {k: {"x-type": "integer", **f} for k, f in fields.items()}}}
    return Catalog(1, {("object", "thing"): Document("object", "thing", body)}, KINDS).get("object", "thing")


def test_a_table_has_typed_columns_keys_and_indexes() -> None:
    company, deal = table(CATALOG.get("object", "company"), CATALOG), table(CATALOG.get("object", "deal"), CATALOG)
    assert company.name == "o_company"
    assert "age_days" not in company.c and "free" in company.c  # live, stored
    assert "region" not in deal.c
    assert [str(f.column) for f in deal.c.company.foreign_keys] == ["o_company.id"]
    assert {i.name for i in company.indexes if i.unique} == {"uq_o_company_company_no", "uq_o_company_region_nickname"}
    assert {i.name for i in deal.indexes} >= {"ix_o_deal_company_id", "ix_o_deal_partner_id", "uq_o_deal_deal_no"}
    assert tables(CATALOG) is tables(CATALOG)
    assert not table(CATALOG.get("object", "deal")).c.company.foreign_keys  # alone


def test_index_names_fit_every_database() -> None:
    short, long, longer = (index_name("ix", "o_" + "客" * n, ("户" * 10,)) for n in (2, 15, 16))
    assert short == "ix_o_客客_户户户户户户户户户户"
    assert long != longer
    assert all(len(n.encode()) <= NAME_BYTES for n in (short, long, longer))


@pytest.mark.parametrize(
    ("fields", "live"),
    [
        ({"a": {}, "b": {"x-computed": "a + 1"}}, set()),
        ({"a": {}, "b": {"x-computed": "today() > a"}}, {"b"}),
        ({"a": {}, "b": {"x-computed": "c + 1"}, "c": {"x-computed": "now()"}}, {"b", "c"}),
        ({"a": {}, "b": {"x-computed": "days_since(a)"}}, {"b"}),
        ({"a": {}, "b": {"x-computed": "age_in_years(a)"}, "c": {"x-computed": "age_in_years(a, a)"}}, {"b"}),
        ({"a": {}, "b": {"x-computed": "a.x"}}, {"b"}),
        ({"a": {}, "b": {"x-computed": "id + 1"}}, {"b"}),
        ({"today": {}, "b": {"x-computed": "today + 1"}}, set()),  # a field may have any name
        ({"a": {}, "b": {"x-computed": "'today()'"}}, set()),
        ({"a": {}, "b": {"x-computed": "(("}}, set()),
    ],
)
def test_live_fields_are_those_that_change_without_a_save(fields: dict[str, dict[str, Any]], live: set[str]) -> None:
    it = object_of(**fields)
    assert live_fields(it) == live
    assert {f.key for f in it.fields.values() if not is_stored(f, it)} == live


def test_computed_fields_come_after_what_they_read() -> None:
    it = object_of(a={"x-computed": "b + c"}, b={"x-computed": "c * 2"}, c={"x-computed": "d"}, d={})
    assert [f.key for f in computed_order(it)] == ["c", "b", "a"]
    circle = object_of(a={"x-computed": "b"}, b={"x-computed": "a"})
    assert sorted(f.key for f in computed_order(circle)) == ["a", "b"]
    assert names_read("f(x) + y.z")[0] == {"x", "y"}


def test_the_scope_has_fields_system_names_and_one_step_of_references() -> None:
    names = scope(CATALOG, "deal").names
    assert {"id", "created_at", "amount", "company", "company.name", "company.id", "company.age_days", "partner.region"} <= names.keys()
    assert "company.parent.name" not in names
    assert names["company.region"].options == ("east", "north", "overseas")
    assert "company.name" not in scope(CATALOG, "deal", references=False).names


def test_sql_and_python_compute_the_same(database: Database) -> None:
    company = company_of(database)
    with company.work(BOSS) as work:
        rows = [
            {
                "name": f"F{i}",
                "region": "east",
                "credit_limit": f"{i * 37 % 101}.{i % 100:02d}",
                "used": f"{i % 7 * 3}.15" if i % 7 * 3 < i * 37 % 101 else "0",
                "founded_on": None if i % 5 == 0 else f"2020-01-{1 + i % 28:02d}",
            }
            for i in range(60)
        ]
        ids = create_many(work, "company", rows)
        create(work, "deal", {"deal_no": "D", "company": ids[1], "amount": 1})
        at = At(NOW + timedelta(days=3), ZONE)
        source = tables(work.catalog)["company"].alias()
        columns = value_columns(work.catalog, "company", source, at)
        wanted = ["free", "share", "age_days", "credit_limit", "created_at", "tags"]
        stored = {r["id"]: r for r in work.session.execute(sa.select(source.c.id, *(columns[n].label(n) for n in wanted))).mappings()}
        object_type = work.catalog.get("object", "company")
        for record in query(work, "company", limit=500).rows:
            values = expression_values(object_type, {**record.values, "id": record.id, "created_at": record.created_at})
            for name in ("free", "share", "age_days"):
                assert formulas(work.catalog, "company")[name].run(values, at) == stored[record.id][name], name
            assert values["credit_limit"] == stored[record.id]["credit_limit"]
            assert stored[record.id]["created_at"] == NOW
        assert get(work, "deal", 1).values["region"] == "east"


def test_columns_of_a_past_moment_are_those_of_that_moment(database: Database) -> None:
    company = company_of(database)
    with company.work(BOSS) as work:
        create(work, "company", {"name": "F", "region": "east", "founded_on": "2020-01-01"})
        source = tables(work.catalog)["company"]
        for at, days in ((datetime(2020, 1, 11, 15, 59, tzinfo=UTC), 10), (datetime(2020, 1, 11, 16, 1, tzinfo=UTC), 11)):  # midnight in Shanghai
            assert work.session.execute(sa.select(value_columns(work.catalog, "company", source, At(at, ZONE))["age_days"])).scalar() == days
        bound = sa.select(value_columns(work.catalog, "company", source)["age_days"])
        assert work.session.execute(bound, {"today": NOW.date(), "now": NOW.replace(tzinfo=None)}).scalar() == (NOW.date() - datetime(2020, 1, 1).date()).days


def test_the_editor_says_what_is_stored_and_what_is_live() -> None:
    client = catalog_of("records/linked").get("object", "client")
    visit = catalog_of("records/linked").get("object", "visit")
    said = {f.key: stored for f, stored, _ in (*worked_out(client), *worked_out(visit))}
    assert said["per_visit"] is False and said["visits"] is False and said["client_name"] is False
    assert said["credit_then"] is True and said["share"] is True
