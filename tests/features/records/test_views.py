"""Saved views: whose they are, whom they reach, which one a list opens with."""

from dataclasses import replace

import pytest

from server.errors import Forbidden, Invalid, NotFound
from server.feature import Actor
from server.features.records import views
from server.features.records.liststate import Condition, ListState, from_json, to_json
from server.storage.session import Database
from tests.features.records.company import BOSS, CHEN, CLERK, LI, Company, company_of

EAST = ListState(conditions=(Condition("region", "in", "east,north"),), sort="-staff", columns=("staff", "region"), widths=(("staff", 90),), frozen=2)


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return company_of(sqlite_database)


def test_a_state_survives_being_kept() -> None:
    full = ListState("a", ("name",), EAST.conditions, "staff > 1", "name", ("staff",), (("staff", 90),), 1, (("staff", "sum"),), "board", "region")
    for state in (ListState(), EAST, full):
        assert from_json(to_json(state)) == state
    assert full.asks == {"name", "region", "staff"}


def test_mine_shared_and_of_others(company: Company) -> None:
    with company.work(LI) as work:
        mine = views.create(work, "company", " My  east ", EAST)
        shared = views.create(work, "company", "East for all", EAST, shared=True)
    with company.work(CHEN) as work:
        assert [v.id for v in views.views(work, "company")] == [shared]
        with pytest.raises(NotFound):
            views.get(work, "company", mine)
        with pytest.raises(Forbidden):
            views.update(work, "company", shared, name="x")
        with pytest.raises(Forbidden):
            views.delete(work, "company", shared)
    with company.work(LI) as work:
        views.update(work, "company", mine, state=replace(EAST, sort="name"), name="Renamed")
        assert views.get(work, "company", mine).state.sort == "name"
        views.delete(work, "company", mine)
        assert [v.name for v in views.views(work, "company")] == ["East for all"]
        for name in ("", " ", "x" * 61, "a\x07"):
            with pytest.raises(Invalid):
                views.create(work, "company", name, EAST)
    with company.work(CLERK) as work, pytest.raises(Forbidden):
        views.views(work, "company")


@pytest.mark.parametrize(
    "state",
    [
        ListState(conditions=(Condition("secret", "eq", "s"),)),
        ListState(filter="phone == '1'"),
        ListState(sort="-secret"),
        ListState(inside=("phone",), search="1"),
        ListState(totals=(("secret", "count"),)),
        ListState(shape="board", by="secret"),
    ],
    ids=str,
)
def test_a_view_that_asks_for_what_is_hidden_is_not_shown(company: Company, state: ListState) -> None:
    with company.work(BOSS) as work:
        views.create(work, "company", "the boss's", state, shared=True)
    with company.work(LI) as work:
        assert views.views(work, "company") == ()


def test_which_view_a_list_opens_with(company: Company) -> None:
    admin = Actor("root", "root", ("boss", "studio"), "en")
    with company.work(LI) as work:
        one = views.create(work, "company", "One", EAST, shared=True)
        two = views.create(work, "company", "Two", EAST)
        with pytest.raises(Forbidden):
            views.open_roles_with(work, "company", one, ["staff"])
    with company.work() as work:
        views.open_roles_with(work, "company", one, ["staff"])
    for actor, opened in ((LI, one), (CHEN, one), (admin, None)):
        with company.work(actor) as work:
            found = views.opening(work, views.views(work, "company"))
            assert (found.id if found else None) == opened
    with company.work(LI) as work:
        views.open_with(work, "company", two, True)
        assert views.opening(work, views.views(work, "company")).id == two  # type: ignore[union-attr]
        views.open_with(work, "company", two, False)
        views.update(work, "company", one, shared=False)
    with company.work(CHEN) as work:
        assert views.opening(work, views.views(work, "company")) is None
