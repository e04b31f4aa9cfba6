"""A record that may be there already is shown before it is kept twice."""

import html

import pytest

from tests.admin_ui.conftest import Site
from tests.admin_ui.test_record_forms import filled


def twice(site: Site) -> None:
    client = site.client("li")
    typed = filled(site, name="FOGBRIDGE Precision Co., Ltd.")
    asked = client.post("/o/customer/new", data=typed)
    assert asked.status_code == 409
    text = html.unescape(asked.text)
    assert 'href="/o/customer/1"' in text and "Name the same" in text and 'name="_similar" value="1"' in text
    assert 'value="FOGBRIDGE Precision Co., Ltd."' in text
    assert client.post("/o/customer/new", data={**typed, "_similar": "2"}).status_code == 409
    assert client.post("/o/customer/new", data={**typed, "_similar": "1,x"}).status_code == 303
    made = client.get("/o/customer?q=FOGBRIDGE+Precision+Co")
    assert made.status_code == 200 and "FOGBRIDGE Precision Co" in made.text


def test_a_twin_is_shown_and_may_be_saved(site: Site) -> None:
    twice(site)


@pytest.mark.postgres
def test_a_twin_on_postgresql(postgres_site: Site) -> None:
    twice(postgres_site)


def test_records_that_one_may_not_see_are_not_given_away(site: Site) -> None:
    client = site.client("li")
    assert client.post("/o/customer/new", data=filled(site, name="Tidemark Cold Chain Ltd")).status_code == 303  # wang's customer has this name


def test_a_change_asks_only_about_what_it_changes(site: Site) -> None:
    client = site.client("li")
    assert client.post("/o/customer/2/edit", data={"_version": "1", "_form": "-", "note": "x"}).status_code == 303
    assert client.post("/o/customer/2/edit", data={"_version": "2", "_form": "-", "name": "Fogbridge Precision Inc"}).status_code == 409
    assert client.post("/o/customer/2/edit", data={"_version": "2", "_form": "-", "name": "Fogbridge Precision Inc", "_similar": "1"}).status_code == 303
