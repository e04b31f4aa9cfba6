"""Lists as pages: views, columns, conditions in words, totals; and what the address says about them."""

import html
import re

from starlette.datastructures import QueryParams

from admin_ui.address import read, state_of, state_parameters
from server.features.records import service as records
from server.features.records.liststate import Condition, ListState
from tests.admin_ui.conftest import CUSTOMER, Site
from tests.admin_ui.test_records import names


def heads(text: str) -> list[str]:
    return re.findall(r'data-column="([^"]+)"', text)


def test_an_address_says_the_whole_state_and_reads_back() -> None:
    state = ListState(
        "fog", ("name",), (Condition("region", "in", "east,north"), Condition("cols", "eq", "x"), Condition("note", "is_empty", "")), "1 < 2", "-name",
        ("owner",), (("owner", 120),), 2, (("limit_now", "sum"),), "board", "region",
    )  # fmt: skip
    address = read("customer", _params(state))
    assert address.state == state
    assert state_of(address.query) == state
    assert read("customer", _params(state, width="owner:9999,x,name:abc", freeze="99", shape="tree", totals="a:median")).state.widths == (("owner", 800),)


def _params(state: ListState, **more: str) -> QueryParams:
    return QueryParams([*((k, v) for k, v in state_parameters(state) if k not in more), *more.items()])


def test_a_view_is_kept_changed_shared_and_opened_with(site: Site) -> None:
    client, other = site.client("wu"), site.client("sun")
    saved = client.post("/o/customer/views", data={"name": "East by score", "state": "region=east&sort=-risk_score&cols=owner", "shared": "1"})
    path = saved.headers["location"]
    page = client.get(path).text
    assert heads(page) == ["name", "owner"] and 'aria-current="true"' in page and "View changed" not in page
    assert heads(other.get(path).text) == ["name", "owner"]  # its address can be sent to a colleague
    changed = client.get(f"{path}&changed=1&region=east&sort=name&cols=owner").text
    assert "View changed" in changed and "Update" in changed
    assert "Update</button>" not in other.get(f"{path}&changed=1&sort=name").text  # not hers
    assert client.post(path.replace("?view=", "/views/"), data={"state": "sort=name"}).status_code == 303
    assert heads(client.get(path).text)[:2] == ["name", "customer_class"]
    assert other.post(path.replace("?view=", "/views/"), data={"state": ""}).status_code == 403
    other.post(path.replace("?view=", "/views/"), data={"name": "x", "opens": "1"})
    assert "East by score" in re.search(r'aria-current="true">(.*?)</a>', other.get("/o/customer").text, re.S)[1]  # type: ignore[index]
    assert "East by score" not in re.search(r'aria-current="true">(.*?)</a>', other.get("/o/customer?view=all").text, re.S)[1]  # type: ignore[index]
    assert client.post(path.replace("?view=", "/views/") + "/delete").status_code == 303
    assert client.get(path).status_code == 404


def test_conditions_with_and_and_or_are_told_in_words(site: Site) -> None:
    client = site.client("wu")
    text = html.unescape(client.get("/o/customer", params={"filter": "region in ['east'] and (owner == 'li' or name == '云脚茶业')"}).text)
    assert names(text) == {"Fogbridge Precision", "Saltgrain Chemicals", "云脚茶业"}
    said = re.search(r"data-xp=\"filter\"[^>]*>([^<]*)<", text)[1]  # type: ignore[index]
    assert said == "Region is one of East China and (Account owner is Li or Name is 云脚茶业)"
    tree = '{"any": [{"field": "region", "operator": "equals", "value": "east"}, {"field": "owner", "operator": "equals", "value": {"name": "current_user"}}]}'
    answer = client.post("/o/customer/filter/expression", data={"expression.tree": tree, "expression.names": "1"}).json()
    assert answer["text"] == 'region == "east" or owner == current_user' and answer["ok"]
    offered = {n["name"] for n in site.client("li").post("/o/customer/filter/expression", data={"expression.names": "1"}).json()["names"]}
    assert "region" in offered and "risk_score" in offered and not offered & {"actual_controller", "bank_account", "deleted_at"}


def test_columns_are_chosen_and_totals_stand_below(site: Site) -> None:
    client = site.client("wu")
    choice = client.get("/o/customer/columns").text
    assert 'name="c" value="note"' in choice and 'value="registered_capital:sum"' in choice
    went = client.get("/o/customer?c=name&c=owner&c=created_at&freeze=1&totals=&totals=limit_now:sum").headers["location"]
    assert went == "/o/customer?cols=name%2Cowner%2Ccreated_at&freeze=1&totals=limit_now%3Asum"
    text = client.get("/o/customer?cols=limit_now,risk_score&totals=limit_now:count,risk_score:avg").text
    assert heads(text) == ["name", "limit_now", "risk_score"] and 'class="sums"' in text and "Average" in text
    assert site.client("li").get("/o/customer?totals=bank_account:count").status_code == 422
    assert "actual_controller" not in site.client("li").get("/o/customer/columns").text


