"""Public links: what a visitor can do with one, and all that he cannot."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Gone
from server.features.forms import links
from server.features.forms.tables import form_links, form_submissions
from server.features.records import service as records
from server.storage.session import Database
from tests.admin_ui.conftest import Site

COMPLAINT = {"category": "quality", "severity": "minor", "description": "three days late"}


def made(site: Site, form: str = "complaint_public", **more: Any) -> str:
    """The token of a new link about the first customer."""
    with site.work("ada", write=True) as work:
        given = {"title": "For Fogbridge", "expires_on": None, "most": None, "named": {"customer": "1"}} | more
        link_id = links.make(work, form, **given)
        return next(link.token for link in links.links(work) if link.id == link_id)


def complaints(site: Site) -> list[Any]:
    with site.work() as work:
        return list(records.query(work, "complaint", columns=("customer", "description", "channel", "status", "handler")).rows)


def test_a_visitor_sends_the_form_and_sees_nothing_else(site: Site) -> None:
    token = made(site)
    client = site.client()
    page = client.get(f"/f/{token}")
    assert page.status_code == 200 and "Fogbridge" not in page.text and 'class="side"' not in page.text
    assert client.get(f"/f/{token}/options?into=customer&_q_customer=Fog").text.count("<li") == 0
    sent = client.post(f"/f/{token}", data={**COMPLAINT, "customer": "2", "handler": "li", "channel": "visit", "status": "closed"})
    assert sent.status_code == 303 and sent.headers["location"] == f"/f/{token}/thanks"
    assert "two working days" in client.get(sent.headers["location"]).text
    (record,) = complaints(site)
    assert (record.values["customer"], record.values["channel"], record.values["status"], record.values["handler"]) == (1, "portal", "new", None)
    assert record.created_by == "form:complaint_public"
    for path in ("/", "/o/complaint", "/o/customer/1", f"/o/complaint/{record.id}", "/o/customer/options?into=customer"):
        assert client.get(path).status_code == 303  # to the sign-in
    with site.work("li") as work:
        assert records.get(work, "complaint", record.id).name  # the account owner sees it


def test_a_wrong_form_says_all_and_keeps_what_was_typed(site: Site) -> None:
    answer = site.client().post(f"/f/{made(site)}", data={"description": "typed", "claimed_amount": "much"})
    assert answer.status_code == 422 and "typed" in answer.text
    assert answer.text.count('aria-invalid="true"') == 3 and complaints(site) == []


def test_live_rules_hold_for_visitors(site: Site) -> None:
    token = made(site, "survey_public")
    answer = site.client().post(f"/f/{token}/live", data={"csat": "99", "_left": "csat", "_shape": "{}"})
    assert answer.status_code == 200 and "aria-invalid" in answer.text and "customer" not in answer.text


def test_a_link_runs_out(site: Site) -> None:
    client = site.client()
    with site.work() as work:
        today = work.at.today
    full = made(site, most=1)
    assert client.post(f"/f/{full}", data=COMPLAINT).status_code == 303
    assert client.get(f"/f/{full}").status_code == 410 and client.post(f"/f/{full}", data=COMPLAINT).status_code == 410
    late = made(site, expires_on=today)
    with site.database.write() as connection:
        connection.execute(sa.update(form_links).where(form_links.c.token == late).values(expires_on=today - timedelta(days=1)))
    assert client.get(f"/f/{late}").status_code == 410
    revoked = made(site)
    with site.work("ada", write=True) as work:
        links.revoke(work, next(link.id for link in links.links(work) if link.token == revoked))
    assert "switched off" in client.get(f"/f/{revoked}").text and client.post(f"/f/{revoked}", data=COMPLAINT).status_code == 410
    assert client.get("/f/nothing").status_code == 404 and client.post("/f/" + "x" * 300, data=COMPLAINT).status_code == 404
    assert len(complaints(site)) == 1


def test_robots_are_thanked_and_nothing_is_saved(site: Site) -> None:
    token = made(site)
    assert site.client().post(f"/f/{token}", data={**COMPLAINT, "_website": "http://spam"}).status_code == 303
    assert complaints(site) == []


def test_who_sends_too_often_waits(site: Site) -> None:
    token = made(site)
    with site.database.write() as connection:
        link_id = connection.scalar(sa.select(form_links.c.id).where(form_links.c.token == token))
    client = site.client()
    assert client.post(f"/f/{token}", data=COMPLAINT).status_code == 303
    with site.database.write() as connection:  # the same sender, again and again
        row = connection.execute(sa.select(form_submissions)).mappings().one()
        again = [{"link_id": link_id, "sender": row["sender"], "at": row["at"]} for _ in range(links.PER_HOUR)]
        connection.execute(sa.insert(form_submissions), again)
    assert client.post(f"/f/{token}", data=COMPLAINT).status_code == 429
    assert len(complaints(site)) == 1


def test_the_page_of_links(site: Site) -> None:
    assert site.client("li").get("/settings/forms").status_code == 403
    client = site.client("ada")
    assert "For whom" not in client.get("/settings/forms?form=complaint_public&customer=1").text
    wrong = client.post("/settings/forms", data={"form": "complaint_public", "title": " ", "expires_on": "2020-01-01", "most": "0", "customer": "9999"})
    assert wrong.status_code == 422 and wrong.text.count('class="err"') == 4
    assert client.post("/settings/forms", data={"form": "complaint_public", "title": "x", "expires_on": "soon", "customer": "1"}).status_code == 422
    assert client.post("/settings/forms", data={"form": "customer_intake", "title": "x"}).status_code == 404
    assert client.post("/settings/forms", data={"form": "survey_public", "title": "Yearly", "customer": "1"}).status_code == 303
    text = client.get("/settings/forms").text
    assert "Yearly" in text and "Fogbridge Precision" in text and re.search(r'value="http://testserver/f/[\w-]{30,}"', text)
    assert client.post("/settings/forms/1/revoke").status_code == 303
    assert "revoked" in client.get("/settings/forms").text


@pytest.mark.postgres
def test_the_same_on_postgresql(postgres_site: Site) -> None:
    token = made(postgres_site, most=1)
    assert postgres_site.client().post(f"/f/{token}", data=COMPLAINT).status_code == 303
    assert isinstance(postgres_site.database, Database) and len(complaints(postgres_site)) == 1
    with postgres_site.work() as work, pytest.raises(Gone):
        links.opened(work, token)
