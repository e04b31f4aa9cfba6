"""A small house of assessed clients: documents that use every part of the pipeline, random records, and the same numbers by brute force."""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.config.document import Document
from server.config.publish import publish
from server.config.releases import Catalogs
from server.feature import SYSTEM, Actor, Hooks, Work, working
from server.features.objects import engine as objects
from server.registry import HOOKS, KINDS
from server.storage.session import Database

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 10)
LI = Actor("li", "李", ("staff",))


def a(kind: str, key: str, **body: Any) -> Document:
    return Document(kind, key, {"kind": kind, "key": key, "title": {"zh_CN": key, "en": key}, **body})


def options(*keys: str) -> dict[str, Any]:
    return {"x-options": [{"key": k, "title": {"zh_CN": k, "en": k}} for k in keys]}


def an_object(key: str, fields: Mapping[str, Any], **body: Any) -> Document:
    properties = {k: {"x-type": f} if isinstance(f, str) else f for k, f in fields.items()}
    return a("object", key, schema={"type": "object", "properties": properties}, **body)


def an_indicator(key: str, **body: Any) -> Document:
    return a("indicator", key, object="client", **body)


def days(last: int) -> dict[str, Any]:
    return {"last": last, "unit": "days"}


def days_back(back: int) -> dict[str, Any]:
    return {"back": back, "unit": "days"}


MONEY = {"x-type": "decimal", "x-decimals": 2}
SEGMENTS = options("a", "b", "c")
SALES: dict[str, Any] = {"source": "sale", "join": "client"}
WON = 'one_of(kind, "won", "paid")'
BANDS = [{"op": ">=", "value": 3, "points": 0}, {"op": ">=", "value": 1, "points": 40.5}, {"points": 100}]


def rows(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"when": when, "value": value} if when else {"value": value} for when, value in pairs]


def labels(*keys: str) -> list[dict[str, Any]]:
    return [{"key": k, "title": {"zh_CN": k, "en": k}} for k in keys]


OBJECTS = [
    an_object("team", {"name": "text", "risky": "yes_no"}, name_field="name"),
    an_object(
        "client",
        {
            "name": "text",
            "segment": {"x-type": "choice", **SEGMENTS},
            "credit": MONEY,
            "weight": "number",
            "active": "yes_no",
            "since": "date",
            "team": {"x-type": "reference", "x-reference": "team"},
            "owner": "user",
            "days_with_us": {"x-type": "integer", "x-computed": "days_between(since, today())"},
        },
        name_field="name",
        owner_field="owner",
        assess={"when": "coalesce(active, True)"},
    ),
    an_object(
        "sale",
        {
            "no": "text",
            "client": {"x-type": "reference", "x-reference": "client"},
            "team": {"x-type": "reference", "x-reference": "team"},
            "day": "date",
            "moment": "datetime",
            "amount": MONEY,
            "cost": MONEY,
            "units": "integer",
            "rate": "number",
            "kind": {"x-type": "choice", **options("won", "paid", "lost")},
            "age": {"x-type": "integer", "x-computed": "days_between(day, today())"},
        },
    ),
    an_object("news", {"headline": "text", "segments": {"x-type": "multi_choice", **SEGMENTS}, "points": "number", "day": "date"}, name_field="headline"),
]

