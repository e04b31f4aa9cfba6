"""A run of those who are due leaves what counting everything by hand gives, and works out nobody else."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.config.document import Document
from server.expressions.types import At
from server.feature import Work
from server.features.assessment.ageing import on_day
from server.features.assessment.engine import compile_pipeline, outputs
from server.features.assessment.movement import histories, movers
from server.features.assessment.service import assess_all, assess_due, last_run, score_history
from server.features.indicators.due import Moved
from server.features.indicators.gathering import passes
from server.features.objects import results as stored
from server.features.reviews.populations import results_on
from server.storage.session import Database
from tests.features.assessing import ALERTS, DOCUMENTS, House, a, an_indicator, an_object, fill, labels, rows
from tests.features.assessment.generated import AGGREGATES, WAYS, Records, documents
from tests.features.assessment.writing import Writer, mixed
from tests.features.brute import Brute

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = date(2026, 2, 26)
EVERYTHING = "WEATHERGLASS_TEST_WRITES" in os.environ  # `make exactness`
DAYS = (1, 1, 1, 2, 27, 1, 1) if EVERYTHING else (1, 3, 27)  # between one run and the next: over the end of a short month, a month missed

TIMED = [
    an_indicator("since_last", source="line", join="client", aggregate="min", value="days_between(day, today())", date="day", filter="units > 0", decimals=0),
    an_indicator("since_first", source="line", join="client", aggregate="max", value="days_between(moment, now())", date="moment", decimals=0),
    an_indicator("open_age", source="line", join="client", aggregate="max", value="days_between(day, today())", missing=0, decimals=0),
    an_indicator("ahead", source="line", join="deal.client", filter="day >= today() and (moment < now() or deal.open)", aggregate="count", decimals=0),
    an_indicator("last_day", source="line", join="client", aggregate="max", value="day", date="day"),
    an_indicator("quiet", expression="days_between(last_day, today())", decimals=0),
    an_indicator("quiet_weeks", expression="quiet / 7", decimals=0),
    an_indicator("fading", source="line", match="segment == subject.segment", aggregate="sum", value="units * 0.5 ** age", date="day",
                 window={"last": 20, "unit": "days"}, decimals=3),
    a("classification", "silence", object="client", classes=labels("long", "short"), rows=rows(("since_last > 40 or quiet > 100", "long"), ("", "short"))),
]  # fmt: skip
LONE = [d for d in TIMED if d.key not in ("fading", "quiet_weeks", "open_age")]


def calm(way: str) -> Callable[[], list[Document]]:
    """Without what reads the whole population: a mean that moves makes everybody due who is compared with it."""
    return lambda: [d for d in [*documents(way, tuple(AGGREGATES)[::3]), *LONE] if d.key not in ("mean_risk", "above", "rank")]


SETS: dict[str, Callable[[], list[Document]]] = {**{way: calm(way) for way in WAYS}, "everything": lambda: [*mixed(), *TIMED]}


def check(house: House) -> None:
    with house.work(write=False) as work:
        expected, names = Brute(work, work.at).results(), list(outputs(work.catalog, "client"))
        history = stored.history_table(work.catalog, "client")
        newest = sa.select(history.c.record_id, sa.func.max(history.c.as_of).label("as_of")).group_by(history.c.record_id).subquery()
        known = on_day(work.catalog, "client", history, sa.literal(work.at.today, sa.Date()))
        joined = history.join(newest, sa.and_(newest.c.record_id == history.c.record_id, newest.c.as_of == history.c.as_of))
        told = {row[0]: row for row in work.session.execute(sa.select(history.c.record_id, *(known[n] for n in names)).select_from(joined))}
    found = {row["record_id"]: row for row in house.rows("x_client")}
    assert found.keys() == expected.keys()
    assert [(i, n, found[i][n], v[n]) for i, v in expected.items() for n in names if found[i][n] != v[n]] == []
    assert [(i, n, told[i][1 + at], v[n]) for i, v in expected.items() for at, n in enumerate(names) if told[i][1 + at] != v[n]] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SETS)
def test_who_is_due_is_found(database: Database, name: str) -> None:
    house = House(database, SETS[name]())
    house.zone = ZONE
    house.now = datetime(BEGIN.year, BEGIN.month, BEGIN.day, 1, 30, tzinfo=UTC)
    records = Records(len(name), BEGIN, ZONE)
    for object_key, made in records.all(clients=25, deals=20, parts=20, lines=45).items():
        house.insert(object_key, *made)
    assess_all(house.work, "client")
    check(house)
    writer, asked, population = Writer(house, records), 0, 0
    for turn, days in enumerate(DAYS):
        for _ in range(turn % 3 * 4):
            writer.write()
        house.now += timedelta(days=days, hours=5 if turn == 3 else 0)
        for _ in range(turn % 2 * 3):
            writer.write()
        summary = assess_due(house.work, house.work, "client", chunk=17)
        asked, population = asked + summary.due, population + summary.records
        check(house)
    if name not in ("matched", "everything"):  # there a day touches everybody
        assert asked < population * 0.9, "some were not due"


def test_a_night_works_out_few_and_their_alerts(database: Database) -> None:
    """The house of the other tests, whose `silent` alert reads an age and nothing else that moves."""
    house = House(database, [*DOCUMENTS, *ALERTS])
    fill(house, 5)
    assess_all(house.work, "client")
    seen = list[int]()
    for _ in range(12):
        house.now += timedelta(days=1)
        assess_due(house.work, house.work, "client")
        with house.work(write=False) as work:
            table = stored.table(work.catalog, "client")
            fires = set(work.session.scalars(sa.select(table.c.record_id).where(table.c.silence > 20)))
            clears = set(work.session.scalars(sa.select(table.c.record_id).where(table.c.silence <= 10)))
        going = {row["record_id"] for row in house.rows("alerts", "id") if row["rule"] == "silent" and row["state"] != "closed"}
        assert fires <= going and not clears & going
        seen.append(len(going))
    assert len(set(seen)) > 1, "alerts opened on the way"


def test_a_night_that_changes_nothing_writes_no_history(database: Database) -> None:
    documents_ = [d for d in calm("direct")() if d.key not in ("ahead",)]
    house = House(database, documents_)
    for object_key, made in Records(3, date(2020, 1, 1), ZONE).all().items():  # all lies years back
        house.insert(object_key, *made)
    assess_all(house.work, "client")
    before, told = house.rows("x_client"), house.rows("x_client_history")
    house.now += timedelta(days=1)
    summary = assess_due(house.work, house.work, "client")
    assert (summary.due, summary.changed) == (0, 0) and summary.records == len(before)
    after = house.rows("x_client")
    assert all(new["since_last"] == old["since_last"] + 1 for new, old in zip(after, before, strict=True) if old["since_last"] is not None)
    assert any(old["since_last"] is not None for old in before)
    assert house.rows("x_client_history") == told
    aged = next(row for row in after if row["since_last"] is not None)
    yesterday, today = house.now.date() - timedelta(days=1), house.now.date()
    with house.work(write=False) as work:
        line = score_history(work, "client", aged["record_id"], "since_last")
        assert line == [(yesterday, aged["since_last"] - 1), (today, aged["since_last"])], "an age is drawn as it grew"
        assert histories(work, "client", [aged["record_id"]], "since_last", yesterday) == {aged["record_id"]: line}
        past = results_on(work, "client", At.end_of(yesterday, work.zone))
        assert work.session.scalar(sa.select(past.c.since_last).where(past.c.record_id == aged["record_id"])) == aged["since_last"] - 1
    house.now += timedelta(days=9)
    assess_due(house.work, house.work, "client")
    with house.work(write=False) as work:
        past = results_on(work, "client", At.end_of(today, work.zone))
        assert work.session.scalar(sa.select(past.c.since_last).where(past.c.record_id == aged["record_id"])) == aged["since_last"]
        assert movers(work, "client", today, ["since_last", "silence"], "since_last")[1] > 0, "ages move too"
        assert movers(work, "client", today, ["silence"], "since_last")[1] == 0


def test_passed_edges_are_found_by_the_day_and_gathering_takes_the_other_index(sqlite_database: Database) -> None:
    """Both would fit both statements, and each is far slower with the other's."""
    house = House(sqlite_database, calm("direct")())
    with house.work(write=False) as work:
        client, then = work.catalog.get("object", "client"), At(house.now - timedelta(days=1), house.zone)
        made = [Moved(work.catalog, client, p, then, work.at) for p in passes(i for i in work.catalog.all("indicator") if i.join == "client")]
        passed = [s for moved in made for s in moved.crossing()]
        plans = [plan(work, s, {}) for s in passed]
        assert plans and all("COVERING INDEX gather_day_o_line" in p for p in plans), plans
        pipeline = compile_pipeline(work.catalog, "client")
        gathering = plan(work, pipeline.query, pipeline.parameters(work.at, {}, low=0, high=9))
        assert "gather_o_line_client" in gathering and "gather_day" not in gathering


