"""An earlier state comes back field by field or whole, and only as far as the person may write it."""

import pytest

from server.errors import Conflict, Invalid, NotFound
from server.features.records.history import saves
from server.features.records.restoring import differences, restore
from server.features.records.service import create, get, update
from server.storage.session import Database
from tests.features.records.company import BOSS, LI, Company, company_of


@pytest.fixture
def company(database: Database) -> Company:
    company = company_of(database)
    with company.work(BOSS) as work:
        create(work, "company", {"name": "Acme", "region": "east", "credit_limit": "1000.50", "tags": ["key"], "owner": "li.na", "secret": "s1"})
        update(work, "company", 1, {"name": "Bolt", "credit_limit": "2000", "tags": [], "secret": "s2"}, 1)
        update(work, "company", 1, {"name": "Cord", "founded_on": "2020-02-29"}, 2)
    return company


def test_one_field_comes_back(company: Company) -> None:
    with company.work(BOSS) as work:
        assert restore(work, "company", 1, 1, 3, ["name"]) == 1
        record = get(work, "company", 1)
        assert (record.name, record.version, record.display["credit_limit"]) == ("Acme", 4, "2,000.00")
        last = saves(work, "company", 1)[0]
        assert (last.cause, [(c.field, c.old, c.new) for c in last.changes]) == ("restore", [("name", "Cord", "Acme")])


def test_a_whole_version_comes_back(company: Company) -> None:
    with company.work(BOSS) as work:
        told = {d.field.key: (d.then, d.now, d.blocked is None) for d in differences(work, "company", 1, 1)}
        assert told["name"] == ("Acme", "Cord", True) and told["tags"] == ("Key account", "", True) and not told["free"][2]
        restore(work, "company", 1, 1, 3)
        assert differences(work, "company", 1, 1) == []
        assert get(work, "company", 1).values["founded_on"] is None


def test_only_what_one_may_write_and_see(company: Company) -> None:
    with company.work(LI) as work:
        assert "secret" not in {d.field.key for d in differences(work, "company", 1, 1)}
        assert next(d for d in differences(work, "company", 1, 1) if d.field.key == "credit_limit").blocked
        with pytest.raises(Invalid):
            restore(work, "company", 1, 1, 3, ["credit_limit"])
        restore(work, "company", 1, 1, 3, ["secret"])  # a field that is not there for her: nothing to do
        restore(work, "company", 1, 1, 3)
    with company.work(BOSS) as work:
        values = get(work, "company", 1).values
    assert (values["name"], str(values["credit_limit"]), values["secret"]) == ("Acme", "2000.00", "s2")


def test_it_is_validated_and_not_blind(company: Company) -> None:
    with company.work(BOSS) as work:
        update(work, "company", 1, {"credit_limit": "500000", "used": "3000"}, 3)
    with pytest.raises(Invalid) as error, company.work(BOSS) as work:
        restore(work, "company", 1, 3, 4, ["credit_limit"])  # 2,000, less than what is used by now
    assert {p.path for p in error.value.problems} == {"used"}
    with pytest.raises(Conflict), company.work(BOSS) as work:
        restore(work, "company", 1, 1, 3, ["name"])
    with pytest.raises(NotFound), company.work(BOSS) as work:
        restore(work, "company", 1, 9, 4)