def test_a_card_of_the_phone_says_of_what_a_yes_or_a_number_is(site: Site) -> None:
    page = site.client("li").get("/o/customer?cols=contract_valid,limit_now,region").text
    assert set(re.findall(r'data-label="([^"]+)"', page)) == {"Agreement in force", "Limit now"}


def test_a_list_with_everything_asks_a_fixed_number_of_times(site: Site) -> None:
    client = site.client("wu")
    client.post("/o/customer/views", data={"name": "v", "state": "sort=name"})
    query = "/o/customer?q=e&region=east&filter=name!=''&cols=owner,parent_customer,risk_score,created_by&totals=limit_now:sum"
    client.get(query)
    site.statements.clear()
    assert client.get(query).status_code == 200
    assert len(site.statements) <= 20, site.statements


# -- Many records at once ----------------------------------------------------------------------------------------------------


def test_a_bulk_change_is_looked_at_done_and_undone(site: Site) -> None:
    client = site.client("ada")
    chosen = {"_ids": "1,2,3", "_action": "edit", "_field": "share_of_wallet", "share_of_wallet": "7.5", "_back": "/o/customer?sort=name"}
    assert "See what happens" in client.post("/o/customer/bulk", data={**chosen, "_step": ""}).text
    seen = client.post("/o/customer/bulk", data={**chosen, "_step": "preview"}).text
    assert "Changes 3 of 3" in seen and "Change 3</button>" in seen
    went = client.post("/o/customer/bulk", data={**chosen, "_step": "run"}).headers["location"]
    assert went.startswith("/o/customer?sort=name&done=")
    assert "Changed: 3" in client.get(went).text
    batch = went.rpartition("=")[2]
    with site.work(write=True) as work:
        records.update(work, "customer", 2, {"note": "called"}, 2)
    undone = client.post(f"/o/customer/batches/{batch}/undo", data={"_back": "/o/customer"}).headers["location"]
    told = client.get(undone).text
    assert "Undone: 2" in told and "1 left as they are" in told and "Saltgrain Chemicals" in told
    log = html.unescape(client.get("/o/customer/batches").text)
    assert "Share of wallet → 7.5" in log or "→ 7.5" in log
    assert client.post(f"/o/customer/batches/{batch}/undo").status_code == 409
    assert site.client("li").get("/o/customer", params={"done": batch}).status_code == 404


def test_bulk_says_what_is_refused_and_takes_what_the_list_shows(site: Site) -> None:
    client = site.client("li")
    form = {"_action": "edit", "_field": "note", "note": "x", "_step": "preview"}
    assert "Changes 2 of 2" in client.post("/o/customer/bulk", data={**form, "_all": "1", "_state": "region=east"}).text
    assert "refused" in client.post("/o/customer/bulk", data={**form, "_ids": "1,3"}).text  # the third is not hers
    wrong = client.post("/o/customer/bulk", data={**form, "_field": "founded_on", "founded_on": "soon", "_ids": "1"})
    assert wrong.status_code == 422 and 'aria-invalid="true"' in wrong.text
    for field in ("bank_account", "actual_controller", "credit_limit", "payment_method"):
        answer = client.post("/o/customer/bulk", data={**form, "_field": field, field: "1", "_ids": "1", "_step": "run"})
        assert answer.status_code == 422, field
        assert f'value="{field}"' not in client.post("/o/customer/bulk", data={"_ids": "1"}).text
    assert client.post("/o/customer/bulk", data={"_action": "delete", "_ids": "1"}).status_code == 403
    assert client.post("/o/customer/bulk", data={"_step": "run", "_ids": "", "_field": "note", "note": "x"}).status_code == 422


def test_a_row_is_edited_where_it_stands(site: Site) -> None:
    client = site.client("li")
    query = "?cols=region,founded_on,bank_account,limit_now&region=east&changed=1"
    editing = client.get(f"/o/customer/1/row{query}&edit=1&focus=founded_on").text
    assert 'id="e-f-founded_on"' in editing and 'data-focus-on="e-f-founded_on"' in editing
    assert 'name="bank_account"' not in editing and 'name="limit_now"' not in editing
    wrong = client.post(f"/o/customer/1/row{query}", data={"_version": "1", "name": "", "founded_on": "soon", "region": "east"})
    assert wrong.status_code == 422 and wrong.text.count('aria-invalid="true"') == 2 and 'value="soon"' in wrong.text
    saved = client.post(f"/o/customer/1/row{query}", data={"_version": "1", "region": "north", "founded_on": "2011-02-03", "bank_account": "1"})
    assert saved.status_code == 200 and "no longer matches" in saved.text and "2011" in saved.text
    stale = client.post(f"/o/customer/1/row{query}", data={"_version": "1", "region": "south"})
    assert stale.status_code == 409 and 'name="_version" value="2"' in stale.text and "Saved now:" in stale.text
    with site.work() as work:
        assert records.get(work, "customer", 1).values["bank_account"] == "6222020200112233"
    assert client.get(f"/o/customer/3/row{query}").status_code == 404
    assert site.client("wu").get(f"/o/customer/1/row{query}&edit=1").status_code == 403


