"""Lists, forms and record pages of the shipped template."""

import html
import json
import re

import pytest

from server.features.records import service as records
from tests.admin_ui.conftest import Site

NEW = {"name": "Pine Needle Heavy Works", "country": "cn", "region": "east", "lifecycle": "active", "owner": "li", "strategic_importance": "normal"}


def new_customer(site: Site) -> dict[str, str]:
    with site.work() as work:
        return {**NEW, "industry": work.catalog.get("object", "customer").fields["industry"].options[0].key}


def names(text: str) -> set[str]:
    return {html.unescape(n) for n in re.findall(r'<a class="nm" data-row[^>]*>([^<]*)</a>', text)}


# -- Lists -------------------------------------------------------------------------------------------------------------------


def test_staff_see_their_own_customers_and_reviewers_all(site: Site) -> None:
    assert names(site.client("li").get("/o/customer").text) == {"Fogbridge Precision", "Saltgrain Chemicals"}
    assert len(names(site.client("wu").get("/o/customer").text)) == 4


def test_search_filter_and_sort_are_the_address(site: Site) -> None:
    client = site.client("wu")
    assert names(client.get("/o/customer?q=fog").text) == {"Fogbridge Precision"}
    assert names(client.get("/o/customer?q=茶").text) == {"云脚茶业"}
    assert names(client.get("/o/customer?owner=wang").text) == {"Tidemark Cold Chain", "云脚茶业"}
    assert names(client.get("/o/customer?founded_on__ge=2010-01-03").text) == {"Tidemark Cold Chain", "云脚茶业"}
    text = client.get("/o/customer?owner=wang&founded_on__ge=2010-01-04&sort=-name").text
    assert "Account owner" in text and "<b>Wang</b>" in text and 'aria-sort="descending"' in text


def test_results_can_be_filtered_and_sorted_by(site: Site) -> None:
    client = site.client("wu")
    with site.work("wu") as work:
        found = records.query(work, "customer", results=("customer_class",), sort="-risk_score")
    keys = {r.results["customer_class"] for r in found.rows}
    listed = [names(client.get(f"/o/customer?customer_class={key}&sort=-risk_score").text) for key in keys]
    assert set.union(*listed) == {r.name for r in found.rows}


def test_the_condition_builder_leads_to_the_address_that_says_it(site: Site) -> None:
    client = site.client("wu")
    answer = client.get("/o/customer", params=[("f", "region"), ("op", "in"), ("v", "east"), ("v", "north"), ("q", "a")])
    assert answer.status_code == 303
    assert answer.headers["location"] == "/o/customer?q=a&region__in=east%2Cnorth"
    built = client.get("/o/customer/filter?f=founded_on").text
    assert 'type="date"' in built and "before" in built
    assert 'name="v"' not in client.get("/o/customer/filter").text


def test_a_condition_that_cannot_be_read_is_told_not_a_failure(site: Site) -> None:
    client = site.client("wu")
    for query in ("founded_on__ge=tomorrow", "no_such_field=1", "sort=no_such", "next=garbage", "filter=1%2B", "region__between=1"):
        answer = client.get("/o/customer?" + query)
        assert answer.status_code == 422, query
        assert 'role="alert"' in answer.text


def test_htmx_gets_the_listing_alone(site: Site) -> None:
    answer = site.client("wu").get("/o/customer?q=fog", headers={"hx-request": "true", "hx-request-type": "partial"})
    assert answer.text.strip().startswith('<div id="listing"')


def test_masked_and_hidden_fields_cannot_be_asked_for(site: Site) -> None:
    client = site.client("li")
    assert client.get("/o/customer?bank_account=6222020200112233").status_code == 422
    assert client.get("/o/customer?sort=bank_account").status_code == 422
    assert "actual_controller" not in client.get("/o/customer/filter").text


def test_an_empty_list_teaches(site: Site) -> None:
    assert "No complaints yet" in site.client("li").get("/o/complaint").text
    assert "No customers match" in site.client("li").get("/o/customer?q=zzzz").text


def test_a_list_asks_the_database_a_fixed_number_of_times(site: Site) -> None:
    client = site.client("wu")
    client.get("/o/customer")
    site.statements.clear()
    client.get("/o/customer")
    few = len(site.statements)
    with site.work(write=True) as work:
        for i in range(30):
            records.create(work, "customer", {**new_customer(site), "name": f"More {i}", "payment_method": "prepaid"})
    site.statements.clear()
    client.get("/o/customer")
    assert len(site.statements) == few
    assert few < 30


