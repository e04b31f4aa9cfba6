"""A credit-limit request walks through its workflow, and does not where it may not."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from server.feature import Actor
from server.features.audit.tables import audit_log
from server.features.objects.engine import tables
from server.features.records import service as records
from server.features.workflows import service
from server.features.workflows.tables import workflow_instances, workflow_steps
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, NOW, OTHER, REVIEWER, REVIEWER2, ROLES, STAFF, World, catalog_of, options, title, world_of

STATES = ("draft", "analysis", "approval", "active", "rejected")
REQUEST = {
    "kind": "object",
    "key": "request",
    "title": title("额度申请", "Request"),
    "name_field": "reason",
    "schema": {
        "type": "object",
        "required": ["customer", "amount"],
        "properties": {
            "customer": {"x-type": "reference", "x-reference": "customer", "x-title": title("客户", "Customer")},
            "amount": {"x-type": "decimal", "x-decimals": 2, "x-title": title("金额", "Amount")},
            "reason": {"x-type": "text", "x-title": title("理由", "Reason")},
            "opinion": {"x-type": "text", "x-title": title("意见", "Opinion")},
            "decided_on": {"x-type": "date", "x-readonly": True, "x-title": title("决定日", "Decided")},
            "status": {"x-type": "choice", "x-readonly": True, "default": "draft", "x-options": options(*STATES), "x-title": title("状态", "Status")},
        },
    },
}
OWN = "customer.owner == current_user"
REQUEST_ROLES = (
    ("staff", {"read": OWN, "create": OWN, "edit": OWN}),
    ("credit_control", {"read": "True", "create": "True", "edit": "True"}),
)
LIMIT = {
    "kind": "workflow",
    "key": "limit",
    "title": title("额度审批", "Limit"),
    "object": "request",
    "states": [
        {"key": "draft", "title": title("草稿", "Draft"), "type": "initial"},
        {"key": "analysis", "title": title("分析", "Analysis"), "sla_days": 2},
        {"key": "approval", "title": title("审批", "Approval"), "type": "approval", "sla_days": 3, "approvers": ["reviewer"], "editable": False},
        {"key": "active", "title": title("生效", "Active"), "type": "final", "editable": False},
        {"key": "rejected", "title": title("拒绝", "Rejected"), "type": "final", "editable": False},
    ],
    "transitions": [
        {
            "key": "submit",
            "title": title("提交", "Submit"),
            "from": ["draft"],
            "to": "analysis",
            "roles": ["staff", "credit_control"],
            "guard": "customer.signal_count < 4",
            "guard_message": title("信号过多", "Too many signals"),
        },
        {"key": "recommend", "title": title("建议", "Recommend"), "from": ["analysis"], "to": "approval", "roles": ["credit_control"], "require": ["opinion"]},
        {
            "key": "approve",
            "title": title("批准", "Approve"),
            "from": ["approval"],
            "to": "active",
            "roles": ["reviewer"],
            "decision": "approve",
            "sets": {"decided_on": "today()"},
            "updates": [{"through": "customer", "sets": {"credit_limit": "coalesce(customer.credit_limit, 0) + amount"}}],
        },
        {
            "key": "reject",
            "title": title("拒绝", "Reject"),
            "from": ["approval"],
            "to": "rejected",
            "roles": ["reviewer"],
            "comment": True,
            "decision": "reject",
        },
        {"key": "back", "title": title("退回", "Back"), "from": ["approval"], "to": "analysis", "roles": ["reviewer"], "comment": True},
    ],
}


def roles() -> list[dict[str, Any]]:
    """The roles of the other tests, with rights on requests."""
    rights: dict[Any, Any] = dict(REQUEST_ROLES)
    return [{**r, "objects": {**r["objects"], **({"request": rights[r["key"]]} if r["key"] in rights else {})}} for r in ROLES]  # type: ignore[dict-item]


@pytest.fixture
def world(database: Database) -> World:
    return world_of(database, REQUEST, LIMIT, *roles())


@pytest.fixture
def customer(world: World) -> int:
    record_id = world.insert("customer", name="晴川", owner="li.na", lifecycle="active", signals=1, credit_limit=Decimal("100.10"))
    world.assess(record_id)
    return record_id


def request(world: World, customer: int, actor: Actor = STAFF, **values: Any) -> int:
    with world.work(actor) as work:
        return records.create(work, "request", {"customer": customer, "amount": "500.05", "reason": "增长"} | values)


def take(world: World, record_id: int, transition: str, actor: Actor, comment: str = "", **more: Any) -> service.Instance:
    with world.work(actor) as work:
        return service.take(work, "request", record_id, transition, comment, **more)


def at_approval(world: World, customer: int) -> int:
    record_id = request(world, customer)
    take(world, record_id, "submit", STAFF)
    with world.work(CREDIT) as work:
        records.update(work, "request", record_id, {"opinion": "同意"}, records.get(work, "request", record_id).version)
    take(world, record_id, "recommend", CREDIT)
    return record_id


def value(world: World, object_key: str, record_id: int, field: str) -> Any:
    table = tables(world.catalog)[object_key]
    with world.work(write=False) as work:
        return work.session.scalar(sa.select(table.c[field]).where(table.c.id == record_id))


def state(world: World, record_id: int) -> str:
    with world.work(write=False) as work:
        found = service.state_of(work, "request", record_id)
        assert found is not None
        assert found.state.key == value(world, "request", record_id, "status"), "the record shows the state"
        return found.state.key


def test_the_whole_way(world: World, customer: int) -> None:
    record_id = at_approval(world, customer)
    assert state(world, record_id) == "approval"
    done = take(world, record_id, "approve", REVIEWER, "可以")
    assert done.state.key == "active"
    assert state(world, record_id) == "active"
    assert value(world, "customer", customer, "credit_limit") == Decimal("600.15")
    assert value(world, "request", record_id, "decided_on").isoformat() == "2026-03-10"
    assert [(s.by, s.source.key, s.target.key, s.comment) for s in done.history] == [
        ("li.na", "draft", "analysis", ""),
        ("wang.fang", "analysis", "approval", ""),
        ("zhao.lei", "approval", "active", "可以"),
    ]
    assert done.transitions == ()
    with world.work() as work:
        changes = records.history(work, "customer", customer)
        assert [(c.by, c.cause, c.field) for c in changes if c.field == "credit_limit"] == [("zhao.lei", "workflow", "credit_limit")]
        steps = work.session.scalar(sa.select(sa.func.count()).select_from(audit_log).where(audit_log.c.action == "workflow_step"))
        assert steps == 3


def test_an_unknown_or_false_guard_refuses_and_says_why(world: World, customer: int) -> None:
    record_id = request(world, customer)
    world.update("customer", customer, signals=9)
    world.assess(customer)
    with pytest.raises(Conflict) as refused:
        take(world, record_id, "submit", STAFF)
    assert refused.value.message.zh == "信号过多"
    world.update("customer", customer, signals=None)
    world.assess(customer)
    with pytest.raises(Conflict):
        take(world, record_id, "submit", STAFF)
    with world.work(STAFF) as work:
        found = service.state_of(work, "request", record_id)
        assert found is not None
        assert [(t.key, t.blocked.zh if t.blocked else None, t.for_me) for t in found.transitions] == [("submit", "信号过多", True)]
    assert state(world, record_id) == "draft"


def test_required_fields_and_comments(world: World, customer: int) -> None:
    record_id = request(world, customer)
    take(world, record_id, "submit", STAFF)
    with pytest.raises(Invalid) as refused:
        take(world, record_id, "recommend", CREDIT)
    assert [p.path for p in refused.value.problems] == ["opinion"]
    record_id = at_approval(world, customer)
    with pytest.raises(Invalid):
        take(world, record_id, "reject", REVIEWER, "  ")
    with pytest.raises(Invalid):
        take(world, record_id, "reject", REVIEWER, "x" * 5000)
    assert take(world, record_id, "reject", REVIEWER, "额度过高").state.key == "rejected"
    assert value(world, "customer", customer, "credit_limit") == Decimal("100.10")


def test_nobody_decides_on_their_own_request(world: World, customer: int) -> None:
    chief = Actor("li.na", "李娜", ("staff", "reviewer", "credit_control"))
    record_id = at_approval(world, customer)
    with pytest.raises(Forbidden):
        take(world, record_id, "approve", chief)
    recommender = Actor("wang.fang", "王芳", ("credit_control", "reviewer"))
    with pytest.raises(Forbidden):
        take(world, record_id, "approve", recommender)
    with world.work(recommender) as work:
        assert service.waiting_for_me(work) == ()
    assert take(world, record_id, "approve", REVIEWER).state.key == "active"


def test_roles_steps_and_records_are_held_to(world: World, customer: int) -> None:
    record_id = request(world, customer)
    with pytest.raises(Conflict):
        take(world, record_id, "approve", REVIEWER)  # no step is skipped
    with pytest.raises(Forbidden):
        take(world, record_id, "submit", ADMIN)
    with pytest.raises(NotFound):
        take(world, record_id, "submit", OTHER)  # another's customer
    with pytest.raises(NotFound):
        take(world, record_id, "no such step", STAFF)
    with pytest.raises(NotFound):
        take(world, 999, "submit", STAFF)
    with pytest.raises(Conflict):
        take(world, record_id, "submit", STAFF, version=99)
    with world.work(OTHER) as work, pytest.raises(NotFound):
        service.state_of(work, "request", record_id)
    assert state(world, record_id) == "draft"


def test_people_cannot_write_the_state_or_change_a_closed_record(world: World, customer: int) -> None:
    assert state(world, request(world, customer, status="active")) == "draft"
    with world.work(STAFF) as work, pytest.raises(Invalid):
        records.create(replace(work, cause="api"), "request", {"customer": customer, "amount": 1, "status": "active"})
    record_id = at_approval(world, customer)
    with world.work(CREDIT) as work:
        version = records.get(work, "request", record_id).version
        with pytest.raises(Conflict):
            records.update(work, "request", record_id, {"amount": "999999"}, version)
    take(world, record_id, "back", REVIEWER, "补充")
    with world.work(CREDIT) as work:
        records.update(work, "request", record_id, {"amount": "400.00"}, records.get(work, "request", record_id).version)


def test_two_approvers_at_once_one_wins(world: World, customer: int) -> None:
    record_id = at_approval(world, customer)
    done, refused = [], []
    barrier = threading.Barrier(6)

    def approve(actor: Actor, transition: str) -> None:
        barrier.wait()
        try:
            done.append(take(world, record_id, transition, actor, "决定").state.key)
        except AppError as error:
            refused.append(error)

    pairs = [(REVIEWER, "approve"), (REVIEWER2, "approve"), (REVIEWER2, "reject")] * 2
    threads = [threading.Thread(target=approve, args=pair) for pair in pairs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(done) == 1
    assert all(isinstance(e, Conflict) for e in refused)
    assert len(refused) == 5
    assert state(world, record_id) == done[0]
    assert value(world, "customer", customer, "credit_limit") == (Decimal("600.15") if done[0] == "active" else Decimal("100.10"))
    with world.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(workflow_steps)) == 3


def test_a_failing_effect_leaves_nothing_behind(world: World, customer: int) -> None:
    record_id = at_approval(world, customer)
    world.update("customer", customer, deleted_at=NOW)
    with pytest.raises(AppError):
        take(world, record_id, "approve", REVIEWER)
    assert state(world, record_id) == "approval"
    with world.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(workflow_steps)) == 2


def test_waiting_for_me(world: World, customer: int) -> None:
    draft = request(world, customer)
    decided = at_approval(world, customer)
    with world.work(REVIEWER) as work:
        waiting = service.waiting_for_me(work)
        assert [(w.record_id, w.is_approval, w.state.key, w.submitted_by, w.record_name) for w in waiting] == [(decided, True, "approval", "wang.fang", "增长")]
        assert not waiting[0].overdue
    with world.work(STAFF) as work:
        assert [(w.record_id, w.is_approval) for w in service.waiting_for_me(work)] == [(draft, False)]
    with world.work(OTHER) as work:
        assert service.waiting_for_me(work) == ()
    with world.work(REVIEWER, NOW + timedelta(days=7)) as work:
        assert service.waiting_for_me(work)[0].overdue


def test_a_running_instance_stays_under_its_release(world: World, customer: int) -> None:
    record_id = request(world, customer)
    changed = {**LIMIT, "transitions": [t for t in LIMIT["transitions"] if t["key"] != "submit"]}  # type: ignore[attr-defined,index]
    old = world.catalog
    newer = catalog_of([*(d.body for d in old.documents.values() if d.key != "limit"), changed], release=2)
    newer.memo["release", 1] = old  # as it is remembered once it was read
    world.catalog = newer
    assert take(world, record_id, "submit", STAFF).release == 1
    fresh = request(world, customer)
    with world.work(STAFF) as work:
        found = service.state_of(work, "request", fresh)
        assert found is not None
        assert (found.release, found.transitions) == (2, ())


def test_an_old_guard_that_names_what_is_gone_refuses(world: World, customer: int) -> None:
    record_id = request(world, customer)
    old = world.catalog
    without = [d.body for d in old.documents.values() if (d.kind, d.key) != ("indicator", "signal_count") and d.kind != "classification"]
    newer = catalog_of(without, release=2)
    newer.memo["release", 1] = old
    world.catalog = newer
    with pytest.raises(Conflict):
        take(world, record_id, "submit", STAFF)


def test_moved_in_records_begin_in_their_state(world: World, customer: int) -> None:
    with world.work() as work:
        record_id = records.create(replace(work, cause="import"), "request", {"customer": customer, "amount": "1"})
        records.write_system(work, "request", record_id, {"status": "active"})
        work.session.execute(sa.delete(workflow_instances))
        service.start(work, "request", record_id)
        found = service.state_of(work, "request", record_id)
        assert found is not None
        assert found.state.key == "active"


def test_older_records_begin_when_they_are_saved(world: World, customer: int) -> None:
    record_id = world.insert("request", customer=customer, amount=Decimal("5.00"), reason="旧", status="draft")
    with world.work(STAFF) as work:
        assert service.state_of(work, "request", record_id) is None
        with pytest.raises(NotFound):
            service.take(work, "request", record_id, "submit")
        records.update(work, "request", record_id, {"reason": "旧的"}, 1)
        assert service.state_of(work, "request", record_id) is not None
