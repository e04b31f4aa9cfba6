"""Scheduled jobs under Settings, and what the health page says of assessment."""

import re

import sqlalchemy as sa

from server.jobs.perform import perform_waiting
from server.worker import job_house
from tests.admin_ui.conftest import Site


def work_off(site: Site) -> None:
    perform_waiting(job_house(site.database, site.app.state.catalogs, site.settings.zone))


def test_scheduled_jobs_are_run_when_asked(site: Site) -> None:
    client = site.client("ada")
    page = client.get("/settings/jobs").text
    assert "Assess everybody" in page and "every day at 00:10" in page
    for _ in range(2):
        assert client.post("/settings/jobs/run", data={"kind": "assess"}).status_code == 303
    page = client.get("/settings/jobs").text
    assert page.count("Under way") == 1
    assert len(re.findall(r"/settings/jobs/\d+/cancel", page)) == 1, "asked for twice, it is one"
    work_off(site)
    assert "Under way" not in client.get("/settings/jobs").text
    assert client.post("/settings/jobs/run", data={"kind": "import_run"}).status_code == 404
    assert client.post("/settings/jobs/run", data={}).status_code == 404
    assert site.client("li").post("/settings/jobs/run", data={"kind": "assess"}).status_code == 403


def test_health_tells_of_the_last_run_and_of_wrong_results(site: Site) -> None:
    client = site.client("ada")
    assert "never as a whole" in client.get("/settings/health").text
    answer = client.post("/settings/jobs/run", data={"kind": "assess", "back": "/settings/health"})
    assert answer.headers["location"] == "/settings/health"
    assert "Being assessed" in client.get("/settings/health").text
    work_off(site)
    client.post("/settings/jobs/run", data={"kind": "assess_check"})
    work_off(site)
    page = client.get("/settings/health").text
    assert "all as the rules give" in page and "never as a whole" not in page
    with site.database.write() as connection:
        results = sa.Table("x_customer", sa.MetaData(), autoload_with=connection)
        score = next(c for c in results.c if isinstance(c.type, sa.REAL | sa.Float) and c.name not in {"record_id"})
        wrong = connection.scalar(sa.select(sa.func.min(results.c.record_id)))
        connection.execute(sa.update(results).where(results.c.record_id == wrong).values({score.name: -99.0}))
    client.post("/settings/jobs/run", data={"kind": "assess_check"})
    work_off(site)
    page = client.get("/settings/health").text
    assert "Results differ from the rules" in page
    assert f'href="/o/customer/{wrong}"' in page and score.name in page
