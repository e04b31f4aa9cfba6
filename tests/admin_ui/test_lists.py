"""Lists as pages: views, columns, conditions in words, totals; and what the address says about them."""

import html
import re

from starlette.datastructures import QueryParams

from admin_ui.address import read, state_of, state_parameters
from server.features.records.liststate import Condition, ListState
from tests.admin_ui.conftest import Site
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


def test_a_list_with_everything_asks_a_fixed_number_of_times(site: Site) -> None:
    client = site.client("wu")
    client.post("/o/customer/views", data={"name": "v", "state": "sort=name"})
    query = "/o/customer?q=e&region=east&filter=name!=''&cols=owner,parent_customer,risk_score,created_by&totals=limit_now:sum"
    client.get(query)
    site.statements.clear()
    assert client.get(query).status_code == 200
    assert len(site.statements) <= 20, site.statements
