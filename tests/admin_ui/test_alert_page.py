"""The page of one alert over HTTP."""

from datetime import timedelta

import sqlalchemy as sa

from server.clock import now
from server.features.alerts.tables import alerts
from tests.admin_ui.conftest import Site


def test_the_page_of_an_alert_says_who_hears_of_it_when_nobody_responds(site: Site) -> None:
    at = now()
    row = {
        "rule": "overdue_60", "object": "customer", "record_id": 1, "episode": 1, "severity": "critical", "state": "open", "opened_at": at,
        "as_of": at.date(), "due_at": at + timedelta(hours=24), "escalate_at": at, "message_zh": "逾期", "message_en": "Overdue", "values": {},
        "release": 1, "recipients": ["user:li"],
    }  # fmt: skip
    with site.work(write=True) as work:
        made = work.session.execute(sa.insert(alerts).values(**row).returning(alerts.c.id)).scalar_one()
    text = site.client("wu").get(f"/alerts/{made}").text
    assert "if nobody responds by " in text and ", told: Reviewer" in " ".join(text.split())
