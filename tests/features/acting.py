"""A small company of documents and a real database, for tests of what people do: rights, strategies, workflows, reviews, reports."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.document import Document
from server.feature import SYSTEM, Actor, Hooks, Work
from server.features.assessment.service import assess_ids
from server.features.objects import results
from server.features.objects.engine import tables
from server.registry import HOOKS, KINDS
from server.storage.session import Database

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")


def title(zh: str, en: str = "") -> dict[str, str]:
    return {"zh_CN": zh, "en": en or zh}


def options(*keys: str) -> list[dict[str, Any]]:
    return [{"key": k, "title": title(k)} for k in keys]


CUSTOMER = {
    "kind": "object",
    "key": "customer",
    "title": title("客户", "Customer"),
    "name_field": "name",
    "owner_field": "owner",
    "assess": {"when": "lifecycle != 'lost'"},
    "schema": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"x-type": "text", "x-title": title("名称", "Name")},
            "owner": {"x-type": "user", "x-title": title("客户经理", "Owner")},
            "region": {"x-type": "choice", "x-options": options("east", "north"), "x-title": title("区域", "Region")},
            "lifecycle": {"x-type": "choice", "x-options": options("active", "lost"), "default": "active", "x-title": title("阶段", "Lifecycle")},
            "credit_limit": {"x-type": "decimal", "x-decimals": 2, "x-title": title("额度", "Credit limit")},
            "bank_account": {"x-type": "text", "x-mask": "last4", "x-title": title("银行账号", "Bank account")},
            "controller": {"x-type": "text", "x-mask": "name", "x-title": title("实际控制人", "Controller")},
            "signals": {"x-type": "integer", "x-title": title("信号数", "Signals")},
            "exposed": {"x-type": "decimal", "x-decimals": 2, "x-title": title("敞口", "Exposed")},
            "note": {"x-type": "long_text", "x-title": title("备注", "Note")},
            "parent": {"x-type": "reference", "x-reference": "customer", "x-title": title("集团", "Group")},
        },
    },
}

ORDER = {
    "kind": "object",
    "key": "order",
    "title": title("订单", "Order"),
    "schema": {
        "type": "object",
        "properties": {
            "order_no": {"x-type": "text"},
            "customer": {"x-type": "reference", "x-reference": "customer"},
            "amount": {"x-type": "decimal", "x-decimals": 2},
        },
    },
}

RESULTS = (
    {"kind": "indicator", "key": "signal_count", "title": title("信号", "Signals"), "object": "customer", "expression": "signals", "decimals": 0},
    {
        "kind": "indicator",
        "key": "uncovered_exposure",
        "title": title("未覆盖敞口", "Uncovered exposure"),
        "object": "customer",
        "expression": "exposed",
        "decimals": 2,
    },
    {
        "kind": "classification",
        "key": "risk_level",
        "title": title("风险等级", "Risk level"),
        "object": "customer",
        "main": True,
        "classes": options("low", "medium", "high", "none"),
        "rows": [
            {"when": "signal_count >= 4", "value": "high"},
            {"when": "signal_count >= 2", "value": "medium"},
            {"when": "signal_count >= 0", "value": "low"},
            {"value": "none"},
        ],
    },
)

ROLES = (
    {
        "kind": "role",
        "key": "admin",
        "title": title("业务管理员", "Admin"),
        "capabilities": ["desk", "matrix", "alerts", "tasks", "reviews", "reports", "studio", "publish", "people", "audit", "assess"],
        "objects": {"*": {"read": "True"}},
    },
    {
        "kind": "role",
        "key": "staff",
        "title": title("业务人员", "Staff"),
        "capabilities": ["desk", "alerts", "tasks"],
        "objects": {
            "customer": {
                "read": "owner == current_user",
                "create": "owner == current_user",
                "edit": "owner == current_user and lifecycle != 'lost'",
                "hidden": ["controller"],
                "readonly": ["credit_limit"],
            },
            "order": {"read": "customer.owner == current_user", "create": "customer.owner == current_user", "edit": "customer.owner == current_user"},
        },
    },
    {
        "kind": "role",
        "key": "credit_control",
        "title": title("信控", "Credit control"),
        "capabilities": ["desk", "alerts", "tasks", "reviews", "reports", "matrix", "assess"],
        "objects": {
            "customer": {"read": "True", "edit": "True", "readonly": ["name"], "unmasked": ["bank_account"]},
            "order": {"read": "True", "edit": "amount < 1000"},
        },
    },
    {
        "kind": "role",
        "key": "reviewer",
        "title": title("管理者", "Reviewer"),
        "capabilities": ["desk", "alerts", "tasks", "reviews", "sign", "reports", "matrix"],
        "objects": {"*": {"read": "True"}},
    },
    {"kind": "role", "key": "nothing", "title": title("无", "Nothing"), "objects": {"customer": {"read": "False", "hidden": ["note"]}}},
    {"kind": "role", "key": "broken", "title": title("坏", "Broken"), "objects": {"customer": {"read": "no_such_field == 1", "edit": "owner =="}}},
)

STAFF = Actor("li.na", "李娜", ("staff",))
OTHER = Actor("chen.jie", "陈洁", ("staff",))
CREDIT = Actor("wang.fang", "王芳", ("credit_control",))
REVIEWER = Actor("zhao.lei", "赵磊", ("reviewer",))
REVIEWER2 = Actor("sun.yan", "孙艳", ("reviewer",))
ADMIN = Actor("admin", "管理员", ("admin",))
PEOPLE = (STAFF, OTHER, CREDIT, REVIEWER, REVIEWER2, ADMIN)


def catalog_of(documents: Sequence[Mapping[str, Any]], release: int = 1) -> Catalog:
    return Catalog(release, {(d["kind"], d["key"]): Document(d["kind"], d["key"], d) for d in documents}, KINDS)


@dataclass
class World:
    database: Database
    catalog: Catalog
    hooks: Hooks = field(default_factory=Hooks)

    @contextmanager
    def work(self, actor: Actor = SYSTEM, now: datetime = NOW, *, write: bool = True) -> Iterator[Work]:
        with self.database.write() if write else self.database.read() as connection:
            yield Work(connection, actor, self.catalog, now, ZONE, self.hooks)

    def insert(self, object_key: str, **values: Any) -> int:
        """A record, past all rules."""
        system = {"version": 1, "created_at": NOW, "created_by": "system", "updated_at": NOW, "updated_by": "system"}
        with self.database.write() as connection:
            made = connection.execute(sa.insert(tables(self.catalog)[object_key]).values(**system, **values))
            return int(made.inserted_primary_key[0])

    def update(self, object_key: str, record_id: int, **values: Any) -> None:
        table = tables(self.catalog)[object_key]
        with self.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == record_id).values(**values))

    def assess(self, *ids: int, actor: Actor = SYSTEM, now: datetime = NOW) -> None:
        with self.work(actor, now) as work:
            assess_ids(work, "customer", ids)


def world_of(database: Database, *documents: Mapping[str, Any], hooks: Hooks | None = None) -> World:
    catalog = catalog_of([CUSTOMER, ORDER, *RESULTS, *ROLES, *documents])
    first: sa.Table = next(iter(tables(catalog).values()))
    first.metadata.create_all(database.engine)
    for table in (results.table(catalog, "customer"), results.history_table(catalog, "customer")):
        table.create(database.engine)
    return World(database, catalog, hooks or HOOKS)