INDICATORS = [
    an_indicator(
        "sales",
        **SALES,
        filter=WON,
        aggregate="count",
        date="day",
        window=days(30),
        previous=days_back(30),
        decimals=0,
        missing=0,
        alarm="sales < 1",
    ),
    an_indicator("all_sales", **SALES, aggregate="count", decimals=0),
    an_indicator(
        "turnover",
        **SALES,
        filter=WON,
        aggregate="sum",
        value="amount",
        date="day",
        window=days(90),
        decimals=2,
        missing=0,
        previous={"back": 365, "unit": "days", "when": "all_sales >= 3"},
    ),
    an_indicator("units_sum", **SALES, aggregate="sum", value="units", date="day", decimals=0),
    an_indicator(
        "rated",
        **SALES,
        filter=WON,
        aggregate="sum",
        value="rate * units",
        date="moment",
        window=days(60),
        decimals=4,
        missing=0,
        missing_when="all_sales == 0",
    ),
    an_indicator("mean_amount", **SALES, filter=WON, aggregate="avg", value="amount", date="moment", decimals=2),
    an_indicator("mean_rate", **SALES, aggregate="avg", value="rate", date="day", window=days(120), decimals=3),
    an_indicator("largest", **SALES, aggregate="max", value="amount", date="day", window=days(365), decimals=2),
    an_indicator("smallest_rate", **SALES, filter="rate > 0", aggregate="min", value="rate", decimals=6),
    an_indicator("last_day", **SALES, filter=WON, aggregate="max", value="day", date="day"),
    an_indicator("first_kind", **SALES, aggregate="first", value="kind", date="day"),
    an_indicator(
        "last_rate",
        **SALES,
        filter=WON,
        aggregate="last",
        value="rate",
        date="moment",
        window=days(200),
        previous=days_back(30),
        decimals=3,
    ),
    an_indicator("kinds", **SALES, aggregate="distinct", value="kind", date="day", window=days(180), decimals=0),
    an_indicator(
        "margin_pct",
        **SALES,
        filter=WON,
        aggregate="ratio",
        value="amount - cost",
        divisor="amount",
        scale=100,
        date="day",
        window=days(365),
        decimals=1,
    ),
    an_indicator("oldest_open", **SALES, filter='kind == "lost"', aggregate="max", value="age", decimals=0, missing=0, missing_when="all_sales == 0"),
    an_indicator("team_sales", **SALES, filter="team.risky", aggregate="count", date="day", decimals=0),
    an_indicator("own_segment", source="sale", join="client", filter='subject.segment == "a" and amount > subject.credit', aggregate="count", decimals=0),
    an_indicator(
        "pressure",
        source="news",
        match="is_empty(segments) or has(segments, subject.segment)",
        aggregate="sum",
        value="points * 0.5 ** (days_between(day, today()) / 30)",
        date="day",
        window=days(120),
        decimals=1,
        missing=0,
    ),
    an_indicator("silence", expression="days_between(last_day, today())", decimals=0),
    an_indicator("total_turnover", over_population=True, aggregate="sum", value="turnover", decimals=2),
    an_indicator("mean_turnover", over_population=True, aggregate="avg", value="turnover", filter="all_sales > 0", decimals=2),
    an_indicator("share", expression="safe_ratio(turnover, total_turnover) * 100", decimals=2, missing=0),
    an_indicator("index", expression="safe_ratio(turnover, mean_turnover)", decimals=2),
    an_indicator("mean_share", over_population=True, aggregate="avg", value="share", decimals=4),
    an_indicator("above", expression="share > mean_share"),
    an_indicator(
        "signals", expression="(1 if silence > 20 else 0) + (1 if turnover_change_pct <= -30 else 0) + (1 if pressure > 5 else 0)", decimals=0, missing=0
    ),
]

