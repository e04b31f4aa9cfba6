"""Builds the demo company step by step. Each step is one transaction that also leaves a mark in the audit, so that a build cut off goes on where it was."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.clock import now
from server.config.publish import publish_first
from server.config.releases import Catalogs
from server.demo import story
from server.demo.calendar import Timeline
from server.demo.company import OBJECTS, Company, company
from server.demo.load import load
from server.demo.people import hire
from server.errors import Conflict, Text
from server.expressions.types import At
from server.feature import SYSTEM, Actor, Work, working
from server.features.assessment.service import assess_all
from server.features.audit import service as audit
from server.features.audit.tables import audit_log
from server.features.objects.engine import table
from server.features.workflows.instances import begin, workflows_of
from server.registry import HOOKS
from server.storage.session import Database

STEP = "demo_step"
TREND_MONTHS = 12
WEEKS = 9
Show = Callable[[Text, int, int], None]  # what is done, how far, of how many


@dataclass(frozen=True)
class Wish:
    seed: int
    customers: int
    as_of: date


@dataclass
class Demo:
    """One build. `today` is the organisation's day at its start."""

    database: Database
    catalogs: Catalogs
    zone: ZoneInfo
    wish: Wish
    show: Show
    folder: str = ""
    done: set[str] = field(default_factory=set)

    @cached_property
    def moment(self) -> datetime:
        """The present, or the end of the as-of day when that is another."""
        present = now()
        return present if At(present, self.zone).today == self.wish.as_of else At.end_of(self.wish.as_of, self.zone).instant

    @cached_property
    def company(self) -> Company:
        self.show(Text("生成公司", "Making up the company"), 0, 1)
        return company(self.wish.seed, self.wish.customers, Timeline(self.wish.as_of, self.zone))

    @contextmanager
    def work(self, actor: Actor = SYSTEM, *, write: bool = True, at: datetime | None = None) -> Iterator[Work]:
        with working(self.database, self.catalogs, HOOKS, actor, at or self.moment, self.zone, write=write, cause="demo") as work:
            yield work

    def build(self) -> bool:
        """True when something was done, False when the company was there already."""
        self._recall()
        before = len(self.done)
        with self.work() as work:
            publish_first(work, self.folder)
        self._step("people", Text("人员", "People"), hire)
        for key in OBJECTS:
            self._load(key)
        self._step("workflows", Text("流程", "Workflows"), self._begin_workflows)
        self._assess()
        ends = month_ends(self.wish.as_of, TREND_MONTHS)
        self._step("metrics", Text("改进指标", "Metrics"), lambda work: story.metrics(work, ends))
        for key, title, act in story.STORY:
            self._step(f"story:{key}", title, act)
        return len(self.done) > before

    def _recall(self) -> None:
        """What earlier runs have done; the first run's seed, size and day hold for all that follow."""
        with self.work() as work:
            steps = [
                json.loads(text) for text in work.session.scalars(sa.select(audit_log.c.detail).where(audit_log.c.action == STEP).order_by(audit_log.c.id))
            ]
            if not steps:
                _refuse_foreign(work)
                first = {"step": "begin", "seed": self.wish.seed, "customers": self.wish.customers, "as_of": self.wish.as_of.isoformat()}
                audit.record(work, STEP, detail=first)
                steps = [first]
        first = steps[0]
        self.wish = Wish(first["seed"], first["customers"], date.fromisoformat(first["as_of"]))
        self.done = {step["step"] for step in steps}

    def _mark(self, work: Work, step: str) -> None:
        audit.record(work, STEP, detail={"step": step})

    def _step(self, step: str, title: Text, act: Callable[[Work], None], at: datetime | None = None) -> None:
        if step in self.done:
            return
        self.show(title, 0, 1)
        with self.work(at=at) as work:
            act(work)
            self._mark(work, step)
        self.done.add(step)
        self.show(title, 1, 1)

    def _load(self, key: str) -> None:
        step = f"load:{key}"
        if step in self.done:
            return
        rows = self.company.rows[key]
        with self.work() as work:
            title, so_far = work.catalog.get("object", key).plural, 0

            def advance(count: int) -> None:
                nonlocal so_far
                so_far += count
                self.show(title, so_far, len(rows))

            load(work, key, rows, advance)
            self._mark(work, step)
        self.done.add(step)

    def _begin_workflows(self, work: Work) -> None:
        for key in OBJECTS:
            for workflow in workflows_of(work, key):
                begin(work, workflow, [row["id"] for row in self.company.rows[key]])

    def _assess(self) -> None:
        """Month-ends of the last year for the trend. Then the last weeks are lived through: each is assessed as the present, and people act on it."""
        for day in month_ends(self.wish.as_of, TREND_MONTHS):
            self._past(day)
        weeks = [self.wish.as_of - timedelta(days=7 * i) for i in range(WEEKS, -1, -1)]
        for day, until in zip(weeks, [*weeks[1:], weeks[-1]], strict=True):
            self._week(day, until)

    def _past(self, day: date) -> None:
        step = f"assess:{day}"
        if step in self.done:
            return
        title = Text(f"评估 {day:%Y-%m-%d}", f"Assessing {day:%Y-%m-%d}")
        assess_all(self.work, "customer", day, lambda done, total: self.show(title, done, total))
        self._step(step, title, lambda work: None)

    def _week(self, day: date, until: date) -> None:
        step = f"week:{day}"
        if step in self.done:
            return
        title = Text(f"经历 {day:%Y-%m-%d}", f"Living through {day:%Y-%m-%d}")
        moment = self.moment if day == self.wish.as_of else datetime.combine(day, time(18), self.zone)
        assess_all(lambda: self.work(at=moment), "customer", None, lambda done, total: self.show(title, done, total))
        plans = {plan.number: plan for plan in self.company.plans}
        self._step(step, title, lambda work: story.week(work, plans, until), moment)


def month_ends(as_of: date, count: int) -> list[date]:
    """The last days of the `count` months before the month of `as_of`, oldest first."""
    found = []
    first = as_of.replace(day=1)
    for _ in range(count):
        last = first - timedelta(days=1)
        found.append(last)
        first = last.replace(day=1)
    return found[::-1]


def _refuse_foreign(work: Work) -> None:
    customer = work.catalog.get("object", "customer")
    if customer is not None and work.session.scalar(sa.select(table(customer, work.catalog).c.id).limit(1)) is not None:
        raise Conflict(
            Text("这个数据库里已有客户，演示数据不会混入", "This database holds customers already; the demo keeps out of it"),
            Text("请用 WEATHERGLASS_DATABASE_URL 指定另一个数据库", "Name another database by WEATHERGLASS_DATABASE_URL"),
        )
