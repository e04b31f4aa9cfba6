"""What is deleted goes with its parts, waits for those that refer to it, and comes back as it was."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.features.audit.tables import audit_log
from server.features.records.deleting import deleted, fate, gone
from server.features.records.history import saves
from server.features.records.moments import Place
from server.features.records.service import create, delete, get, query, undelete
from server.storage.session import Database
from tests.features.records.company import BOSS, LI, NOW, Company, company_of


@pytest.fixture
def company(database: Database) -> Company:
    return company_of(database, "records/objects", "records/parts")


def made(here: Company, object_key: str, **values: Any) -> int:
    with here.work(BOSS) as work:
        return create(work, object_key, values)


def acme(company: Company, **more: Any) -> int:
    return made(company, "company", **{"name": "Acme", "region": "east", "nickname": "A", "owner": "li.na", **more})


def test_parts_go_along_and_come_back(company: Company) -> None:
    acme_id = acme(company)
    wu = made(company, "contact", name="Wu", company=acme_id)
    alone = made(company, "contact", name="Alone", company=acme_id)
    with company.work(BOSS) as work:
        delete(work, "contact", alone, 1)
        told = fate(work, "company", acme_id)
        assert [(r.object_type.key, r.count) for r in told.parts] == [("contact", 1)] and told.holds == ()
    with company.work(BOSS, NOW + timedelta(minutes=1)) as work:
        delete(work, "company", acme_id, 1)
        assert not query(work, "contact").rows
        shown = deleted(work, "contact")
        assert [(g.name, g.with_object, g.with_name) for g in shown] == [("Wu", "company", "Acme"), ("Alone", "", "")]
        assert gone(work, "company", acme_id).parts == 1
        with pytest.raises(Conflict, match="along with its company"):
            undelete(work, "contact", wu)
    with company.work(BOSS) as work:
        undelete(work, "company", acme_id)
        assert (get(work, "company", acme_id).version, get(work, "contact", wu).version) == (3, 3)
        assert [g.name for g in deleted(work, "contact")] == ["Alone"]  # deleted by itself before, so it stays away
        assert [s.changes[0].field for s in saves(work, "company", acme_id)][:2] == ["deleted_at", "deleted_at"]
        actions = work.session.execute(sa.select(audit_log.c.action).where(audit_log.c.object == "company")).scalars().all()
    assert actions == ["create", "delete", "undelete"]


def test_what_refers_to_a_record_or_its_parts_keeps_it(company: Company) -> None:
    acme_id = acme(company)
    made(company, "deal", deal_no="D1", amount=5, company=acme_id)
    with company.work(BOSS) as work:
        assert [(r.object_type.key, r.field.key, r.count) for r in fate(work, "company", acme_id).holds] == [("deal", "company", 1)]
    with pytest.raises(Conflict, match="1 records of Deal"), company.work(BOSS) as work:
        delete(work, "company", acme_id, 1)


def test_a_unique_value_taken_meanwhile_forbids_to_come_back(company: Company) -> None:
    acme_id = acme(company)
    with company.work(BOSS) as work:
        delete(work, "company", acme_id, 1)
    other = acme(company)
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        undelete(work, "company", acme_id)
    assert [p.code for p in error.value.problems] == ["unique"]
    with company.work(BOSS) as work:
        delete(work, "company", other, 1)
        undelete(work, "company", acme_id)
        assert get(work, "company", acme_id).name == "Acme"


def test_the_bin_is_for_who_may_delete(company: Company) -> None:
    acme_id = acme(company)
    with company.work(BOSS) as work:
        delete(work, "company", acme_id, 1)
    with company.work(LI) as work:
        with pytest.raises(Forbidden):
            deleted(work, "company")
        for refused in (gone, undelete):
            with pytest.raises(NotFound):
                refused(work, "company", acme_id)


def test_the_bin_is_read_in_pages(company: Company) -> None:
    ids = [acme(company, name=f"A{i}", nickname=f"N{i}") for i in range(5)]
    for minute, i in enumerate(ids):
        with company.work(BOSS, NOW + timedelta(minutes=minute // 2)) as work:
            delete(work, "company", i, 1)
    with company.work(BOSS) as work:
        first = deleted(work, "company", limit=3)
        rest = deleted(work, "company", Place(first[-1].at, 0, first[-1].id), limit=3)
    assert [g.id for g in (*first, *rest)] == list(reversed(ids))
