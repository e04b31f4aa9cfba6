"""Values from other records: live ones are never old, snapshots stay until they are taken anew, roll-ups count; nobody sees more by way of them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from server.errors import Invalid, Text
from server.feature import Actor
from server.features.access.departments import add_department, change_department, departments
from server.features.objects.service import replant
from server.features.records.service import create, create_many, delete, form, get, history, query, refresh, update
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, LI, Company, company_of

CLERK, SOLO = Actor("qian", "钱", ("clerk",), "en"), Actor("solo", "独", ("solo",), "en")
VISIT = {"amount": "50", "day": "2026-03-01", "length": "1:30", "rating": "4"}


@pytest.fixture
def company(database: Database) -> Company:
    return company_of(database, "records/linked")


def furnish(company: Company) -> tuple[int, int, list[int]]:
    """Two clients, Acme with three visits."""
    with company.work(BOSS) as work:
        known = {"credit": "1000", "place": "hz", "secret": "x", "tags": ["ab"], "phone": "13800138000"}
        acme = create(work, "client", {"name": "Acme", "owner": "li.na", **known})
        other = create(work, "client", {"name": "Other", "owner": "chen.jie", "place": "nj"})
        visits = create_many(work, "visit", [{**VISIT, "client": acme}, {**VISIT, "client": acme, "amount": "150.25"}, {"client": acme, "rating": "5"}])
    return acme, other, visits


def values(company: Company, object_key: str, record_id: int, actor: Actor = BOSS) -> dict[str, Any]:
    with company.work(actor, write=False) as work:
        return dict(get(work, object_key, record_id).values)


def test_live_values_and_snapshots(company: Company) -> None:
    acme, other, (first, *_) = furnish(company)
    found = values(company, "visit", first)
    assert (found["client_name"], found["client_credit"], found["client_tags"]) == ("Acme", Decimal("1000.00"), ["ab"])
    assert (found["client_place"], found["place_then"], found["client_visits"]) == (["zj", "hz"], ["zj", "hz"], 3)
    assert (found["credit_then"], found["share"]) == (Decimal("1000.00"), Decimal("5.0"))
    with company.work(BOSS) as work:
        update(work, "client", acme, {"name": "Acme 2", "credit": "500.01", "place": "nb"}, 1)
    found = values(company, "visit", first)
    assert (found["client_name"], found["client_credit"], found["client_place"]) == ("Acme 2", Decimal("500.01"), ["zj", "nb"])
    assert (found["credit_then"], found["place_then"], found["share"]) == (Decimal("1000.00"), ["zj", "hz"], Decimal("5.0"))
    with company.work(BOSS) as work:
        update(work, "visit", first, {"amount": "60"}, 1)  # another change leaves the copy as it is
        assert get(work, "visit", first).values["credit_then"] == Decimal("1000.00")
        refresh(work, "visit", first, 2)
        assert get(work, "visit", first).values["credit_then"] == Decimal("500.01")
        assert {c.field for c in history(work, "visit", first) if c.version == 3} == {"credit_then", "place_then", "share"}
        refresh(work, "visit", first, 3)  # nothing to copy: nothing changed
        assert get(work, "visit", first).version == 3
        update(work, "visit", first, {"client": other}, 3)
        assert get(work, "visit", first).values["credit_then"] is None
        state = form(work, "visit", {"client": str(acme)})
    assert (state.fields["client_name"].value, state.fields["credit_then"].value) == ("Acme 2", Decimal("500.01"))
    assert state.fields["credit_then"].readonly
    with pytest.raises(Invalid) as refused, company.work(BOSS, cause="api") as work:
        update(work, "visit", first, {"credit_then": "1", "client_name": "x", "share": "1"}, 4)
    assert {(p.path, p.code) for p in refused.value.problems} == {(k, "readonly") for k in ("credit_then", "client_name", "share")}


def test_roll_ups_in_records_lists_and_rules(company: Company) -> None:
    acme, other, visits = furnish(company)
    found = values(company, "client", acme)
    assert (found["visits"], found["big_visits"], found["amount"], found["mean"]) == (3, 1, Decimal("200.25"), Decimal("100.13"))
    assert (found["last_on"], found["time"], found["stars"]) == (date(2026, 3, 1), 2 * 5400, 4.3)
    assert found["per_visit"] == 66.75
    empty = values(company, "client", other)
    assert [empty[k] for k in ("visits", "amount", "mean", "last_on", "per_visit")] == [0, Decimal("0.00"), None, None, None]
    with company.work(BOSS, write=False) as work:
        assert [r.name for r in query(work, "client", sort="-amount").rows] == ["Acme", "Other"]
        first = query(work, "client", sort="amount", limit=1)
        assert [r.name for r in query(work, "client", sort="amount", limit=1, cursor=first.next).rows] == ["Acme"]
        assert [r.name for r in query(work, "client", filter="amount > 200 and visits >= 3").rows] == ["Acme"]
        assert [r.name for r in query(work, "client", conditions=[("time", "ge", "3:00")]).rows] == ["Acme"]
        assert [r.name for r in query(work, "visit", filter='client_name == "Acme" and client_visits == 3', sort="client_credit,no").rows][0] == "V2026-001"
        assert query(work, "visit", conditions=[("client_place", "eq", "zj")]).total_capped == 3
        assert query(work, "visit", conditions=[("length", "eq", "1.5")]).total_capped == 2
        assert query(work, "visit", filter="length == 1.5 and rating >= 4").total_capped == 2
    with pytest.raises(Invalid), company.work(BOSS) as work:  # a rule of the record reads the roll-up
        update(work, "client", acme, {"credit": ""}, 1)
    with company.work(BOSS) as work:
        update(work, "client", other, {"name": "Other 2"}, 1)
        delete(work, "visit", visits[1], 1)
    assert values(company, "client", acme)["amount"] == Decimal("50.00")


def test_a_region_finds_what_lies_in_it(company: Company) -> None:
    acme, other, _ = furnish(company)
    with company.work(BOSS) as work:
        assert [r.id for r in query(work, "client", conditions=[("place", "in", "zj")]).rows] == [acme]
        assert [r.id for r in query(work, "client", filter='has(place, "js")').rows] == [other]
        assert get(work, "client", acme).display["place"] == "Zhejiang / Hangzhou"
        old = work.catalog.get("object", "client")
        place = old.fields["place"]
        moved = tuple(type(o)(o.key, o.title, o.color, "js" if o.key == "hz" else o.parent) for o in place.options)
        new = type(old)(**{**old.__dict__, "fields": {**old.fields, "place": type(place)(**{**place.__dict__, "options": moved})}})
        replant(work, old, new)
        assert [r.id for r in query(work, "client", conditions=[("place", "in", "js")]).rows] == [other, acme]


def test_numbers_begin_anew_each_year_and_have_no_gap(company: Company) -> None:
    with company.work(BOSS) as work:
        create(work, "visit", {"no": "V2026-002"})  # brought along
    with pytest.raises(Invalid), company.work(BOSS) as work:
        create_many(work, "visit", [{}, {"amount": "x"}])  # refused: its number is not lost
    for year, wanted in ((2026, "V2026-001"), (2026, "V2026-003"), (2027, "V2027-001"), (2026, "V2026-004")):
        # the year is the organisation's: in Shanghai it begins eight hours earlier
        with company.work(BOSS, datetime(year - 1, 12, 31, 17, tzinfo=UTC)) as work:
            assert get(work, "visit", create(work, "visit", {})).values["no"] == wanted
    with pytest.raises(Invalid) as refused, company.work(BOSS) as work:
        create(work, "visit", {"no": "V2026-001"})
    assert [(p.path, p.code) for p in refused.value.problems] == [("no", "unique")]


def test_nobody_sees_more_by_way_of_another_record(company: Company) -> None:
    acme, other, (first, *_) = furnish(company)
    with company.work(BOSS) as work:
        foreign = create(work, "visit", {**VISIT, "client": other, "amount": "7"})
    with company.work(LI, write=False) as work:
        mine, theirs = get(work, "visit", first), get(work, "visit", foreign)
        assert (mine.values["client_name"], theirs.values["client_name"], theirs.values["client_place"]) == ("Acme", None, None)
        assert "client_secret" not in mine.values and "secret_then" not in mine.values  # hidden there, hidden here
        assert mine.values["client_phone"] != "13800138000" and "client_phone" in mine.masked
        assert query(work, "visit", filter='client_name == "Other"').total_capped == 0
        assert form(work, "visit", {"client": str(other)}).fields["client_name"].value is None
        for name in ("client_secret", "secret_then", "client_phone"):
            for arguments in ({"sort": name}, {"filter": f"not is_empty({name})"}, {"conditions": [(name, "eq", "x")]}):
                with pytest.raises(Invalid):
                    query(work, "visit", **arguments)  # type: ignore[arg-type]
        assert "client_secret" not in form(work, "visit", {}, first).fields
    with company.work(CLERK, write=False) as work:  # may read small visits only
        found = get(work, "client", acme)
        assert (found.values["visits"], found.values["amount"]) == (1, Decimal("50.00"))
        assert query(work, "client", filter="amount > 100").total_capped == 0
    with company.work(SOLO, write=False) as work:  # may not read visits at all
        assert "visits" not in get(work, "client", acme).values
        with pytest.raises(Invalid):
            query(work, "client", sort="visits")
    with company.work(CHEN, write=False) as work:
        assert get(work, "client", other).values["visits"] == 1


def test_departments_are_a_tree_that_records_name(company: Company) -> None:
    with company.work() as work:
        add_department(work, "sales", Text("销售部", "Sales"))
        add_department(work, "east", Text("华东组", "East"), "sales")
        add_department(work, "risk", Text("风控部", "Risk"))
        with pytest.raises(Invalid) as refused:
            change_department(work, "sales", Text("销售部", ""), "east", True)
        assert [(p.path, p.code) for p in refused.value.problems] == [("parent", "cycle")]
        assert [(d.key, d.depth) for d in departments(work)] == [("risk", 0), ("sales", 0), ("east", 1)]
    with company.work(BOSS) as work:
        one, two = (create(work, "client", {"name": name, "unit": unit}) for name, unit in (("A", "east"), ("B", "risk")))
        assert get(work, "client", one).display["unit"] == "East"
        assert [r.id for r in query(work, "client", conditions=[("unit", "eq", "sales")]).rows] == [one]
        assert [r.id for r in query(work, "client", conditions=[("unit", "ne", "sales")]).rows] == [two]
        assert [r.id for r in query(work, "client", filter='unit == "risk"').rows] == [two]
    with company.work(BOSS, cause="import") as work:
        assert get(work, "client", create(work, "client", {"name": "C", "unit": "风控部"})).values["unit"] == "risk"
    with company.work() as work:
        change_department(work, "risk", Text("风控部", "Risk"), "", False)
    with company.work(BOSS) as work:
        update(work, "client", two, {"name": "B 2"}, 1)  # what is there stays
        for unit in ("risk", "nowhere"):
            with pytest.raises(Invalid) as refused:
                create(work, "client", {"name": "D", "unit": unit})
            assert [(p.path, p.code) for p in refused.value.problems] == [("unit", "department")]
