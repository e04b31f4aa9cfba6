"""No acknowledged change is lost and none is counted twice; the long form is `make lost-updates`."""

import pytest

from tests.admin_ui.conftest import Site
from tests.faults.lost_updates import FIELD, contend

WRITERS, ROUNDS = 8, 6


def contended(site: Site) -> None:
    address = "/api/objects/customer/records/1"
    clients = [site.client("li") for _ in range(WRITERS)]
    before = site.client("li").get(address).json()
    told = contend(clients.pop, address, WRITERS, ROUNDS)
    record = site.client("li").get(address).json()
    assert told.other == 0 and told.acknowledged + told.stale == WRITERS * ROUNDS
    assert int(record[FIELD]) == told.acknowledged == record["version"] - before["version"] >= ROUNDS
    changes = site.client("li").get(address + "/history", params={"limit": "500"}).json()["changes"]
    assert [int(c["new"]) for c in reversed(changes) if c["field"] == FIELD] == list(range(1, told.acknowledged + 1))


def test_many_writers_of_one_record(site: Site) -> None:
    contended(site)


@pytest.mark.postgres
def test_many_writers_of_one_record_on_postgresql(postgres_site: Site) -> None:
    contended(postgres_site)