def plan(work: Work, statement: sa.Executable, bound: Mapping[str, Any]) -> str:
    asked: list[tuple[str, Any]] = []
    sa.event.listen(
        work.session.engine, "before_cursor_execute", lambda c, cursor, text, parameters, context, many: asked.append((text, parameters)), once=True
    )
    work.session.execute(statement, bound)
    text, parameters = asked[0]
    return "\n".join(str(row[3]) for row in work.session.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters))


def test_time_alone_brings_records_into_the_population_and_out_of_it(database: Database) -> None:
    """Their alerts too: whoever leaves has none."""
    client = an_object("client", {"name": "text", "since": "date", "until": "date"}, assess={"when": "since <= today() and coalesce(until >= today(), True)"})
    level = a("classification", "level", object="client", classes=labels("new", "old"), rows=rows(("days > 2", "old"), ("", "new")))
    alert = a(
        "alert", "aged", object="client", when="days >= 2", severity="info", recipients=[{"to": "staff"}], message={"zh_CN": "老", "en": "Old"}, respond_hours=8
    )
    age = an_indicator("days", expression="days_between(since, today())", decimals=0)
    house = House(database, [client, level, alert, age, a("role", "staff", objects={"*": {"read": "True"}}, capabilities=["alerts"])])
    today = house.now.date()
    house.insert(
        "client",
        {"id": 1, "name": "goes", "since": today - timedelta(days=1), "until": today + timedelta(days=2)},
        {"id": 2, "name": "comes", "since": today + timedelta(days=2)},
        {"id": 3, "name": "stays", "since": today - timedelta(days=900)},
        {"id": 4, "name": "never", "since": today + timedelta(days=900)},
    )
    assess_all(house.work, "client")
    told = []
    for _ in range(5):
        house.now += timedelta(days=1)
        summary = assess_due(house.work, house.work, "client")
        check(house)
        going = {row["record_id"] for row in house.rows("alerts", "id") if row["state"] != "closed"}
        told.append((summary.due, sorted(row["record_id"] for row in house.rows("x_client")), sorted(going)))
    assert told == [(0, [1, 3], [1, 3]), (2, [1, 2, 3], [1, 3]), (1, [2, 3], [3]), (0, [2, 3], [2, 3]), (1, [2, 3], [2, 3])]


