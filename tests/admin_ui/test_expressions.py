"""The expression editor's endpoint: rows, text and problems of one expression of a document, tried on a record. Nothing is saved."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from server.features.assessment.service import assess_all
from tests.admin_ui.conftest import Site

ALERT = "/studio/doc/alert/payment_slowing/expression"
LESS = {"field": "days_since_last_order", "operator": "greater", "value": 30}


def ask(client: TestClient, url: str = ALERT, path: str = "/when", **given: str) -> Response:
    """With the document's own form, as the page sends it."""
    page = client.get(url.removesuffix("/expression")).text
    assert f'data-xp="{path}"' in page
    return client.post(url, data={"/object": "customer", "expression.path": path, **ALERT_FORM, **{f"expression.{k}": v for k, v in given.items()}})


ALERT_FORM = {
    "/title/zh_CN": "慢",
    "/title/en": "Slow",
    "/severity": "warning",
    "/message/zh_CN": "慢",
    "/message/en": "Slow",
    "/recipients#": "1",
    "/recipients/0/to": "owner",
    "/when": "True",
    "/respond_hours": "24",
}


def answer(response: Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def test_text_becomes_rows_and_rows_become_text(site: Site) -> None:
    client = site.client("ada")
    found = answer(ask(client, text="days_since_last_order > 30 and (lifecycle == 'active' or not is_empty(region))", names="1"))
    assert found["ok"] and found["problems"] == [] and found["boolean"]
    assert found["tree"]["all"][0] == LESS
    names = {n["name"]: n for n in found["names"]}
    assert names["days_since_last_order"]["title"] == "Days since the last order" and names["days_since_last_order"]["unit"] == "days"
    assert ["active", "Active"] in names["lifecycle"]["options"]
    assert {"ISBLANK"} <= {a for f in found["functions"] for a in f["aliases"]} and found["can_try"]
    back = answer(ask(client, tree=json.dumps(found["tree"])))
    assert back["text"] == 'days_since_last_order > 30 and (lifecycle == "active" or not is_empty(region))' and back["tree"] == found["tree"]


def test_what_has_no_rows_says_so(site: Site) -> None:
    found = answer(ask(site.client("ada"), text="order_amount_90d * 2 > order_amount_365d"))
    assert found["ok"] and found["tree"] is None and found["odd"]["reason"] and found["odd"]["start"] == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("days_since_last_ordr > 3", "Did you mean days_since_last_order"),
        ("region", "condition"),
        ("1 +", ""),
        ("x" * 5000, "4000"),
        ("\ud83d" * 3, ""),
        ("lifecycle == 'lost_'", ""),
    ],
)
def test_problems_have_a_place_and_a_way_out(site: Site, text: str, code: str) -> None:
    found = answer(ask(site.client("ada"), text=text.encode("utf-8", "replace").decode()))
    assert not found["ok"] and found["problems"] and code in json.dumps(found["problems"])
    assert all(p["start"] is not None for p in found["problems"])


@pytest.mark.parametrize(
    "tree", ["", "{", "[]", "null", "[" * 5000, '{"all": []}', '{"field": "region", "operator": "less", "value": {}}', '{"all": [{"field": 1}]}', '{"x": NaN}']
)
def test_a_bad_tree_is_told(site: Site, tree: str) -> None:
    found = answer(ask(site.client("ada"), tree=tree))
    assert not found["ok"] and found["problems"][0]["message"]


def test_an_empty_place_is_known_too(site: Site) -> None:
    found = answer(ask(site.client("ada"), path="/clear", text="", names="1"))
    assert found["boolean"] and not found["ok"] and found["problems"] == [] and len(found["names"]) > 100


def test_places_that_are_none(site: Site) -> None:
    client = site.client("ada")
    assert client.post(ALERT, data={**ALERT_FORM, "/object": "customer", "expression.path": "/nowhere", "expression.text": "True"}).status_code == 422
    assert client.post(ALERT, data={"expression.path": "/when", "expression.text": "True"}).status_code == 422
    assert client.post("/studio/doc/alert/nobody/expression", data={}).status_code == 404
    assert client.post("/studio/doc/nothing/x/expression", data={}).status_code == 404


def test_only_who_may_edit_documents(site: Site) -> None:
    assert site.client("li").post(ALERT, data={"expression.path": "/when"}).status_code == 403
    assert site.client().post(ALERT, data={"expression.path": "/when"}).status_code == 303


def test_tried_on_a_record(site: Site) -> None:
    assess_all(lambda: site.work(write=True), "customer")
    client = site.client("ada")
    offered = answer(ask(client, text="True", search=""))["records"]
    assert offered and all(r["name"] for r in offered)
    found = answer(
        ask(client, text="order_count_365d > 100000 or region == 'nowhere' or 1 / 0 > 2".replace(" or region == 'nowhere'", ""), record=str(offered[0]["id"]))
    )
    trial = found["trial"]
    assert trial["name"] == offered[0]["name"] and trial["met"] is None and trial["sentence"]
    assert "division by zero" in [line["cause"] for line in trial["lines"]]
    met = answer(ask(client, text="order_count_365d < 100000", record=str(offered[0]["id"])))["trial"]
    assert met["met"] in (True, None)
    for nobody in ("999999", "x", "-1", "1" * 30):
        assert answer(ask(client, text="True", record=nobody))["trial"]["refused"]
