"""Records over HTTP: what is answered, what is refused and how, and that nothing is half-saved."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from server.features.web.tables import idempotent_requests
from tests.admin_ui.conftest import CUSTOMER, PASSWORD, Site

PATCH = {"content-type": "application/merge-patch+json"}
RECORDS = "/api/objects/customer/records"
INDUSTRY = "machinery"
NEW = {**{k: v for k, v in CUSTOMER.items() if k != "payment_method"}, "industry": INDUSTRY, "owner": "li"}


def customers(site: Site) -> int:
    with site.database.read() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM o_customer WHERE deleted_at IS NULL")).scalar_one())


def test_a_record_is_made_read_changed_and_deleted(site: Site) -> None:
    li = site.client("li")
    made = li.post(RECORDS, json={**NEW, "name": "Gullwing Foods", "founded_on": "2012-02-29"})
    assert made.status_code == 201, made.text
    address, first = made.headers["location"], made.headers["etag"]
    record = made.json()
    assert address == f"{RECORDS}/{record['id']}" and record["version"] == 1 and record["$name"] == "Gullwing Foods"
    got = li.get(address)
    assert got.json() == record and got.headers["etag"] == first
    assert li.get(address, headers={"if-none-match": first}).status_code == 304
    changed = li.patch(address, content='{"name": "Gullwing", "founded_on": null}', headers={**PATCH, "if-match": first})
    assert changed.status_code == 200 and changed.json()["version"] == 2
    assert (changed.json()["name"], changed.json()["founded_on"]) == ("Gullwing", None)
    history = li.get(address + "/history").json()["changes"]
    assert {(c["version"], c["field"], c["old"], c["new"], c["cause"]) for c in history} >= {
        (2, "name", "Gullwing Foods", "Gullwing", "api"),
        (2, "founded_on", "2012-02-29", None, "api"),
    }
    stale = li.patch(address, content='{"name": "Lost"}', headers={**PATCH, "if-match": first})
    assert stale.status_code == 412 and stale.json()["code"] == "stale"
    assert li.patch(address, content="{}", headers=PATCH).status_code == 428
    assert li.patch(address, content='{"name": "Any"}', headers={**PATCH, "if-match": "*"}).json()["version"] == 3
    ada = site.client("ada")
    assert ada.delete(address, headers={"if-match": "*"}).status_code in {204, 403}
    assert li.delete(address).status_code == 428


def test_a_list_is_filtered_sorted_and_paged(site: Site) -> None:
    ada = site.client("ada")
    first = ada.get(RECORDS, params={"sort": "name", "limit": 2, "fields": "name,owner", "results": "risk_score"})
    page = first.json()
    assert [r["name"] for r in page["records"]] == ["Fogbridge Precision", "Saltgrain Chemicals"]
    assert set(page["records"][0]) == {"id", "version", "created_at", "created_by", "updated_at", "updated_by", "name", "owner", "$name", "$results"}
    assert (page["total"], page["total_is_more"]) == (4, False)
    following = first.headers["link"].split(">")[0].removeprefix("<")
    rest = ada.get(following).json()
    assert [r["name"] for r in rest["records"]] == ["Tidemark Cold Chain", "云脚茶业"] and rest["next"] is None
    mine = ada.get(RECORDS, params={"filter": "owner == 'wang'", "q": "tide", "count": "false"}).json()
    assert [r["name"] for r in mine["records"]] == ["Tidemark Cold Chain"] and "total" not in mine
    again = ada.get(RECORDS, headers={"if-none-match": ada.get(RECORDS).headers["etag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"filter": "ownr == 'li'"}, "filter"), ({"filter": "owner =="}, "filter"), ({"sort": "nothing"}, "sort"), ({"fields": "nothing"}, "fields"),
        ({"results": "nothing"}, "results"), ({"cursor": "zzz"}, "cursor"), ({"limit": "0"}, "limit"), ({"limit": "²"}, "limit"), ({"limit": "501"}, "limit"),
        ({"count": "1"}, "count"), ({"fitler": "x"}, "fitler"), ({"filter": "1"}, "filter"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_made_names_the_parameter(site: Site, parameters: dict[str, str], where: str) -> None:
    answer = site.client("ada").get(RECORDS, params=parameters)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == where, answer.text


def test_refusals_are_problem_details_in_both_languages(site: Site) -> None:
    li, nobody = site.client("li"), site.client()
    body = '{"name": 5, "nonsense": 1, "founded_on": "2024-13-01", "industry": "\\ud800", "risk/~x": 1, "region": "east"}'
    for language, word in (("en", "Must be text"), ("zh-CN", "应为文本")):
        answer = li.post(RECORDS, content=body, headers={"content-type": "application/json", "accept-language": language})
        problem = answer.json()
        assert answer.status_code == 422 and answer.headers["content-language"] == language
        found = {e["pointer"]: (e["code"], e["detail"]) for e in problem["errors"]}
        assert found["/name"] == ("type", word)
        assert found["/nonsense"][0] == found["/risk~1~0x"][0] == "unknown_field"
        assert found["/founded_on"][0] == "date" and found["/industry"][0] == "surrogate"
        assert found["/owner"][0] == "required"
    json = {"content-type": "application/json"}
    cases: list[tuple[Any, int, str]] = [
        (nobody.get(RECORDS), 401, "not_signed_in"),
        (li.get("/api/objects/nothing/records"), 404, "not_found"),
        (li.get("/api/nothing"), 404, "not_found"),
        (li.get(RECORDS + "/999999"), 404, "not_found"),
        (li.get(RECORDS + "/x"), 404, "not_found"),
        (li.get(RECORDS + "/" + "9" * 40), 404, "not_found"),
        (li.put(RECORDS, content="{}", headers=json), 405, "method"),
        (li.post(RECORDS, content="{}", headers={"content-type": "text/plain"}), 415, "media_type"),
        (li.post(RECORDS, content="{}", headers={"content-type": "application/json; charset=gbk"}), 415, "media_type"),
        (li.post(RECORDS, content="{}"), 415, "media_type"),
        (li.post(RECORDS, content="{", headers=json), 400, "malformed"),
        (li.post(RECORDS, content=b'{"name": "\xff"}', headers=json), 400, "malformed"),
        (li.post(RECORDS, content='{"a": NaN}', headers=json), 400, "malformed"),
        (li.post(RECORDS, content='{"a": 1, "a": 2}', headers=json), 400, "malformed"),
        (li.post(RECORDS, content="[" * 100_000, headers=json), 400, "malformed"),
        (li.post(RECORDS, content='{"a": ' + "1" * 5000 + "}", headers=json), 400, "malformed"),
        (li.post(RECORDS, content='{"a": 1e999999999999999999999}', headers=json), 400, "malformed"),
        (li.post(RECORDS, content="[]", headers=json), 422, "invalid"),
        (li.post(RECORDS, content=b" " * 3_000_000, headers=json), 413, "too_large"),
        (li.post(RECORDS, json=NEW, headers={"sec-fetch-site": "cross-site"}), 403, "forbidden"),
        (li.post(RECORDS, json=NEW, headers={"idempotency-key": ""}), 400, "malformed"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (status, code, answer.text)
        assert answer.json()["code"] == code and answer.json()["type"] == f"/help/api#{code}"
    assert "POST" in li.put(RECORDS, content="{}", headers=json).headers["allow"]
    assert customers(site) == 4


def test_rights_hold(site: Site) -> None:
    li, wang = site.client("li"), site.client("wang")
    names = {r["name"] for r in li.get(RECORDS).json()["records"]}
    assert names == {"Fogbridge Precision", "Saltgrain Chemicals"}
    assert wang.get(RECORDS + "/1").status_code == 404
    record = li.get(RECORDS + "/1").json()
    assert "bank_account" in record["$masked"] and record["bank_account"].startswith("****")
    changed = li.patch(RECORDS + "/1", json={"bank_account": record["bank_account"], "name": "Fog"}, headers={**PATCH, "if-match": "*"})
    assert changed.status_code == 200
    with site.work() as work:
        assert {e["field"] for e in li.get(RECORDS + "/1/history").json()["changes"] if e["version"] == 2} == {"name"}
        locked = next(f for f in work.catalog.get("object", "customer").fields.values() if f.computed)
    answer = li.patch(RECORDS + "/1", json={locked.key: 1, "id": 7}, headers={**PATCH, "if-match": "*"})
    assert {e["pointer"]: e["code"] for e in answer.json()["errors"]} == {f"/{locked.key}": "readonly", "/id": "unknown_field"}
    assert li.get(RECORDS, params={"filter": "bank_account == '6222020200112233'"}).status_code == 422
    assert li.get(RECORDS, params={"sort": "bank_account"}).status_code == 422


def test_a_key_makes_a_write_happen_once(site: Site) -> None:
    li = site.client("li")
    key = {"idempotency-key": "order-4711"}
    body = {**NEW, "name": "Once Only"}
    first = li.post(RECORDS, json=body, headers=key)
    again = li.post(RECORDS, json=body, headers=key)
    assert first.status_code == again.status_code == 201 and first.content == again.content
    assert (again.headers["idempotency-replayed"], again.headers["location"], again.headers["etag"]) == (
        "true", first.headers["location"], first.headers["etag"],
    )  # fmt: skip
    other = li.post(RECORDS, json={**body, "name": "Another"}, headers=key)
    assert other.status_code == 422 and other.json()["errors"][0]["code"] == "key_reused"
    assert site.client("wang").post(RECORDS, json={**body, "owner": "wang"}, headers=key).status_code == 201  # a key is its owner's
    assert customers(site) == 6
    refused = li.post(RECORDS, json={**body, "name": None}, headers={"idempotency-key": "mended"})
    assert refused.status_code == 422
    assert li.post(RECORDS, json={**body, "name": "Mended"}, headers={"idempotency-key": "mended"}).status_code == 201
    with site.database.write() as connection:
        connection.execute(sa.update(idempotent_requests).values(at=sa.text("datetime('now', '-25 hours')")))
    assert li.post(RECORDS, json={**body, "name": "A Day Later"}, headers=key).status_code == 201


def twice_at_once(site: Site) -> None:
    answers: list[Any] = []
    clients = [site.client("li") for _ in range(4)]
    together = threading.Barrier(len(clients))

    def send(client: Any) -> None:
        together.wait()
        answers.append(client.post(RECORDS, json={**NEW, "name": "Double Click"}, headers={"idempotency-key": "click"}))

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {a.status_code for a in answers} == {201} and len({a.headers["location"] for a in answers}) == 1
    assert sum("idempotency-replayed" in a.headers for a in answers) == 3
    assert customers(site) == 5


def test_a_double_submit_gives_one_record(site: Site) -> None:
    twice_at_once(site)


@pytest.mark.postgres
def test_a_double_submit_gives_one_record_on_postgresql(postgres_site: Site) -> None:
    twice_at_once(postgres_site)
    li = postgres_site.client("li")
    answer = li.post(RECORDS + ":bulk", json={"operations": [{"op": "create", "values": {**NEW, "name": "B1"}}, {"op": "create", "values": {"name": ""}}]})
    assert (answer.json()["created"], answer.json()["failed"]) == (1, 1)


def test_many_at_once_each_with_its_result(site: Site) -> None:
    li = site.client("li")
    operations: list[dict[str, Any]] = [
        {"op": "create", "values": {**NEW, "name": "Bulk One"}},
        {"op": "create", "values": {**NEW, "name": ""}},
        {"op": "update", "id": 1, "version": 1, "values": {"name": "Fogbridge II"}},
        {"op": "update", "id": 1, "version": 1, "values": {"name": "Lost"}},
        {"op": "update", "id": 2, "version": 1, "values": {"nonsense": 1}},
        {"op": "update", "id": 3, "version": 1, "values": {"name": "Not mine"}},
        {"op": "delete", "id": 999, "version": 1},
        {"op": "update", "id": 2, "version": 1, "values": {}},
    ]
    refused = li.post(RECORDS + ":bulk", json={"operations": operations, "atomic": True})
    assert refused.status_code == 422 and customers(site) == 4
    assert {e["pointer"] for e in refused.json()["errors"]} >= {"/operations/1/values/name", "/operations/3", "/operations/4/values/nonsense"}
    done = li.post(RECORDS + ":bulk", json={"operations": operations}).json()
    assert [r["status"] for r in done["results"]] == [201, 422, 200, 412, 422, 404, 404, 200]
    assert {k: done[k] for k in ("created", "updated", "unchanged", "deleted", "failed")} == {
        "created": 1, "updated": 1, "unchanged": 1, "deleted": 0, "failed": 5,
    }  # fmt: skip
    assert done["results"][1]["problem"]["errors"][0]["pointer"] == "/operations/1/values/name"
    assert li.get(RECORDS + "/1").json()["name"] == "Fogbridge II" and customers(site) == 5
    shapes: list[Any] = [[], {}, {"operations": []}, {"operations": [1]}, {"operations": [{"op": "drop"}]}, {"operations": [{"op": "update", "id": "1"}]}]
    for shape in [*shapes, {"operations": [{"op": "create", "values": {}, "id": 1}]}, {"operations": operations, "x": 1}]:
        assert li.post(RECORDS + ":bulk", json=shape).status_code == 422, shape
    many = {"operations": [{"op": "create", "values": {}}] * 501}
    assert li.post(RECORDS + ":bulk", json=many).status_code == 413


def test_statements_do_not_grow_with_the_rows(site: Site) -> None:
    """How many statements a call takes is fixed: by the page, not by its records."""
    ada, li = site.client("ada"), site.client("li")
    calls: dict[str, Any] = {
        "list of 1": lambda: ada.get(RECORDS, params={"limit": 1}),
        "list of 4": lambda: ada.get(RECORDS, params={"limit": 4}),
        "get": lambda: ada.get(RECORDS + "/1"),
        "bulk of 2": lambda: li.post(RECORDS + ":bulk", json={"operations": [{"op": "create", "values": {**NEW, "name": f"A{i}"}} for i in range(2)]}),
        "bulk of 9": lambda: li.post(RECORDS + ":bulk", json={"operations": [{"op": "create", "values": {**NEW, "name": f"B{i}"}} for i in range(9)]}),
    }
    taken = {}
    for name, call in calls.items():
        call()
        site.statements.clear()
        assert call().status_code == 200
        taken[name] = len([s for s in site.statements if not s.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])
    assert taken["list of 1"] == taken["list of 4"] <= 7, taken
    assert taken["get"] <= 6, taken
    assert taken["bulk of 9"] == taken["bulk of 2"], taken


def test_calls_have_a_rate(site: Site) -> None:
    site.app.state.rate = type(site.app.state.rate)(3)
    li = site.client("li")
    assert [li.get("/api/objects").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = li.get("/api/objects")
    assert answer.json()["code"] == "too_many" and 1 <= int(answer.headers["retry-after"]) <= 60
    assert site.client("wang").get("/api/objects").status_code == 200


def test_signing_in_by_script(site: Site) -> None:
    """What the help page shows: a cookie jar is all a script needs."""
    client = site.client()
    assert client.post("/login", data={"username": "li", "password": PASSWORD}).status_code == 303
    assert [o["key"] for o in client.get("/api/objects").json()["objects"]].count("customer") == 1
