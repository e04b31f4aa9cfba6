"""The page of a record: its timeline, comments, versions, recycle bin and merging, over HTTP as people use them."""

import html
import re

from server.features.comments import service as comments
from server.features.records import service as records
from tests.admin_ui.conftest import Site

STATEMENTS = {"risk": 44, "facts": 33, "timeline": 33, "history": 25, "order.customer": 25}  # of each tab for a reviewer
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


def text_of(answer: object) -> str:
    return html.unescape(answer.text)  # type: ignore[attr-defined]


# -- What the page costs -----------------------------------------------------------------------------------------------------


def furnish(site: Site, rounds: range) -> None:
    """So many saves, comments and orders more of one customer."""
    with site.work("li", write=True) as work:
        line = work.catalog.get("object", "order").fields["product_line"].options[0].key
        for i in rounds:
            records.update(work, "customer", 1, {"note": f"note {i}", "contract_until": f"2027-01-{i + 1:02d}"}, i + 1)
            comments.add(work, "customer", 1, f"hello {i} @wu")
            records.create(work, "order", {"order_no": f"X{i}", "customer": "1", "order_date": "2026-01-01", "amount": "5", "product_line": line})


def test_a_page_asks_the_database_a_fixed_number_of_times(site: Site) -> None:
    """However much there is on the record: comments, versions, orders."""
    client = site.client("wu")

    def count(tab: str) -> int:
        site.statements.clear()
        assert client.get(f"/o/customer/1?tab={tab}").status_code == 200
        return len(site.statements)

    tabs = ("risk", "facts", "timeline", "history", "order.customer")
    furnish(site, range(1))
    assert all(count(tab) for tab in tabs)
    assert {tab: count(tab) for tab in tabs} == STATEMENTS
    furnish(site, range(1, 14))
    assert {tab: count(tab) for tab in tabs if count(tab) > STATEMENTS[tab]} == {}


# -- Timeline and comments ---------------------------------------------------------------------------------------------------


def test_the_timeline_tells_all_kinds_and_is_read_in_pages(site: Site) -> None:
    client = site.client("li")
    with site.work("li", write=True) as work:
        for i in range(40):
            comments.add(work, "customer", 1, f"comment-{i}.")
        records.update(work, "customer", 1, {"name": "Fogbridge Two"}, 1)
        records.create(work, "follow_up", {"customer": "1", "kind": "call", "happened_at": "2026-01-05T10:00", "summary": "They called about price"})
    seen, path = "", "/o/customer/1?tab=timeline"
    for _ in range(4):
        text = text_of(client.get(path, headers=PARTIAL if "timeline?" in path else {}))
        seen += text
        more = re.search(r'hx-get="([^"]*)" hx-target="closest li"', text)
        if not more:
            break
        path = more.group(1)
    assert all(seen.count(f"comment-{i}.") == 1 for i in range(40))
    for word in ("Fogbridge Precision", "They called about price", "Record created"):
        assert word in seen
    only = text_of(client.get("/o/customer/1?tab=timeline&show=happening"))
    assert "They called about price" in only and "comment-39" not in only
    assert client.get("/o/customer/1?tab=timeline&next=garbage&show=nothing").status_code == 200


def test_a_comment_is_posted_changed_and_taken_back(site: Site) -> None:
    li, wu = site.client("li"), site.client("wu")
    assert li.post("/o/customer/1/comments", data={"text": "  "}).status_code == 422
    answer = li.post("/o/customer/1/comments", data={"text": "<b>Look</b> @wu"}, headers=PARTIAL)
    assert answer.status_code == 200 and "&lt;b&gt;Look" in answer.text and '<span class="at0">@Wu</span>' in answer.text
    assert "&lt;b&gt;Look" in wu.get("/").text  # on the desk
    assert 'data-unread="1"' in wu.get("/o/customer/1?tab=timeline").text
    assert wu.post("/o/customer/1/seen", data={"ids": "1,x,99"}).status_code == 204
    assert "Look" not in wu.get("/").text
    assert wu.post("/o/customer/1/comments/1", data={"text": "mine now"}).status_code == 403
    refused = li.post("/o/customer/1/comments/1", data={"text": "for @wang"}, headers=PARTIAL)  # who may not see this customer
    assert refused.status_code == 422 and "for @wang" in refused.text
    assert "Look again" in li.post("/o/customer/1/comments/1", data={"text": "Look again"}, headers=PARTIAL).text
    assert "Deleted by its author" in li.post("/o/customer/1/comments/1/delete", headers=PARTIAL).text
    assert "Look" not in wu.get("/o/customer/1?tab=timeline").text


def test_comments_of_other_peoples_records_do_not_exist(site: Site) -> None:
    with site.work("wang", write=True) as work:
        made = comments.add(work, "customer", 3, "between us")
    li = site.client("li")
    assert li.post("/o/customer/3/comments", data={"text": "hello"}).status_code == 404
    assert li.post("/o/customer/3/seen", data={"ids": str(made)}).status_code == 404
    for path in (f"/o/customer/1/comments/{made}", f"/o/customer/1/comments/{made}/edit", "/o/customer/3/people", "/o/customer/3/timeline?next=x"):
        assert li.get(path, headers=PARTIAL).status_code == 404, path
    assert li.post(f"/o/customer/1/comments/{made}/delete").status_code == 404
    people = text_of(li.get("/o/customer/1/people?q="))
    assert 'data-username="li"' in people and 'data-username="wang"' not in people


