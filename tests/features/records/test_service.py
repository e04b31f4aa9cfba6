"""Records are written and looked up as a person may: rights, versions, history, races."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from server.feature import Hooks, Saved, Work
from server.features.audit.tables import audit_log
from server.features.objects.engine import tables
from server.features.records.service import create, create_many, delete, form, get, history, options, related, update, write_system
from server.features.records.tables import records_history
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, LI, NOBODY, NOW, Company, company_of


@pytest.fixture
def company(database: Database) -> Company:
    return company_of(database)


def acme(company: Company, **more: Any) -> int:
    with company.work(BOSS) as work:
        return create(work, "company", {"name": "Acme", "region": "east", "credit_limit": "1000.50", "owner": "li.na", **more})


def codes(error: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(p.path, p.code) for p in error.value.problems}


def test_created_is_what_is_read(company: Company) -> None:
    record_id = acme(company, founded_on="2026-03-01", tags=["slow", "key"], seen_at="2026-03-10T09:30", is_public="true")
    with company.work(BOSS, write=False) as work:
        record = get(work, "company", record_id)
    values = record.values
    assert (record.version, record.name, record.created_by, record.created_at) == (1, "Acme", "wang.wei", NOW)
    assert values["company_no"] == "C-00001"
    assert values["credit_limit"] == Decimal("1000.50")
    assert (values["free"], values["share"], values["used"]) == (Decimal("1000.50"), Decimal("0.0"), Decimal("0.00"))
    assert values["age_days"] == 9  # live: not stored, computed for the day of the question
    assert values["review_on"] == date(2026, 4, 9)
    assert values["seen_at"] == datetime(2026, 3, 10, 1, 30, tzinfo=UTC)  # a form's local time
    assert values["tags"] == ["key", "slow"]
    assert values["stage"] == "new"
    assert (record.display["tags"], record.display["credit_limit"], record.display["is_public"]) == ("Key account, Slow payer", "1,000.50", "Yes")
    with company.work(BOSS, NOW + timedelta(days=1), write=False) as work:
        assert get(work, "company", record_id).values["age_days"] == 10


def test_a_check_looks_at_what_was_before(company: Company) -> None:
    """The credit limit may not rise by more than half at once, and who changes it says why."""
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        create(work, "credit", {"name": "Acme", "amount": "6000"})
    assert codes(error) == {("amount", "check")}  # a new one has its own bound
    with company.work(BOSS) as work:
        record_id = create(work, "credit", {"name": "Acme", "amount": "1000"})
    for raw, wrong in (
        ({"amount": "1500.01", "reason": "growth"}, {("amount", "check")}),
        ({"amount": "1200"}, {("reason", "required")}),
        ({"name": "Bolt"}, {("name", "check")}),
        ({"amount": "", "name": "Acme"}, {("reason", "required")}),  # to null is a change too
    ):
        with pytest.raises(Invalid) as error, company.work(BOSS) as work:
            update(work, "credit", record_id, raw, 1)
        assert codes(error) == wrong, raw
    with company.work(BOSS) as work:
        update(work, "credit", record_id, {"amount": "1500", "reason": "growth"}, 1)
        update(work, "credit", record_id, {"amount": "2250", "reason": "growth"}, 2)
    with company.work(BOSS) as work:
        update(work, "credit", record_id, {"amount": "2250.00", "name": "Acme"}, 3)  # nothing changes: no reason is asked for again
        assert get(work, "credit", record_id).values["amount"] == Decimal("2250.00")


def test_a_refused_record_says_where_and_leaves_nothing(company: Company) -> None:
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        create(work, "company", {"name": " ", "region": "west", "credit_limit": "12.345", "staff": "１２"})
    assert codes(error) == {("name", "required"), ("region", "option"), ("credit_limit", "fraction"), ("staff", "type")}
    with company.work() as work:
        for table in (tables(company.catalog)["company"], records_history, audit_log):
            assert work.session.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0


def test_only_what_is_given_changes(company: Company) -> None:
    record_id = acme(company, note="first")
    with company.work(BOSS, NOW + timedelta(hours=1)) as work:
        update(work, "company", record_id, {"credit_limit": "2000"}, 1)
    with company.work(BOSS) as work:
        record = get(work, "company", record_id)
        assert (record.version, record.values["note"], record.values["free"]) == (2, "first", Decimal("2000.00"))
        changes = history(work, "company", record_id)
    assert [(c.version, c.field, c.old, c.new) for c in changes if c.version == 2] == [
        (2, "credit_limit", Decimal("1000.50"), Decimal("2000.00")),
        (2, "free", Decimal("1000.50"), Decimal("2000.00")),
    ]
    assert {c.by for c in changes} == {"wang.wei"}
    assert {c.cause for c in changes} == {"form"}


def test_nothing_new_is_no_version(company: Company) -> None:
    record_id = acme(company)
    with company.work(BOSS) as work:
        update(work, "company", record_id, {"name": " Acme ", "credit_limit": "1000.50"}, 1)
    with company.work(BOSS) as work:
        assert get(work, "company", record_id).version == 1


def test_a_lost_update_is_refused_and_says_who(company: Company) -> None:
    record_id = acme(company)
    with company.work(LI, NOW + timedelta(minutes=5)) as work:
        update(work, "company", record_id, {"note": "mine"}, 1)
    with pytest.raises(Conflict) as error, company.work(BOSS) as work:
        update(work, "company", record_id, {"note": "yours"}, 1)
    assert "li.na" in error.value.message.en
    assert "2026-03-10 10:05" in error.value.message.en


def test_many_at_once_lose_nothing(company: Company) -> None:
    """Every acknowledged increment is there in the end, every other writer was told."""
    record_id = acme(company, staff=0)

    def add_ten(_: int) -> int:
        done = 0
        while done < 10:
            try:
                with company.work(BOSS, write=False) as work:
                    seen = get(work, "company", record_id)
                with company.work(BOSS) as work:
                    update(work, "company", record_id, {"staff": seen.values["staff"] + 1}, seen.version)
                done += 1
            except Conflict:
                continue
        return done

    with ThreadPoolExecutor(4) as pool:
        acknowledged = sum(pool.map(add_ten, range(4)))
    with company.work(BOSS) as work:
        record = get(work, "company", record_id)
        versions = [v for (v,) in work.session.execute(sa.select(records_history.c.version).order_by(records_history.c.version))]
    assert record.values["staff"] == acknowledged == 40
    assert versions == list(range(1, 42))


def test_numbers_are_unique_and_without_gaps_under_concurrency(company: Company) -> None:
    def make(i: int) -> None:
        with company.work(BOSS) as work:
            create(work, "company", {"name": f"Firm {i}", "region": "east"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(20)))
    with company.work() as work:
        numbers = sorted(work.session.execute(sa.select(tables(company.catalog)["company"].c.company_no)).scalars())
    assert numbers == [f"C-{i:05d}" for i in range(1, 21)]


def test_numbers_step_over_those_an_import_brought(company: Company) -> None:
    with company.work(BOSS) as work:
        create(work, "company", {"name": "Old", "region": "east", "company_no": "C-00002"})
        made = create_many(work, "company", [{"name": f"New {i}", "region": "east"} for i in range(3)])
        assert [get(work, "company", i).values["company_no"] for i in made] == ["C-00001", "C-00003", "C-00004"]


def test_a_unique_value_is_refused_at_its_field(company: Company) -> None:
    first = acme(company, company_no="X1", nickname="A")
    with pytest.raises(Invalid) as error:
        acme(company, company_no="X1")
    assert codes(error) == {("company_no", "unique")}
    with pytest.raises(Invalid) as error:
        acme(company, nickname="A")
    assert codes(error) == {("region", "unique")}
    second = acme(company, company_no="X2")
    with pytest.raises(Invalid), company.work(BOSS) as work:
        update(work, "company", second, {"company_no": "X1"}, 1)
    with company.work(BOSS) as work:
        delete(work, "company", first, 1)
    assert acme(company, company_no="X1", nickname="A")  # a deleted record gives its number back


def test_a_race_for_a_unique_value_has_one_winner(company: Company) -> None:
    barrier = threading.Barrier(4)

    def make(_: int) -> str:
        barrier.wait()
        try:
            acme(company, company_no="SAME")
        except Invalid as error:
            return error.problems[0].code
        return "made"

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(make, range(4)))
    assert results == ["made", "unique", "unique", "unique"]


def test_references_must_exist_and_be_readable(company: Company) -> None:
    mine, others = acme(company), acme(company, owner="chen.jie", name="Other")
    deal = {"deal_no": "D1", "amount": 5}
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        create(work, "deal", {**deal, "company": 999})
    assert codes(error) == {("company", "reference")}
    with pytest.raises(Invalid) as error, company.work(LI) as work:
        create(work, "deal", {**deal, "company": others})  # the same answer as for one that is not there
    assert codes(error) == {("company", "reference")}
    with company.work(LI) as work:
        deal_id = create(work, "deal", {**deal, "company": str(mine)})
        record = get(work, "deal", deal_id)
    assert record.display["company"] == "Acme"
    assert record.values["region"] == "east"  # of another record: live
    assert record.values["cost"] == Decimal("3.00")


def test_a_check_may_look_at_the_referenced_record(company: Company) -> None:
    company_id = acme(company)
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        create(work, "deal", {"deal_no": "D1", "amount": "1000.51", "company": company_id})
    assert codes(error) == {("amount", "check")}


def test_deleting_waits_for_those_that_refer(company: Company) -> None:
    company_id = acme(company)
    with company.work(BOSS) as work:
        deal_id = create(work, "deal", {"deal_no": "D1", "amount": 5, "company": company_id})
        assert [(o.key, f, n) for o, f, n in related(work, "company", company_id)] == [("company", "parent", 0), ("deal", "company", 1), ("deal", "partner", 0)]
    with pytest.raises(Conflict, match="1 records"), company.work(BOSS) as work:
        delete(work, "company", company_id, 1)
    with company.work(BOSS) as work:
        delete(work, "deal", deal_id, 1)
        delete(work, "company", company_id, 1)
    with pytest.raises(NotFound), company.work(BOSS) as work:
        get(work, "company", company_id)
    with company.work() as work:
        actions = work.session.execute(sa.select(audit_log.c.action).order_by(audit_log.c.id)).scalars().all()
    assert actions == ["create", "create", "delete", "delete"]


def test_rights_decide_who_reads_and_writes(company: Company) -> None:
    record_id = acme(company)
    with company.work(NOBODY) as work:
        for call in (lambda: get(work, "company", record_id), lambda: create(work, "company", {"name": "x", "region": "east"})):
            with pytest.raises(Forbidden):
                call()
    with company.work(CHEN) as work:
        with pytest.raises(NotFound):
            get(work, "company", record_id)
        with pytest.raises(NotFound):
            update(work, "company", record_id, {"name": "x"}, 1)
        with pytest.raises(NotFound):
            history(work, "company", record_id)
    with company.work(LI) as work, pytest.raises(Forbidden):
        delete(work, "company", record_id, 1)
    with company.work(BOSS) as work, pytest.raises(NotFound):
        get(work, "no_such_object", 1)


def test_a_hidden_field_does_not_exist(company: Company) -> None:
    record_id = acme(company, secret="do not trust")
    with company.work(LI) as work:
        record = get(work, "company", record_id)
        assert "secret" not in record.values and "secret" not in record.display
        assert "secret" not in {c.field for c in history(work, "company", record_id)}
        assert "secret" not in form(work, "company", {}, record_id).fields
        update(work, "company", record_id, {"secret": "wiped", "note": "x"}, 1)
    with company.work(BOSS) as work:
        assert get(work, "company", record_id).values["secret"] == "do not trust"
    with pytest.raises(Invalid) as error, company.work(LI, cause="api") as work:
        update(work, "company", record_id, {"secret": "wiped"}, 2)
    with pytest.raises(Invalid) as unknown, company.work(LI, cause="api") as work:
        update(work, "company", record_id, {"sacred": "wiped"}, 2)
    assert [(p.code, p.message, p.hint) for p in error.value.problems] == [(p.code, p.message, p.hint) for p in unknown.value.problems]


def test_a_masked_field_is_covered_everywhere_and_survives_its_own_cover(company: Company) -> None:
    record_id = acme(company, phone="13800138000", controller="张三丰")
    with company.work(LI) as work:
        record = get(work, "company", record_id)
        assert (record.values["phone"], record.display["controller"]) == ("138****8000", "张**")
        assert {c.new_text for c in history(work, "company", record_id) if c.field == "phone"} == {"138****8000"}
        assert form(work, "company", {}, record_id).fields["phone"].entry == "138****8000"
        update(work, "company", record_id, {"phone": "138****8000", "controller": "张**", "note": "x"}, 1)
    with company.work(BOSS) as work:
        assert get(work, "company", record_id).values["phone"] == "13800138000"
        assert get(work, "company", record_id).values["controller"] == "张三丰"
    with company.work(LI) as work:
        update(work, "company", record_id, {"phone": "13900139000"}, 2)
    with company.work(BOSS) as work:
        assert get(work, "company", record_id).values["phone"] == "13900139000"


def test_read_only_fields_are_refused_in_json_and_never_stored_from_a_form(company: Company) -> None:
    record_id = acme(company)
    with company.work(BOSS) as work:
        update(work, "company", record_id, {"stage": "approved", "free": "5", "created_by": "me", "id": 7}, 1)
        assert get(work, "company", record_id).version == 1
    with pytest.raises(Invalid) as error, company.work(BOSS, cause="api") as work:
        update(work, "company", record_id, {"stage": "approved", "free": 5, "created_by": "me"}, 1)
    assert codes(error) == {("stage", "readonly"), ("free", "readonly"), ("created_by", "unknown_field")}
    with company.work(LI) as work:
        update(work, "company", record_id, {"credit_limit": "9"}, 1)  # read-only for this role
        assert get(work, "company", record_id).values["credit_limit"] == Decimal("1000.50")


def test_the_system_writes_what_people_may_not(company: Company) -> None:
    record_id = acme(company)
    with company.work(LI, cause="workflow") as work:
        write_system(work, "company", record_id, {"stage": "approved", "credit_limit": 2000.005})
        record = get(work, "company", record_id)
        assert (record.values["stage"], record.values["credit_limit"], record.values["free"]) == ("approved", Decimal("2000.01"), Decimal("2000.01"))
        assert {c.cause for c in history(work, "company", record_id) if c.version == 2} == {"workflow"}
        with pytest.raises(Invalid):  # the object's own checks hold for everybody
            write_system(work, "company", record_id, {"credit_limit": 2_000_000})


def test_hooks_hear_what_was_saved_in_the_same_transaction(database: Database) -> None:
    heard: list[Saved] = []

    def hook(work: Work, saved: Saved) -> None:
        heard.append(saved)
        if "veto" in str(saved.changed):
            raise AppError("no")  # type: ignore[arg-type]

    company = company_of(database, hooks=Hooks(on_saved=(hook,)))
    first = acme(company)
    with company.work(BOSS) as work:
        update(work, "company", first, {"note": "x"}, 1)
        update(work, "company", first, {"note": "x"}, 2)  # nothing changed: nothing to hear
        create_many(work, "company", [{"name": "B", "region": "east"}, {"name": "C", "region": "east"}])
    assert [(s.ids, s.changed.get(first)) for s in heard[1:2]] == [((first,), frozenset({"note"}))]
    assert heard[0].before[first] == {}
    assert heard[1].before[first]["name"] == "Acme"
    assert [len(s.ids) for s in heard] == [1, 1, 2]


def test_a_form_is_alive(company: Company) -> None:
    with company.work(BOSS, write=False) as work:
        state = form(work, "company", {}).fields
        assert not state["country"].visible and state["name"].required and state["free"].readonly
        assert (state["used"].entry, state["review_on"].entry) == ("0.00", "2026-04-09")
        state = form(work, "company", {"region": "overseas", "credit_limit": "500", "used": "50", "country": "", "review_on": ""}).fields
        assert state["country"].visible and state["country"].required and not state["visa"].visible
        assert state["free"].entry == "450.00"
        assert (state["review_on"].entry, state["review_on"].placeholder) == ("", "2026-04-09")
        state = form(work, "company", {"region": "overseas", "country": "Peru"}).fields
        assert state["visa"].visible
        bad = form(work, "company", {"credit_limit": "abc", "used": "1"})
        assert [(p.path, p.code) for p in bad.problems] == [("credit_limit", "type")]
        assert bad.fields["credit_limit"].entry == "abc"


def test_an_untouched_form_changes_nothing(company: Company) -> None:
    """What a form shows, sent back as it is, is the record: also seconds that a browser's input does not show."""
    record_id = acme(company, seen_at="2026-03-10T09:30:15.25Z", score=0.1 + 0.2, tags=["key"], note="a\nb", phone="13800138000", is_public=False)
    with company.work(BOSS) as work:
        shown = {key: s.entry for key, s in form(work, "company", {}, record_id).fields.items() if s.visible}
        update(work, "company", record_id, shown, 1)
        assert get(work, "company", record_id).version == 1
    with company.work(LI) as work:
        shown = {key: s.entry for key, s in form(work, "company", {}, record_id).fields.items() if s.visible}
        update(work, "company", record_id, shown, 1)
        assert get(work, "company", record_id).version == 1


def test_history_replayed_is_the_record(company: Company) -> None:
    record_id = acme(company, tags=["key"], seen_at="2026-03-10T09:30", score="1.5")
    with company.work(BOSS) as work:
        update(work, "company", record_id, {"tags": [], "score": "2.5", "region": "overseas", "country": "Peru"}, 1)
        update(work, "company", record_id, {"region": "north"}, 2)  # country goes out of sight and is emptied
        record = get(work, "company", record_id)
        replayed: dict[str, Any] = {}
        for change in reversed(history(work, "company", record_id)):
            assert replayed.get(change.field) == change.old
            replayed[change.field] = change.new
    stored = {k: v for k, v in record.values.items() if k != "age_days" and v is not None}
    assert {k: v for k, v in replayed.items() if v is not None} == stored
    assert record.values["country"] is None


def test_options_offer_what_may_be_read(company: Company) -> None:
    acme(company, name="Alpha"), acme(company, name="Beta", owner="chen.jie"), acme(company, name="Álamo")
    with company.work(LI, write=False) as work:
        assert [name for _, name in options(work, "company")] == ["Alpha", "Álamo"]
        assert [name for _, name in options(work, "company", "ÁLA")] == ["Álamo"]
