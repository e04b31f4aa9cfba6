"""Changes of many records: the preview is what happens, refusals say why, undo gives back what was not touched since."""

from typing import Any

import pytest

from server.errors import AppError, Invalid, NotFound, TooLarge
from server.features.records import batches
from server.features.records.service import create_many, get, history, query, update
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, LI, Company, company_of

FIRM = {"region": "east", "credit_limit": 5, "secret": "s"}


@pytest.fixture
def company(database: Database) -> Company:
    it = company_of(database)
    with it.work(BOSS) as work:
        create_many(work, "company", [{**FIRM, "name": f"Firm {i}", "used": i, "owner": "li.na" if i < 4 else "chen.jie"} for i in range(6)])
    return it


def values(company: Company, name: str) -> list[Any]:
    with company.work(BOSS, write=False) as work:
        return [r.values[name] for r in query(work, "company", sort="id").rows]


def versions(company: Company) -> list[int]:
    with company.work(BOSS, write=False) as work:
        return [r.version for r in query(work, "company", sort="id").rows]


def test_a_preview_is_what_happens_and_leaves_no_trace(company: Company) -> None:
    raw = {"credit_limit": "3"}
    with company.work(BOSS) as work:
        seen = batches.preview(work, "company", "edit", [1, 2, 3, 4, 5, 6, 99], raw)
    assert versions(company) == [1] * 6
    with company.work(BOSS) as work:
        done = batches.run(work, "company", "edit", [1, 2, 3, 4, 5, 6, 99], raw)
    assert (seen.changed, seen.refused) == (done.changed, done.refused)
    assert done.changed == 4 and [r.id for r in done.refused] == [5, 6, 99]
    assert done.refused[0].name == "Firm 4" and done.refused[0].reason.en == "Used: Must not exceed the limit"
    assert versions(company) == [2, 2, 2, 2, 1, 1]


def test_undo_gives_back_what_was_not_changed_since(company: Company) -> None:
    with company.work(BOSS) as work:
        done = batches.run(work, "company", "edit", [1, 2, 3], {"region": "overseas", "country": "Peru"})
    with company.work(BOSS) as work:
        update(work, "company", 2, {"note": "called"}, 2)
    with company.work(BOSS) as work:
        back = batches.undo(work, done.batch)
    assert back.changed == 2 and [(r.id, "wang.wei changed it" in r.reason.en) for r in back.refused] == [(2, True)]
    assert values(company, "region")[:3] == ["east", "overseas", "east"]
    assert values(company, "country")[:3] == [None, "Peru", None]
    with company.work(BOSS) as work:
        assert [c.new for c in history(work, "company", 1) if c.field == "region"] == ["east", "overseas", "east"]
        assert batches.log(work, "company")[0].undone == 2
        with pytest.raises(AppError):
            batches.undo(work, done.batch)


def test_who_handed_records_over_by_mistake_takes_them_back(company: Company) -> None:
    with company.work(LI) as work:
        done = batches.run(work, "company", "assign", [1, 2, 5], {"owner": "chen.jie"})
    assert done.changed == 2 and "no such record" in done.refused[0].reason.en  # the fifth is not Li's
    with company.work(LI) as work, pytest.raises(NotFound):
        get(work, "company", 1)
    with company.work(CHEN) as work, pytest.raises(NotFound):
        batches.undo(work, done.batch)
    with company.work(LI) as work:
        assert batches.undo(work, done.batch).changed == 2
        assert get(work, "company", 1).values["owner"] == "li.na"


def test_deleting_and_bringing_back(company: Company) -> None:
    with company.work(BOSS) as work:
        create_many(work, "deal", [{"deal_no": "D1", "company": 1, "amount": 1}])
    with company.work(BOSS) as work:
        done = batches.run(work, "company", "delete", [1, 2, 3], {})
    assert done.changed == 2 and "still refer" in done.refused[0].reason.en
    assert len(values(company, "name")) == 4
    with company.work(BOSS) as work:
        assert batches.undo(work, done.batch).changed == 2
    assert values(company, "name") == [f"Firm {i}" for i in range(6)]
    with company.work(LI) as work, pytest.raises(AppError):
        batches.run(work, "company", "delete", [1], {})


def test_what_may_not_be_written_is_refused_whole(company: Company) -> None:
    for raw in ({"secret": "x"}, {"phone": "1"}, {"credit_limit": "1"}, {"free": "1"}, {"stage": "approved"}, {"nope": "1"}, {"region": "moon"}, {}):
        with company.work(LI) as work, pytest.raises(Invalid):
            batches.preview(work, "company", "edit", [1], raw)


def test_limits_and_the_log(company: Company) -> None:
    with company.work(BOSS) as work:
        with pytest.raises(TooLarge):
            batches.preview(work, "company", "edit", list(range(1, batches.BATCH_LIMIT + 2)), {"note": "x"})
        batches.run(work, "company", "edit", [1], {"secret": "hidden from staff"})
        assert batches.run(work, "company", "edit", [1], {"secret": "hidden from staff"}).batch == 0  # nothing to change, nothing to tell
    with company.work(LI, write=False) as work:
        assert batches.log(work, "company") == ()