# -- Versions ----------------------------------------------------------------------------------------------------------------


def test_a_field_and_a_version_are_restored(site: Site) -> None:
    client = site.client("li")
    client.post("/o/customer/1/edit", data={"_version": "1", "name": "Fogbridge Two", "note": "x"})
    client.post("/o/customer/1/edit", data={"_version": "2", "name": "Fogbridge Three"})
    answer = client.post("/o/customer/1/restore", data={"_version": "3", "_to": "2", "field": "name"})
    assert answer.status_code == 303
    text = text_of(client.get("/o/customer/1?tab=history"))
    assert "<h1>Fogbridge Two</h1>" in text and "restored" in text and "/o/customer/1/restore?to=1" in text
    assert "Fogbridge Precision" in text_of(client.get("/o/customer/1/restore?to=1"))
    assert client.post("/o/customer/1/restore", data={"_version": "4", "_to": "1"}).status_code == 422
    assert client.post("/o/customer/1/restore", data={"_version": "3", "_to": "1", "field": "name"}).status_code == 409
    assert client.post("/o/customer/1/restore", data={"_version": "4", "_to": "1", "field": ["name", "note"]}).status_code == 303
    assert "<h1>Fogbridge Precision</h1>" in client.get("/o/customer/1").text
    assert client.get("/o/customer/1/restore?to=77").status_code == 404
    assert site.client("wu").get("/o/customer/1/restore?to=1").status_code == 403


# -- Deleting and merging ----------------------------------------------------------------------------------------------------


def test_what_refers_to_a_record_is_told_and_keeps_it(site: Site) -> None:
    admin = site.client("ada")
    text = text_of(admin.get("/o/customer/1/delete"))
    assert "Orders 4" in text and 'action="/o/customer/1/delete"' not in text
    assert admin.post("/o/customer/1/delete", data={"_version": "1"}).status_code == 409
    assert site.client("li").get("/o/customer/1/delete").status_code == 403


def test_deleted_undone_and_found_in_the_bin(site: Site) -> None:
    admin = site.client("ada")
    with site.work(write=True) as work:
        records.create(work, "contact", {"customer": 2, "name": "Ms Salt"})
    assert "Contacts 1" in text_of(admin.get("/o/customer/2/delete"))
    answer = admin.post("/o/customer/2/delete", data={"_version": "1"})
    assert answer.headers["location"] == "/o/customer?_deleted=2"
    assert "Undo" in admin.get("/o/customer?_deleted=2").text and "Undo" not in admin.get("/o/customer?_deleted=1").text
    gone = admin.get("/o/customer/2")
    assert gone.status_code == 410 and "Bring it back" in gone.text
    assert site.client("li").get("/o/customer/2").status_code == 404
    assert "Saltgrain Chemicals" in admin.get("/o/customer/deleted").text and "Ms Salt" in admin.get("/o/contact/deleted").text
    assert site.client("li").get("/o/customer/deleted").status_code == 403
    assert admin.post("/o/customer/2/undelete").headers["location"] == "/o/customer/2"
    assert "Ms Salt" in admin.get("/o/customer/2?tab=contact.customer").text and "Undo" not in admin.get("/o/customer?_deleted=2").text


def test_two_customers_become_one(site: Site) -> None:
    admin = site.client("ada")
    with site.work("li", write=True) as work:
        values = {
            k: v for k, v in records.get(work, "customer", 1).values.items() if k in ("country", "region", "industry", "lifecycle", "strategic_importance")
        }
        records.create(work, "customer", {**values, "name": "Fogbridge Prec.", "owner": "li", "address": "Pier 9"})
        comments.add(work, "customer", 5, "this is a duplicate")
    assert "Fogbridge Prec." in text_of(admin.get("/o/customer/1/merge")) and "Saltgrain" not in admin.get("/o/customer/1/merge").text
    assert "Tidemark" in admin.get("/o/customer/1/merge?q=tidemark").text
    assert "Pier 9" in admin.get("/o/customer/1/merge?other=5").text
    assert site.client("li").get("/o/customer/1/merge?other=5").status_code == 403
    form = {"_other": "5", "_version": "1", "_other_version": "1", "address": "gone", "name": "kept"}
    assert admin.post("/o/customer/1/merge", data={**form, "_other_version": "9"}).status_code == 409
    assert admin.post("/o/customer/1/merge", data=form).status_code == 303
    assert admin.get("/o/customer/5").headers["location"] == "/o/customer/1"
    text = text_of(admin.get("/o/customer/1?tab=timeline"))
    assert "Merged with “Fogbridge Prec.”" in text and "this is a duplicate" in text and "Pier 9" in text
    assert "merged into" in admin.get("/o/customer/deleted").text