def test_a_run_of_who_is_due_is_continued_where_it_was(database: Database) -> None:
    house = House(database, calm("direct")())
    for object_key, made in Records(5, BEGIN, ZONE).all(clients=20, lines=200).items():
        house.insert(object_key, *made)
    assess_all(house.work, "client")
    house.now += timedelta(days=1)

    class Killed(Exception):
        pass

    def dying(done: int, _: int) -> None:
        if done >= 6:
            raise Killed

    with pytest.raises(Killed):
        assess_due(house.work, house.work, "client", progress=dying, chunk=3)
    rest = assess_due(house.work, house.work, "client", chunk=3)
    assert rest.resumed
    check(house)
    assert [r["state"] for r in house.rows("assessment_runs", "id")] == ["done", "done"]


def test_other_rules_or_another_zone_begin_anew(database: Database) -> None:
    house = House(database, calm("direct")())
    for object_key, made in Records(6, BEGIN, ZONE).all().items():
        house.insert(object_key, *made)
    assess_all(house.work, "client")
    house.zone = ZoneInfo("America/New_York")
    house.now += timedelta(days=1)
    assert assess_due(house.work, house.work, "client").due == len(house.rows("x_client"))
    check(house)
    house.republish(an_indicator("since_last", source="line", join="client", aggregate="count", decimals=0))
    with house.work(write=False) as work:
        run = last_run(work, "client")
    assert run is not None and run["release"] != 2
    house.now += timedelta(days=1)
    assert assess_due(house.work, house.work, "client").due == len(house.rows("x_client"))
    check(house)