# -- Boards and calendars ----------------------------------------------------------------------------------------------------


def lanes(text: str) -> dict[str, list[str]]:
    found = re.findall(r'data-lane="([^"]*)".*?</section>', text, re.S)
    parts = re.split(r'<section class="lane" data-lane="[^"]*"', text)[1:]
    return {key: re.findall(r'id="card-(\d+)"', part.split("</section>")[0]) for key, part in zip(found, parts, strict=True)}


def test_a_card_moves_as_a_change_of_its_record(site: Site) -> None:
    client = site.client("li")
    before = lanes(client.get("/o/customer?shape=board&by=lifecycle").text)
    assert sorted(before["active"]) == ["1", "2"]
    moved = client.post("/o/customer/1/move?shape=board&by=lifecycle", data={"to": "dormant", "version": "1"})
    assert moved.status_code == 200 and lanes(moved.text)["dormant"] == ["1"]
    stale = client.post("/o/customer/1/move?shape=board&by=lifecycle", data={"to": "active", "version": "1"})
    assert stale.status_code == 422 and "changed this record" in stale.text and lanes(stale.text)["dormant"] == ["1"]
    fixed = client.post("/o/customer/1/move?shape=board&by=customer_class", data={"to": "prospect", "version": "2"})
    assert fixed.status_code == 422 and "cannot be moved by hand" in fixed.text
    for name in ("payment_method", "actual_controller", "nope"):
        assert client.post(f"/o/customer/1/move?shape=board&by={name}", data={"to": "prepaid", "version": "2"}).status_code == 422
    assert client.post("/o/customer/3/move?shape=board&by=lifecycle", data={"to": "lost", "version": "1"}).status_code == 404


def test_a_card_moves_as_a_step_of_its_workflow(site: Site) -> None:
    with site.work("li", write=True) as work:
        known = work.catalog.get("object", "complaint").fields
        first = {f.key: f.options[0].key for f in known.values() if f.required and f.options}
        record_id = records.create(
            work, "complaint", {**first, "customer": "1", "received_at": "2026-01-02T08:00:00+08:00", "description": "late", "handler": "li"}
        )
    client, url = site.client("li"), f"/o/complaint/{record_id}/move?shape=board&by=status"
    version = re.search(r'data-version="(\d+)"', client.get("/o/complaint?shape=board&by=status").text)[1]  # type: ignore[index]
    far = client.post(url, data={"to": "closed", "version": version})
    assert far.status_code == 422 and "no step from New to Closed" in far.text
    asked = client.post(url, data={"to": "rejected", "version": version})
    assert ("ask-dialog" in asked.text) or asked.status_code == 422
    moved = client.post(url, data={"to": "accepted", "version": version})
    assert (lanes(moved.text)["accepted"] == [str(record_id)]) == (moved.status_code == 200), moved.text


def test_a_calendar_shows_the_month_and_boards_ask_a_fixed_number_of_times(site: Site) -> None:
    client = site.client("wu")
    text = client.get("/o/customer?shape=calendar&by=founded_on&month=2010-01").text
    assert text.count('class="ev"') == 4 and "month=2009-12" in text and "month=2010-02" in text
    assert client.get("/o/customer?shape=calendar&by=founded_on&month=nonsense").status_code == 200
    for by in ("name", "bank_account", "nope", ""):
        assert client.get(f"/o/customer?shape=calendar&by={by}").status_code == 422
        assert client.get(f"/o/customer?shape=board&by={by}").status_code == 422
    client.get("/o/customer?shape=board&by=region")
    counts = []
    for _ in range(2):
        site.statements.clear()
        client.get("/o/customer?shape=board&by=region")
        counts.append(len(site.statements))
        with site.work(write=True) as work:
            records.create(work, "customer", {**CUSTOMER, "name": "One more", "owner": "li", "industry": "other"})
    assert counts[0] == counts[1] <= 32  # a short lane asks for the empty values of its order too


def test_the_card_of_a_row_shows_what_the_row_does_not(site: Site) -> None:
    text = site.client("li").get("/o/customer/1/card?cols=owner").text
    assert "Fogbridge Precision" in text and text.count("<dt>") == 5
    assert "Account owner" not in text and "actual_controller" not in text
    assert site.client("li").get("/o/customer/3/card").status_code == 404