RULES = [
    a(
        "score",
        "risk",
        object="client",
        coverage_key="risk_coverage",
        factors=[
            {
                "key": "neutral",
                "title": {"zh_CN": "均值", "en": "Mean"},
                "value": "mean_rate",
                "weight": 13.3,
                "bands": BANDS,
                "missing": "neutral",
                "reason": {"zh_CN": "评分 {value}", "en": "Rate {value}"},
            },
            {
                "key": "worst",
                "value": "margin_pct",
                "weight": 30,
                "bands": [{"op": ">", "value": 20, "points": 0}, {"points": 80}],
                "missing": "worst",
                "reason": {"zh_CN": "毛利 {value}%", "en": "Margin {value}%"},
            },
            {
                "key": "skip",
                "value": "silence / 10",
                "weight": 25.7,
                "bands": [{"op": "<=", "value": 1, "points": 0}, {"op": "<=", "value": 2.5, "points": 33}, {"points": 100}],
                "missing": "skip",
                "reason": {"zh_CN": "沉默 {value}", "en": "Silent {value}"},
            },
            {
                "key": "segment",
                "value": "segment",
                "weight": 10,
                "bands": [{"op": "==", "value": "a", "points": 0}, {"op": "==", "value": "b", "points": 50}, {"points": 90}],
                "missing": "skip",
            },
            {"key": "team", "value": "team.risky", "weight": 7, "bands": [{"op": "==", "value": True, "points": 100}, {"points": 0}], "missing": "skip"},
        ],
    ),
    a(
        "score",
        "worth",
        object="client",
        better="up",
        factors=[
            {
                "key": "index",
                "value": "index",
                "weight": 3,
                "bands": [{"op": ">=", "value": 1, "points": 100}, {"op": ">=", "value": 0.5, "points": 60}, {"points": 10}],
                "missing": "block",
            },
            {"key": "credit", "value": "credit", "weight": 1, "bands": [{"op": ">=", "value": 100.5, "points": 100}, {"points": 0}], "missing": "skip"},
        ],
    ),
    a("classification", "tier", object="client", classes=labels("A", "B", "C"), rows=rows(("worth >= 65", "A"), ("worth >= 30 or above", "B"), ("", "C"))),
    a(
        "classification",
        "rating",
        object="client",
        classes=labels("bad", "fair", "good", "none"),
        main=True,
        rows=rows(("risk >= 60 or signals >= 2", "bad"), ("not team.risky and risk < 20", "good"), ("risk < 45", "good"), ("risk < 60", "fair"), ("", "none")),
    ),
    a(
        "matrix",
        "grid",
        likelihood=labels("low", "high"),
        impact=labels("low", "mid", "high"),
        levels=labels("calm", "rough", "storm"),
        cells=[["calm", "calm", "rough"], ["calm", "rough", "storm"]],
    ),
    a(
        "risk_type",
        "leaving",
        object="client",
        matrix="grid",
        likelihood=rows(('signals >= 1 and rating != "good"', "high"), ("", "low")),
        impact=rows(('tier == "A"', "high"), ('tier == "B"', "mid"), ("", "low")),
    ),
    a(
        "risk_type",
        "default",
        object="client",
        matrix="grid",
        likelihood=rows(('rating == "bad"', "high"), ("", "low")),
        impact=rows(("turnover > 1000", "high"), ("turnover > 100", "mid"), ("", "low")),
    ),
    a(
        "classification",
        "watch",
        object="client",
        classes=labels("storm", "rough", "calm"),
        rows=rows(("storm_type_count > 0", "storm"), ("rough_type_count + storm_type_count > 0", "rough"), ("", "calm")),
    ),
]

ALERTS = [
    a("role", "staff", objects={"*": {"read": "True"}}, capabilities=["alerts"]),
    a(
        "alert",
        "silent",
        object="client",
        when="silence > 20",
        clear="silence <= 10",
        severity="warning",
        severity_when=[{"when": 'tier == "A"', "severity": "critical"}],
        cool_down_days=30,
        recipients=[{"to": "owner"}, {"to": "staff", "when": "turnover > 0"}],
        watch="silence",
        message={
            "zh_CN": "【{severity}】{name}:沉默 {silence} 天,{turnover},{segment}:{reasons}",
            "en": "[{severity}] {name}: silent for {silence} days, {turnover}, {segment}: {reasons}",
        },
    ),
    a(
        "alert",
        "stormy",
        object="client",
        when='watch == "storm" and all_sales > 5',
        severity="info",
        recipients=[{"to": "staff"}],
        message={"zh_CN": "风暴", "en": "Storm"},
    ),
]

DOCUMENTS = [*OBJECTS, *INDICATORS, *RULES]


