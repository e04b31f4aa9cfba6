"""Reports: of the shipped template with a handful of customers; and that they show nobody more than they may see."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.config.releases import Catalogs
from server.demo.run import Demo, Wish
from server.errors import Forbidden, NotFound
from server.feature import Actor, Work
from server.features.objects.engine import tables
from server.features.reports.company import LISTED, RISERS, company_report
from server.features.reports.record import customer_report
from server.features.reviews import service as reviews
from server.registry import KINDS
from server.storage.session import Database
from server.tables import metadata
from tests.features.acting import ADMIN, CREDIT, REVIEWER, STAFF, ZONE

DAY = date(2026, 3, 10)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The shipped template and a small demo company."""
    folder: Path = tmp_path_factory.mktemp("company")
    database = Database(f"sqlite:///{folder}/company.sqlite")
    metadata.create_all(database.engine)
    demo = Demo(database, Catalogs(KINDS), ZONE, Wish(7, 24, DAY), lambda text, done, of: None)
    demo.build()
    yield demo
    database.close()


def assessed_ids(work: Work) -> list[int]:
    return list(work.session.scalars(sa.text("select record_id from x_customer order by record_id")))


def test_the_company(company: Demo) -> None:
    with company.work(REVIEWER, write=False) as work:
        report = company_report(work)
        scope = report.scope
        assert (scope.object, scope.as_of, scope.release) == ("customer", DAY, 1)
        assert scope.population == 24
        assert scope.assessed == len(assessed_ids(work))
        assert scope.coverage is not None
        assert 0 < scope.coverage <= 100
        levels = next(t for t in report.classes if t.classification == "risk_level")
        assert sum(c.count for c in levels.classes) == scope.assessed
        assert sum(c.before for c in levels.classes) > 0, "the day compared with is known"
        assert len(report.matrices) == 5
        for table in report.matrices:
            assert len(table.cells) == 9
            assert sum(c.count for c in table.cells.values()) == scope.assessed
            assert table.top_count == sum(c.count for c in table.cells.values() if c.level == table.matrix.levels[-1].key)
            assert len(table.top) == min(table.top_count, LISTED)
        assert len(report.risers) <= RISERS
        assert all(r.new > r.old for r in report.risers)
        rises = [r.new - r.old for r in report.risers]
        assert rises == sorted(rises, reverse=True)
        assert any(m.factor == "satisfaction" for m in report.missing)
        assert {s.key for s in report.methods.scores} == {"risk_score", "contribution_score", "loyalty_score"}
        assert report.conclusions
        assert report.figures.overdue_ratio is not None
        assert report.figures.largest_share is not None
        assert report.figures.industry is not None


def test_a_past_day(company: Demo) -> None:
    with company.work(REVIEWER, write=False) as work:
        report = company_report(work, date(2025, 12, 31))
        assert report.scope.as_of == date(2025, 12, 31)
        assert report.scope.assessed > 0
        assert all(r.reasons == () for r in report.risers)


def test_a_customer(company: Demo) -> None:
    with company.work(REVIEWER, write=False) as work:
        for record_id in assessed_ids(work)[:6]:
            report = customer_report(work, "customer", record_id)
            assert report.name
            assert {c.classification for c in report.classes} == {"credit_rating", "credit_stage", "customer_class", "risk_level", "value_tier", "watch_flag"}
            assert all(c.why.zh and c.why.en for c in report.classes)
            assert len(report.risks) == 5
            assert {s.explanation.score.key for s in report.scores} == {"risk_score", "contribution_score", "loyalty_score"}
            missing = {(s.explanation.score.key, f.factor.key) for s in report.scores for f in s.explanation.factors if f.missing}
            assert {(m.score, m.factor) for m in report.missing} == missing
            assert report.indicators
            assert report.conclusions
            assert report.limit is None or report.limit.amount >= 0


def test_reviews_of_the_template_open(company: Demo) -> None:
    with company.work(CREDIT) as work:
        for key in ("monthly_review", "quarterly_review"):
            page = reviews.get_review(work, reviews.open_review(work, key))
            assert page.metrics
            known = {m.metric: m for m in page.metrics}
            assert known["overdue_ratio"].value is not None
            assert known["dso"].value is not None
            assert page.facts.exposures
            assert page.facts.move_counts is not None


def test_reports_need_the_right(company: Demo) -> None:
    with company.work(STAFF, write=False) as work:
        with pytest.raises(Forbidden):
            company_report(work)
        with pytest.raises(Forbidden):
            customer_report(work, "customer", 1)
    with company.work(ADMIN, write=False) as work, pytest.raises(NotFound):
        customer_report(work, "customer", 10**9)
    with company.work(ADMIN, write=False) as work, pytest.raises(NotFound):
        customer_report(work, "order", 1)


def test_a_report_names_no_record_its_reader_may_not_see(company: Demo) -> None:
    """A person who holds the right to reports through one role and sees own customers only through the other."""
    with company.work(write=False) as work:
        table = tables(work.catalog)["customer"]
        rows = work.session.execute(sa.select(table.c.id, table.c.name, table.c.owner)).all()
        owner = next(r.owner for r in rows)
        own = {r.id for r in rows if r.owner == owner} & set(assessed_ids(work))
        names = {r.name for r in rows if r.owner != owner}
        staff = work.catalog.document("role", "staff")
        assert staff is not None
        body: dict[str, Any] = {**staff.body, "capabilities": [*staff.body["capabilities"], "reports"]}
        catalog = work.catalog.with_documents([type(staff)("role", "staff", body)])
    with company.work(Actor(owner, owner, ("staff",)), write=False) as work:
        limited = Work(work.session, work.actor, catalog, work.now, work.zone, work.hooks)
        report = company_report(limited)
        assert report.scope.assessed == len(own)
        assert not [name for name in names if name in repr(report)]
        others = [i for i in assessed_ids(work) if i not in own]
        with pytest.raises(NotFound):
            customer_report(limited, "customer", others[0])
        assert customer_report(limited, "customer", min(own)).limit is not None
