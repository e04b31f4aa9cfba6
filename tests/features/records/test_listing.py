"""Lists: search, filter, conditions, order and pages, and what rights hide from them."""

import base64
import json
import random
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import Forbidden, Invalid
from server.expressions.types import NUMBER, TEXT, Name
from server.features.records.listing import Page, all_ids, matching_ids
from server.features.records.liststate import Condition as ListCondition
from server.features.records.liststate import ListState
from server.features.records.service import create_many, delete, form, get, history, options, query
from server.features.records.totals import totals
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, CLERK, LI, NOBODY, Company, company_of

REGIONS = ("east", "north", "overseas")


def firms(count: int) -> list[dict[str, Any]]:
    dice = random.Random(7)
    return [
        {
            "name": f"Firm {i:03d}" if i % 7 else f"Ünique {i}",
            "region": REGIONS[i % 3],
            "country": "Peru" if i % 3 == 2 else None,
            "credit_limit": None if i % 5 == 0 else f"{dice.randrange(1, 40)}.50",
            "founded_on": None if i % 4 == 0 else f"20{10 + i % 9}-03-{1 + i % 28:02d}",
            "staff": i % 6,
            "tags": ["key"] if i % 2 else ["slow", "new"],
            "owner": "li.na" if i % 2 else "chen.jie",
            "phone": f"1380013{i:04d}",
            "secret": f"s{i}",
        }
        for i in range(count)
    ]


@pytest.fixture
def company(database: Database) -> Company:
    it = company_of(database)
    with it.work(BOSS) as work:
        ids = create_many(work, "company", firms(60))
        create_many(
            work, "deal", [{"deal_no": f"D{i:03d}", "company": ids[i % 20], "partner": ids[(i * 7) % 20] if i % 3 else None, "amount": 0} for i in range(50)]
        )
    return it


def listed(company: Company, actor: Any = BOSS, object_key: str = "company", **asked: Any) -> Page:
    with company.work(actor, write=False) as work:
        return query(work, object_key, **asked)


def names(page: Page) -> list[str]:
    return [r.name for r in page.rows]


def test_pages_follow_each_other_without_gap_or_repeat(company: Company) -> None:
    for sort in (
        "name",
        "-name",
        "credit_limit,-staff",
        "-founded_on",
        "staff,founded_on,-name",
        "-updated_at",
        "id",
        "-id",
        "age_days",
        "-tags,region",
        "-parent",
        "country",
        "-country",
        "region",
        "-region,name",
        "-credit_limit",
    ):
        whole = [r.id for r in listed(company, sort=sort, limit=500).rows]
        with company.work(BOSS, write=False) as work:
            assert list(all_ids(work, "company", ListState(sort=sort))) == whole, sort
        assert len(whole) == 60
        walked: list[int] = []
        cursor = ""
        while True:
            page = listed(company, sort=sort, limit=7, cursor=cursor)
            walked += [r.id for r in page.rows]
            cursor = page.next
            if not cursor:
                break
        assert walked == whole, sort


def test_order_has_empty_values_last(company: Company) -> None:
    for sort in ("credit_limit", "-credit_limit"):
        values = [r.values["credit_limit"] for r in listed(company, sort=sort, limit=500).rows]
        filled = [v for v in values if v is not None]
        assert filled == sorted(filled, reverse=sort.startswith("-"))
        assert values[len(filled) :] == [None] * 12


CONDITIONS: list[tuple[list[tuple[str, str, Any]], Any]] = [
    ([("region", "eq", "east")], lambda f: f["region"] == "east"),
    ([("region", "ne", "east")], lambda f: f["region"] != "east"),
    ([("region", "in", ["east", "north"])], lambda f: f["region"] in {"east", "north"}),
    ([("region", "in", "east,north")], lambda f: f["region"] in {"east", "north"}),
    ([("credit_limit", "ge", "20.50")], lambda f: f["credit_limit"] and float(f["credit_limit"]) >= 20.5),
    ([("credit_limit", "between", ["10", "20"])], lambda f: f["credit_limit"] and 10 <= float(f["credit_limit"]) <= 20),
    ([("credit_limit", "is_empty", None)], lambda f: f["credit_limit"] is None),
    ([("credit_limit", "not_empty", "")], lambda f: f["credit_limit"] is not None),
    ([("free", "lt", "5")], lambda f: f["credit_limit"] and float(f["credit_limit"]) < 5),
    ([("founded_on", "lt", "2015-01-01")], lambda f: f["founded_on"] and f["founded_on"] < "2015-01-01"),
    ([("name", "contains", "ÜNI")], lambda f: "Ünique" in f["name"]),
    ([("tags", "contains", "key")], lambda f: "key" in f["tags"]),
    ([("tags", "in", ["new", "key"])], lambda f: True),
    ([("age_days", "gt", 365 * 14)], lambda f: f["founded_on"] and f["founded_on"] < "2012-03-13"),
    ([("staff", "eq", 3), ("region", "eq", "east")], lambda f: f["staff"] == 3 and f["region"] == "east"),
    ([("created_at", "ge", "2026-03-10T10:00")], lambda f: True),
    ([("created_at", "gt", "2026-03-10T10:00")], lambda f: False),
    ([("parent.region", "eq", "east")], lambda f: False),
]


