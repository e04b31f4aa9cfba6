"""Two records become one: chosen values, moved references, an address that still leads somewhere, and refusals that say why."""

from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound, Text
from server.feature import Hooks
from server.features.comments.feature import FEATURE as COMMENTS
from server.features.comments.tables import comments
from server.features.objects.engine import tables
from server.features.records.deleting import gone, kept_record
from server.features.records.history import saves
from server.features.records.merging import merge, plan
from server.features.records.service import create, get, update
from server.storage.session import Database
from tests.features.records.company import BOSS, LI, NOW, Company, company_of


@pytest.fixture
def company(database: Database) -> Company:
    company = company_of(database, "records/objects", "records/parts", hooks=Hooks(on_merged=(COMMENTS.on_merged,) if COMMENTS.on_merged else ()))
    with company.work(BOSS) as work:
        create(work, "company", {"name": "Acme", "region": "east", "nickname": "A", "owner": "li.na"})
        create(work, "company", {"name": "Acme Ltd", "region": "north", "nickname": "B", "credit_limit": "900", "owner": "li.na"})
        create(work, "company", {"name": "Child", "region": "north", "nickname": "C", "parent": 2})
        create(work, "deal", {"deal_no": "D1", "company": 2, "amount": "5"})
        create(work, "contact", {"name": "Wu", "email": "wu@example.com", "company": 2})
        work.session.execute(sa.insert(comments).values(object="company", record_id=2, at=NOW, by="li.na", text="hm"))
    return company


def column(company: Company, object_key: str, key: str) -> list[Any]:
    with company.work() as work:
        source = tables(company.catalog)[object_key]
        return list(work.session.execute(sa.select(source.c[key]).order_by(source.c.id)).scalars())


def test_everything_moves_to_the_kept_record(company: Company) -> None:
    with company.work(BOSS) as work:
        told = plan(work, "company", 1, 2)
        assert {c.field.key for c in told.choices if c.take_gone} == {"credit_limit"}
        assert [(r.object_type.key, r.field.key, r.count) for r in told.moves] == [("company", "parent", 1), ("contact", "company", 1), ("deal", "company", 1)]
        assert told.objections == ()
        merge(work, "company", 1, 2, ["credit_limit", "nickname", "region"], 1, 1)
        kept = get(work, "company", 1)
        assert (kept.name, kept.display["credit_limit"], kept.values["nickname"]) == ("Acme", "900.00", "B")  # the unique pair is free by then
        assert gone(work, "company", 2).merged_into == 1 and kept_record(work, "company", 2) == 1
        with pytest.raises(NotFound):
            get(work, "company", 2)
        last = saves(work, "company", 1)[0]
        assert last.cause == "merge" and ("@merged", "Acme Ltd") in {(c.field, c.new_text) for c in last.changes}
        assert saves(work, "deal", 1)[0].cause == "merge"
        assert work.session.execute(sa.select(comments.c.record_id)).scalars().all() == [1]
    assert column(company, "company", "parent")[2] == column(company, "deal", "company")[0] == column(company, "contact", "company")[0] == 1


def test_an_address_leads_on_through_later_merges(company: Company) -> None:
    with company.work(BOSS) as work:
        merge(work, "company", 1, 2, [], 1, 1)
        merge(work, "company", 3, 1, [], 2, 2)
        assert kept_record(work, "company", 2) == kept_record(work, "company", 1) == 3
        assert get(work, "company", 3).values["parent"] is None  # it would have become its own parent


def test_unique_keys_forbid_and_say_so(company: Company) -> None:
    with company.work(BOSS) as work:
        create(work, "contact", {"name": "Wu again", "email": "wu@example.com", "company": 1})
        assert "same Email" in plan(work, "company", 1, 2).objections[0].en
    with pytest.raises(Conflict, match="same Email"), company.work(BOSS) as work:
        merge(work, "company", 1, 2, [], 1, 1)
    assert column(company, "deal", "company") == [2]


def test_other_features_may_object(company: Company) -> None:
    company.hooks = Hooks(merge_objections=(lambda work, merged: [Text("不行", f"not {merged.gone}")],))
    with pytest.raises(Conflict, match="not 2"), company.work(BOSS) as work:
        merge(work, "company", 1, 2, [], 1, 1)


def test_it_is_refused_without_the_right_the_version_or_good_values(company: Company) -> None:
    with pytest.raises(Forbidden), company.work(LI) as work:
        merge(work, "company", 1, 2, [], 1, 1)
    with company.work(BOSS) as work:
        update(work, "company", 2, {"name": "Acme Limited"}, 1)
        update(work, "company", 1, {"used": "10", "credit_limit": "20"}, 1)
        update(work, "company", 2, {"credit_limit": "5"}, 2)
    with pytest.raises(Conflict, match="changed this record"), company.work(BOSS) as work:
        merge(work, "company", 1, 2, [], 2, 1)
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        merge(work, "company", 1, 2, ["credit_limit"], 2, 3)  # the limit would be less than what is used
    assert {p.path for p in error.value.problems} == {"used"}
    assert column(company, "deal", "company") == [2]  # nothing half done
    with pytest.raises(Invalid), company.work(BOSS) as work:
        merge(work, "company", 1, 1, [], 2, 2)