# -- Forms -------------------------------------------------------------------------------------------------------------------


def test_a_wrong_form_comes_back_with_all_errors_and_what_was_typed(site: Site) -> None:
    answer = site.client("li").post("/o/customer/new", data={**new_customer(site), "name": "", "unified_credit_code": "123", "founded_on": "2019-13-01"})
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert "Not saved, still to mend: <span data-left>3<" in text
    assert 'value="2019-13-01"' in text and 'value="123"' in text
    assert text.count('aria-invalid="true"') == 3


def test_a_good_form_creates_the_record(site: Site) -> None:
    client = site.client("li")
    answer = client.post("/o/customer/new", data=new_customer(site))
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert "Pine Needle Heavy Works" in page.text and "C-0000" in page.text


def test_one_cannot_create_for_somebody_else(site: Site) -> None:
    assert site.client("li").post("/o/customer/new", data={**new_customer(site), "owner": "wang"}).status_code == 403
    assert site.client("wu").get("/o/customer/new").status_code == 403


def test_the_live_form_sends_what_changed_and_nothing_else(site: Site) -> None:
    client = site.client("li")
    form = client.get("/o/customer/new").text
    shape = html.unescape(re.search(r'id="shape" value="([^"]*)"', form).group(1))  # type: ignore[union-attr]
    same = client.post("/o/customer/form/live", data={"country": "cn", "lifecycle": "prospect", "_shape": shape, "owner": "li"})
    abroad = client.post("/o/customer/form/live", data={"country": "de", "_shape": shape, "_focus": "country", "owner": "li"})
    assert 'hx-target="#w-unified_credit_code"' not in same.text
    assert 'hx-target="#w-unified_credit_code"' in abroad.text and 'id="f-registration_no"' in abroad.text
    assert 'hx-target="#w-country"' not in abroad.text
    told = client.post("/o/customer/form/live", data={"country": "cn", "unified_credit_code": "1", "_shape": shape, "_left": "unified_credit_code"})
    assert "18 characters" in told.text
    money = {"country": "cn", "registered_capital": "100", "paid_in_capital": "200", "_shape": shape, "_left": "registered_capital"}
    assert "cannot exceed" not in client.post("/o/customer/form/live", data=money).text  # nobody was told of the other field yet
    still = client.post("/o/customer/form/live", data={**money, "_wrong": "paid_in_capital name"}).text
    assert 'hx-target="#w-paid_in_capital"' not in still and 'hx-target="#w-name"' not in still  # still wrong; somebody may be typing there by now
    leaving = client.post("/o/customer/form/live", data={**money, "_wrong": "paid_in_capital", "_left": "paid_in_capital"}).text
    assert "cannot exceed" in leaving
    mended = {**money, "registered_capital": "300", "_wrong": "paid_in_capital"}
    assert 'hx-target="#w-paid_in_capital"' in client.post("/o/customer/form/live", data=mended).text
    typing = client.post("/o/customer/form/live", data={**mended, "_focus": "paid_in_capital"}).text
    assert 'hx-target="#w-paid_in_capital .err"' in typing and 'hx-target="#w-paid_in_capital"' not in typing
    assert client.post("/o/customer/form/live", data={"_shape": "broken", "country": "cn"}).status_code == 200


def test_two_people_at_one_record(site: Site) -> None:
    client, other = site.client("li"), site.client("ada")
    page = client.get("/o/customer/1/edit").text
    version = re.search(r'name="_version" value="(\d+)"', page).group(1)  # type: ignore[union-attr]
    with site.work(write=True) as work:
        records.update(work, "customer", 1, {"name": "Fogbridge Renamed"}, int(version))
    answer = client.post("/o/customer/1/edit", data={"_version": version, "name": "Fogbridge Mine"})
    text = html.unescape(answer.text)
    assert answer.status_code == 409
    assert 'value="Fogbridge Mine"' in text and "Fogbridge Renamed" in text and f'name="_version" value="{int(version) + 1}"' in text
    assert other.get("/o/customer/1").status_code == 200
    saved = client.post("/o/customer/1/edit", data={"_version": int(version) + 1, "name": "Fogbridge Mine"})
    assert saved.status_code == 303