@pytest.mark.parametrize("case", CONDITIONS, ids=lambda c: str(c[0]))
def test_conditions(company: Company, case: Any) -> None:
    conditions, test = case
    page = listed(company, conditions=conditions, limit=500)
    assert sorted(names(page)) == sorted(f["name"] for f in firms(60) if test(f))
    assert page.total_capped == len(page.rows)


@pytest.mark.parametrize(
    "asked",
    [
        {"conditions": [("nope", "eq", 1)]},
        {"conditions": [("name", "like", "x")]},
        {"conditions": [("staff", "eq", "many")]},
        {"conditions": [("staff", "eq", "")]},
        {"conditions": [("staff", "between", "1")]},
        {"conditions": [("tags", "lt", "a")]},
        {"conditions": [("deleted_at", "is_empty", "")]},
        {"sort": "nope"},
        {"sort": "name; drop table o_company"},
        {"filter": "nope > 1"},
        {"filter": "name"},
        {"filter": "__import__('os')"},
        {"cursor": "%%%"},
        {"cursor": "bnVsbA"},
        {"cursor": "W10"},
    ],
    ids=str,
)
def test_a_bad_question_is_a_problem(company: Company, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        listed(company, **asked)


def test_filter_is_the_language(company: Company) -> None:
    page = listed(company, filter="region == 'east' and credit_limit > 20 and has(tags, 'key')", limit=500)
    expected = [f["name"] for f in firms(60) if f["region"] == "east" and f["credit_limit"] and float(f["credit_limit"]) > 20 and "key" in f["tags"]]
    assert sorted(names(page)) == sorted(expected)
    assert listed(company, LI, filter="owner == current_user").total_capped == 30
    deals = listed(company, object_key="deal", filter="company.region == 'north' and company.age_days > 0", limit=500)
    assert deals.rows
    assert {r.values["region"] for r in deals.rows} == {"north"}


def test_search_looks_into_the_search_fields(company: Company) -> None:
    assert len(listed(company, search="firm").rows) == 50  # a page
    assert names(listed(company, search="FIRM 00 1")) != []
    assert names(listed(company, search="ÜNIQUE 56")) == ["Ünique 56"]
    assert names(listed(company, search="13800130011")) == ["Firm 011"]
    assert names(listed(company, search="%")) == names(listed(company, search="_")) == []
    assert {r.display["company"] for r in listed(company, object_key="deal", search="ünique 14", limit=500).rows} == {"Ünique 14"}


def test_deleted_records_are_out_of_sight(company: Company) -> None:
    with company.work(BOSS) as work:
        record = query(work, "company", sort="-id", limit=1).rows[0]
        delete(work, "company", record.id, record.version)
    assert listed(company).total_capped == 59


def test_rows_are_those_one_may_read(company: Company) -> None:
    assert listed(company, LI).total_capped == listed(company, CHEN).total_capped == 30
    assert all(r.values["owner"] == "li.na" for r in listed(company, LI, limit=500).rows)
    with pytest.raises(Forbidden):
        listed(company, NOBODY)
    assert listed(company, CLERK, "deal").total_capped == 50
    with pytest.raises(Forbidden):
        listed(company, CLERK)


@pytest.mark.parametrize("name", ["secret", "phone", "controller"])
def test_covered_fields_cannot_be_asked_for(company: Company, name: str) -> None:
    """Hidden and masked fields: the same answer as for a field that is not there, whichever way one asks."""
    ways: list[dict[str, Any]] = [
        {"sort": name},
        {"conditions": [(name, "eq", "s1")]},
        {"conditions": [(name, "not_empty", "")]},
        {"filter": f"{name} == 's1'"},
        {"filter": f"length({name}) > 0"},
        {"filter": f"parent.{name} == 's1'"},
        {"conditions": [(f"parent.{name}", "eq", "s1")]},
        {"sort": f"parent.{name}"},
    ]
    for asked in ways:
        with pytest.raises(Invalid) as error:
            listed(company, LI, **asked)
        absent = {k: str(v).replace(name, "absents") if isinstance(v, str) else [(v[0][0].replace(name, "absents"), *v[0][1:])] for k, v in asked.items()}
        with pytest.raises(Invalid) as unknown:
            listed(company, LI, **absent)
        assert [(p.code, p.message.en.replace(name, "absents")) for p in error.value.problems] == [(p.code, p.message.en) for p in unknown.value.problems]
    assert names(listed(company, LI, search="13800130011")) == []  # the search box does not look there either
    assert all("secret" not in r.values for r in listed(company, LI).rows)
    assert all("****" in r.values["phone"] for r in listed(company, LI).rows)


def test_a_referenced_record_one_may_not_read_lends_nothing(company: Company) -> None:
    page = listed(company, CLERK, "deal", limit=500)
    assert {r.display["company"] for r in page.rows} == {f"#{r.values['company']}" for r in page.rows}
    for asked in ({"filter": "company.region == 'east'"}, {"conditions": [("company.region", "eq", "east")]}):
        with pytest.raises(Invalid):
            listed(company, CLERK, "deal", **asked)
    ours = listed(company, LI, "deal", filter="partner.staff >= 0", limit=500)  # only partners that Li may read have a number of staff for Li
    assert ours.rows
    readable = {r.id for r in listed(company, LI, limit=500).rows}
    assert {r.values["partner"] for r in ours.rows} <= readable


def test_the_number_of_statements_does_not_grow_with_the_rows(company: Company) -> None:
    for limit in (5, 49):
        with company.work(BOSS, write=False) as work, company.counted() as sent:
            assert len(query(work, "deal", limit=limit).rows) == limit
        assert len(sent) == 4, sent  # the page, the count, one for each of two reference fields
    with company.work(BOSS, write=False) as work, company.counted() as sent:
        query(work, "deal", columns=("deal_no", "company"), count=False, limit=20)
    assert len(sent) == 2


@dataclass(frozen=True)
class Results:
    table: sa.Table
    columns: dict[str, sa.ColumnElement[Any]]
    names: dict[str, Name]


def test_results_stand_beside_the_fields(company: Company) -> None:
    table = sa.Table(
        "x_company", sa.MetaData(), sa.Column("record_id", sa.BigInteger, primary_key=True), sa.Column("risk", sa.Double), sa.Column("level", sa.Text)
    )
    table.create(company.database.engine)
    with company.database.write() as connection:
        connection.execute(sa.insert(table), [{"record_id": i, "risk": float(i % 10), "level": "high" if i % 10 > 6 else "low"} for i in range(1, 41)])
    columns: dict[str, sa.ColumnElement[Any]] = {"risk": table.c.risk, "level": table.c.level}
    results = Results(table, columns, {"risk": Name(NUMBER), "level": Name(TEXT, options=("high", "low"))})
    page = listed(company, sort="-risk,name", limit=9, results=("risk", "level"), result_columns=results)
    assert [r.results["risk"] for r in page.rows] == [9.0] * 4 + [8.0] * 4 + [7.0]
    more = listed(company, sort="-risk,name", limit=500, cursor=page.next, results=("risk",), result_columns=results)
    assert len(more.rows) == 51
    assert [r.results["risk"] for r in more.rows][-20:] == [None] * 20  # not assessed yet: last
    assert listed(company, filter="level == 'high' and staff < 3", result_columns=results).total_capped > 0
    assert listed(company, conditions=[("level", "eq", "high")], result_columns=results).total_capped == 12
    assert listed(company, conditions=[("risk", "gt", "6")], result_columns=results).total_capped == 12


def test_the_count_stops_at_its_cap(company: Company) -> None:
    with company.work(BOSS) as work:
        create_many(work, "company", [{"name": f"More {i}", "region": "east"} for i in range(1000)])
    assert listed(company).total_capped == 1001


def test_a_place_of_another_order_is_refused_or_read_never_a_failure(company: Company) -> None:
    places = [
        ["x"],
        [True],
        [10**30],
        [-1.5],
        [None],
        [{"t": "2024-01-05T00:00:00"}],
        [{"d": "2024-01-05"}],
        [{"n": "1.5"}],
        [{"n": "NaN"}],
        ["\x00"],
        ["\ud800"],
    ]
    for sort in ("name", "staff", "-credit_limit", "founded_on", "region", "created_at", "id"):
        length = 1 if sort == "id" else 2
        for place in places:
            cursor = base64.urlsafe_b64encode(json.dumps([place] * length).encode()).decode()
            with suppress(Invalid):
                assert len(listed(company, sort=sort, limit=5, cursor=cursor).rows) <= 5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["name", "-staff", "credit_limit", "-founded_on", "region", "-share"]), min_size=1, max_size=3, unique_by=lambda s: s.strip("-")),
    st.integers(3, 25),
)
def test_any_order_pages_well(company: Company, keys: list[str], limit: int) -> None:
    sort = ",".join(keys)
    first = listed(company, sort=sort, limit=limit)
    second = listed(company, sort=sort, limit=limit, cursor=first.next)
    both = listed(company, sort=sort, limit=limit * 2)
    assert [r.id for r in (*first.rows, *second.rows)] == [r.id for r in both.rows]
    assert all(isinstance(r.values["credit_limit"], Decimal | None) for r in both.rows)


