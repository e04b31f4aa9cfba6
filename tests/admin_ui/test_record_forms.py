"""Forms by document, steps and drafts, as requests see them."""

import html
from typing import Any

from server.features.forms import drafts
from server.features.records import service as records
from tests.admin_ui.conftest import CUSTOMER, Site

INTAKE = "customer_intake"


def filled(site: Site, **more: Any) -> dict[str, Any]:
    with site.work() as work:
        industry = work.catalog.get("object", "customer").fields["industry"].options[0].key
    return {**{k: v for k, v in CUSTOMER.items() if k != "lifecycle"}, "industry": industry, "name": "Pine Needle", "owner": "li", "_form": INTAKE, **more}


def test_a_form_shows_its_fields_and_stores_only_them(site: Site) -> None:
    client = site.client("li")
    text = client.get(f"/o/customer/new?form={INTAKE}").text
    assert 'id="w-name"' in text and 'id="w-contract_until"' not in text and "Step by step" in text
    answer = client.post("/o/customer/new", data=filled(site, contract_until="2099-01-01", lifecycle="lost"))
    assert answer.status_code == 303, html.unescape(answer.text)
    with site.work() as work:
        record = records.get(work, "customer", int(answer.headers["location"].rsplit("/", 1)[1]))
    assert record.values["lifecycle"] == "active"  # the preset value: the form does not show the field
    assert record.values["contract_until"] is None


def test_a_form_of_other_roles_is_not_there(site: Site) -> None:
    assert site.client("li").get("/o/customer/new?form=nothing").status_code == 404
    assert site.client("li").get("/o/complaint/new?form=complaint_public").status_code == 404  # for visitors
    assert site.client("li").post("/o/customer/new", data=filled(site, _form="nothing")).status_code == 404
    assert "Step by step" not in site.client("li").get("/o/customer/1/edit").text  # for creating only


def test_a_step_is_checked_by_itself(site: Site) -> None:
    text = html.unescape(
        site.client("li").post("/o/customer/form/live", data={"_form": INTAKE, "_step": "who", "_shape": "{}", "unified_credit_code": "1"}).text
    )
    assert 'data-step="who" data-wrong="2"' in text and 'hx-target="#w-region"' in text
    region = text.split('hx-target="#w-region"')[1].split("</hx-partial>")[0]
    assert "aria-invalid" not in region  # another step's field is not complained about yet


def test_a_draft_is_kept_offered_and_gone_with_the_save(site: Site) -> None:
    client = site.client("li")
    typed = {"name": "Half a na", "founded_on": "2019-13-01", "no_such": "x", "_form": INTAKE}
    assert client.post("/o/customer/form/draft", data=typed).status_code == 204
    assert client.post("/o/customer/form/draft", data={**typed, "name": "Half a name"}).status_code == 204
    assert "data-kept" in client.get(f"/o/customer/new?form={INTAKE}").text
    assert "data-kept" not in client.get("/o/customer/new").text  # another form
    assert "Unsaved drafts" in client.get("/").text and "Unsaved drafts" not in site.client("wang").get("/").text
    recalled = client.get(f"/o/customer/new?form={INTAKE}&draft=1").text
    assert 'value="Half a name"' in recalled and 'value="2019-13-01"' in recalled
    assert client.post("/o/customer/new", data=filled(site)).status_code == 303
    assert "data-kept" not in client.get(f"/o/customer/new?form={INTAKE}").text


def test_a_draft_of_a_record_knows_what_it_was_made_from(site: Site) -> None:
    client = site.client("li")
    assert client.post("/o/customer/form/draft", data={"_record": "1", "_version": "1", "note": "mine"}).status_code == 204
    assert client.post("/o/customer/1/edit", data={"_version": "1", "_form": "-", "note": "theirs"}).status_code == 303
    assert "data-kept" not in client.get("/o/customer/1/edit").text
    client.post("/o/customer/form/draft", data={"_record": "1", "_version": "1", "note": "mine"})
    assert 'name="_version" value="1"' in client.get("/o/customer/1/edit?draft=1").text  # so that saving it says what changed meanwhile
    assert client.post("/o/customer/form/draft/discard", data={"_record": "1", "_form": "-", "_to": "//elsewhere"}).headers["location"] == "/o/customer"
    assert "data-kept" not in client.get("/o/customer/1/edit").text


def test_drafts_of_strange_content_are_refused_or_kept_whole(site: Site) -> None:
    client = site.client("li")
    assert client.post("/o/customer/form/draft", data={"note": "\x00\x07 ok"}).status_code == 204
    kinds = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/o/customer/form/draft", content=b"note=%ED%A0%80%FF", headers=kinds).status_code == 400
    assert client.get("/o/customer/new?draft=1").status_code == 200
    assert client.post("/o/customer/form/draft", data={"note": "字" * drafts.CHARACTERS}).status_code == 413
    assert client.post("/o/customer/form/draft", data={"_record": "9" * 30, "_version": "-1"}).status_code == 204
    assert site.client("wu").post("/o/customer/form/draft", data={"note": "x"}).status_code == 403
    answer = site.client().post("/o/customer/form/draft", data={"note": "x"}, headers={"hx-request": "true"})
    assert answer.status_code == 401 and "hx-redirect" not in answer.headers
    for i in range(3):
        client.post("/o/customer/form/draft", data={"_record": str(900 + i), "note": "x"})
    assert "customer/900" not in client.get("/").text  # what cannot be saved any more is not offered