def test_readonly_and_hidden_members_of_a_form_are_not_stored(site: Site) -> None:
    client = site.client("li")
    client.post("/o/customer/1/edit", data={"_version": "1", "credit_limit": "9999", "actual_controller": "Eve", "id": "7"})
    with site.work() as work:
        values = records.get(work, "customer", 1).values
    assert values["credit_limit"] is None and values["actual_controller"] is None


def test_a_masked_value_that_comes_back_covered_stays(site: Site) -> None:
    client = site.client("li")
    page = client.get("/o/customer/1/edit").text
    covered = html.unescape(re.search(r'id="f-bank_account"[^>]*value="([^"]*)"', page).group(1))  # type: ignore[union-attr]
    assert covered != "6222020200112233" and covered.endswith("2233")
    client.post("/o/customer/1/edit", data={"_version": "1", "bank_account": covered, "note": "seen"})
    with site.work() as work:
        record = records.get(work, "customer", 1)
    assert record.values["bank_account"] == "6222020200112233" and record.values["note"] == "seen"


def test_a_link_may_bring_values_along(site: Site) -> None:
    text = site.client("li").get("/o/complaint/new?customer=1&_back=/o/customer/1").text
    assert 'id="r-customer" value="1"' in text and "Fogbridge Precision" in text


def test_the_picker_finds_records_one_may_read(site: Site) -> None:
    client = site.client("li")
    assert "Fogbridge" in client.get("/o/customer/options?into=customer&_q_customer=fog").text
    assert "Tidemark" not in client.get("/o/customer/options?into=customer").text
    assert 'data-choose="customer"' in client.get("/o/customer/options?into=customer").text


# -- The record page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", ["", "risk", "facts", "order.customer", "complaint.customer", "tasks", "history", "no-such-tab"])
def test_every_tab_answers(site: Site, tab: str) -> None:
    for username in ("li", "wu", "sun", "ada"):
        assert site.client(username).get(f"/o/customer/1?tab={tab}").status_code == 200


def test_the_risk_tab_tells_score_reasons_and_place(site: Site) -> None:
    text = site.client("wu").get("/o/customer/1").text
    for word in ("Risk score", "weight", "Indicators", "Risk register", "Why", "Place in the matrix"):
        assert word in text


def test_the_history_shows_old_and_new(site: Site) -> None:
    client = site.client("li")
    client.post("/o/customer/1/edit", data={"_version": "1", "name": "Fogbridge Two"})
    text = client.get("/o/customer/1?tab=history").text
    assert "Fogbridge Precision" in text and "Fogbridge Two" in text and "Version 2" in text


def test_other_peoples_records_do_not_exist(site: Site) -> None:
    client = site.client("li")
    for path in ("/o/customer/3", "/o/customer/3/edit", "/o/customer/99", "/o/nothing", "/o/customer/0"):
        assert client.get(path).status_code == 404, path
    assert client.post("/o/customer/3/edit", data={"_version": "1", "name": "x"}).status_code == 404


def test_hidden_fields_are_not_on_the_page(site: Site) -> None:
    with site.work(write=True) as work:
        records.write_system(work, "customer", 1, {"actual_controller": "Mr Secret"})
    assert "Secret" not in site.client("li").get("/o/customer/1?tab=facts").text
    assert "Secret" not in site.client("li").get("/o/customer/1?tab=history").text


def test_deleting_needs_the_right_and_the_version(site: Site) -> None:
    assert site.client("li").post("/o/customer/2/delete", data={"_version": "1"}).status_code == 403
    admin = site.client("ada")
    assert admin.post("/o/customer/2/delete", data={"_version": "9"}).status_code in {403, 409}


def test_search_over_everything(site: Site) -> None:
    text = site.client("li").get("/search?q=fog").text
    assert "Fogbridge Precision" in text
    assert "Tidemark" not in site.client("li").get("/search?q=tidemark").text.replace('value="tidemark"', "").replace("tidemark", "")


def test_chart_data_is_json(site: Site) -> None:
    text = site.client("wu").get("/o/customer/1").text
    found = re.search(r'<script type="application/json" id="score-data">(.*?)</script>', text, re.S)
    if found:
        assert json.loads(found.group(1))["type"] == "line"