def test_hidden_values_leave_no_trace(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Two databases that differ in hidden and masked values only give the same answers, whatever is asked."""
    answers = []
    for number, secret in enumerate(("loyal", "fraud")):
        company = company_of(Database(f"sqlite:///{shutil.copyfile(migrated_sqlite, tmp_path / f'{number}.sqlite')}"))
        with company.work(BOSS) as work:
            rows = [{"name": f"F{i}", "region": "east", "owner": "li.na", "secret": f"{secret}{i}", "controller": "赵" + secret} for i in range(9)]
            ids = create_many(work, "company", rows)
        with company.work(LI, write=False) as work:
            page = query(work, "company", search=secret, limit=5)
            told: list[Any] = [page, query(work, "company", limit=5), query(work, "company", search="fraud")]
            told += [get(work, "company", i) for i in ids]
            told += [history(work, "company", i) for i in ids]
            told += [form(work, "company", {}, ids[0]), options(work, "company", "fraud"), options(work, "company", "loyal")]
        answers.append(repr(told))
        company.database.close()
    assert answers[0] == answers[1]


def test_totals_are_over_everything_the_list_shows(company: Company) -> None:
    state = ListState(
        conditions=(ListCondition("region", "eq", "east"),),
        totals=(("credit_limit", "sum"), ("staff", "avg"), ("free", "max"), ("name", "count"), ("age_days", "min")),
    )
    rows = [f for f in firms(60) if f["region"] == "east"]
    limits = [Decimal(f["credit_limit"]) for f in rows if f["credit_limit"]]
    with company.work(BOSS, write=False) as work:
        found = totals(work, "company", state)
        assert found["credit_limit"] == sum(limits) and found["free"] == max(limits)
        assert found["staff"] == pytest.approx(sum(f["staff"] for f in rows) / len(rows))
        assert found["name"] == len(rows) and found["age_days"] > 0
        assert totals(work, "company", replace(state, filter="staff > 100"))["credit_limit"] is None
    with company.work(LI, write=False) as work:
        mine = [Decimal(f["credit_limit"]) for f in rows if f["credit_limit"] and f["owner"] == "li.na"]
        assert totals(work, "company", state)["credit_limit"] == sum(mine)
        for name in ("secret", "phone", "nope"):
            with pytest.raises(Invalid):
                totals(work, "company", ListState(totals=((name, "count"),)))
        with pytest.raises(Invalid):
            totals(work, "company", ListState(totals=(("name", "sum"),)))


def test_options_are_in_the_order_of_the_document_and_ids_are_those_of_the_list(company: Company) -> None:
    regions = [r.values["region"] for r in listed(company, sort="-region", limit=500).rows]
    assert list(dict.fromkeys(regions)) == ["overseas", "north", "east"]
    with company.work(LI, write=False) as work:
        state = ListState(search="firm", inside=("name",), conditions=(ListCondition("region", "eq", "east"),))
        ids = matching_ids(work, "company", state, 500)
        assert ids == sorted(r.id for r in query(work, "company", search="firm", conditions=[("region", "eq", "east")], limit=500).rows)
        with pytest.raises(Invalid):
            matching_ids(work, "company", ListState(search="x", inside=("phone",)), 5)