class House:
    """One database with the documents published, and the way to work on it."""

    def __init__(self, database: Database, documents: Iterable[Document] = DOCUMENTS, hooks: Hooks = HOOKS) -> None:
        self.database, self.hooks = database, hooks
        self.now, self.zone = NOW, ZONE
        self.catalogs = Catalogs(KINDS)
        self.documents = {(d.kind, d.key): d for d in documents}
        with self.work() as work:
            publish(work, self.documents, "test")

    @contextmanager
    def work(self, *, write: bool = True, actor: Actor = SYSTEM, now: datetime | None = None) -> Iterator[Work]:
        with working(self.database, self.catalogs, self.hooks, actor, now or self.now, self.zone, write=write) as work:
            yield work

    def republish(self, *changed: Document) -> None:
        self.documents |= {(d.kind, d.key): d for d in changed}
        with self.work() as work:
            publish(work, self.documents, "changed")

    def insert(self, object_key: str, *records: Mapping[str, Any]) -> None:
        """Past validation and hooks: as if the records had always been there."""
        system = {"version": 1, "created_at": NOW, "created_by": "t", "updated_at": NOW, "updated_by": "t"}
        with self.work() as work:
            table = objects.tables(work.catalog)[object_key]
            keys = {k for r in records for k in r}
            work.session.execute(sa.insert(table), [{**system, **dict.fromkeys(keys), **r} for r in records])
            if not self.database.is_sqlite:  # ids were given: the sequence does not know of them
                work.session.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), sa.func.max(table.c.id))))

    def rows(self, table: str, *order: str) -> list[dict[str, Any]]:
        """A table as it lies there."""
        with self.database.read() as connection:
            found = sa.Table(table, sa.MetaData(), autoload_with=connection)
            return [dict(r) for r in connection.execute(sa.select(found).order_by(*(order or ("record_id",)))).mappings()]


def fill(house: House, seed: int, clients: int = 12, sales: int = 120) -> None:
    """Random records with the awkward ones among them: window edges, nulls, days to come, equal dates, deleted rows."""
    r = random.Random(seed)
    days = [0, 1, 29, 30, 31, 59, 60, 61, 89, 90, 91, 119, 120, 365, 366, 395, 455, -1, -5]

    def a_day() -> date | None:
        return None if r.random() < 0.05 else TODAY - timedelta(days=r.choice(days) if r.random() < 0.6 else r.randrange(500))

    def maybe(value: Any, chance: float = 0.15) -> Any:
        return None if r.random() < chance else value

    def money(top: int) -> Decimal:
        return Decimal(r.randrange(top)) / 100

    house.insert("team", {"id": 1, "name": "one", "risky": True}, {"id": 2, "name": "two", "risky": False}, {"id": 3, "name": "three", "risky": None})
    house.insert(
        "client",
        *(
            {
                "id": i,
                "name": f"client {i}",
                "segment": maybe(r.choice("abc")),
                "credit": maybe(money(50000)),
                "active": maybe(r.random() < 0.85),
                "since": maybe(date(2020, 1, 1)),
                "team": maybe(r.randrange(1, 4)),
                "owner": maybe("li"),
                "deleted_at": NOW if r.random() < 0.05 else None,
            }
            for i in range(1, clients + 1)
        ),
    )
    sold: list[dict[str, Any]] = []
    for i in range(1, sales + 1):
        day = a_day()
        instant = (
            None
            if r.random() < 0.05
            else datetime(2026, 3, 10, 15, 59, 59, tzinfo=UTC) - timedelta(days=r.choice(days), seconds=r.choice([0, 1, 86400, -1, r.randrange(86400)]))
        )
        rate = maybe(r.choice([0.1, 0.2, 1 / 3, -0.1, 4.15, 2.675, r.random() * 10]))
        sold.append(
            {
                "id": i,
                "client": maybe(r.randrange(1, clients + 1), 0.03),
                "team": maybe(r.randrange(1, 4)),
                "day": day,
                "moment": instant,
                "amount": maybe(money(100000)),
                "cost": maybe(money(80000)),
                "units": maybe(r.randrange(-5, 20)),
                "rate": rate,
                "kind": maybe(r.choice(["won", "paid", "lost"])),
                "deleted_at": NOW if r.random() < 0.05 else None,
            }
        )
    house.insert("sale", *sold)
    house.insert(
        "news",
        *(
            {
                "id": i,
                "headline": f"news {i}",
                "segments": r.choice([None, ["a"], ["b", "c"]]),
                "points": r.choice([5.0, 12.5, -3.0]),
                "day": TODAY - timedelta(days=r.randrange(-3, 130)),
            }
            for i in range(1, 6)
        ),
    )
