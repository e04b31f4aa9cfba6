"""Rights: every role on own and others' records, the same in SQL and in Python; unknown is refused; nothing hidden leaks."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Forbidden
from server.feature import SYSTEM, Actor
from server.features.access import service as access
from server.features.access.kind import CAPABILITIES
from server.features.objects.engine import tables, value_columns
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, OTHER, REVIEWER, STAFF, World, world_of

NOBODY = Actor("nobody", "Nobody", ())
NOTHING = Actor("nothing", "Nothing", ("nothing",))
BROKEN = Actor("broken", "Broken", ("broken",))
GONE_ROLE = Actor("gone", "Gone", ("a role that was removed",))
BOTH = Actor("both", "Both", ("staff", "credit_control"))
ACTORS = (SYSTEM, ADMIN, STAFF, OTHER, CREDIT, REVIEWER, NOBODY, NOTHING, BROKEN, GONE_ROLE, BOTH)

RECORDS = {
    "own": {"name": "晴川", "owner": "li.na", "lifecycle": "active", "credit_limit": Decimal("100.00")},
    "own_lost": {"name": "旧雨", "owner": "li.na", "lifecycle": "lost"},
    "other": {"name": "远山", "owner": "chen.jie", "lifecycle": "active"},
    "nobodys": {"name": "无主", "owner": None, "lifecycle": None},
}
EVERY = set(RECORDS)

# (actor, action) -> records; what is not here is nothing at all
CUSTOMERS = {
    (SYSTEM, "read"): EVERY,
    (SYSTEM, "create"): EVERY,
    (SYSTEM, "edit"): EVERY,
    (SYSTEM, "delete"): EVERY,
    (ADMIN, "read"): EVERY,
    (STAFF, "read"): {"own", "own_lost"},
    (STAFF, "create"): {"own", "own_lost"},
    (STAFF, "edit"): {"own"},
    (OTHER, "read"): {"other"},
    (OTHER, "create"): {"other"},
    (OTHER, "edit"): {"other"},
    (CREDIT, "read"): EVERY,
    (CREDIT, "edit"): EVERY,
    (REVIEWER, "read"): EVERY,
    (BOTH, "read"): EVERY,
    (BOTH, "edit"): EVERY,
}

ORDERS: dict[str, dict[str, Any]] = {
    "own_small": {"of": "own", "amount": Decimal("999.99")},
    "own_large": {"of": "own", "amount": Decimal("1000.00")},
    "other_small": {"of": "other", "amount": Decimal("10.00")},
    "other_unknown": {"of": "other", "amount": None},
    "loose": {"of": None, "amount": Decimal("10.00")},
}
ALL_ORDERS = set(ORDERS)
ORDER_RIGHTS = {
    (SYSTEM, "read"): ALL_ORDERS,
    (SYSTEM, "create"): ALL_ORDERS,
    (SYSTEM, "edit"): ALL_ORDERS,
    (SYSTEM, "delete"): ALL_ORDERS,
    (ADMIN, "read"): ALL_ORDERS,
    (STAFF, "read"): {"own_small", "own_large"},
    (STAFF, "create"): {"own_small", "own_large"},
    (STAFF, "edit"): {"own_small", "own_large"},
    (OTHER, "read"): {"other_small", "other_unknown"},
    (OTHER, "create"): {"other_small", "other_unknown"},
    (OTHER, "edit"): {"other_small", "other_unknown"},
    (CREDIT, "read"): ALL_ORDERS,
    (CREDIT, "edit"): {"own_small", "other_small", "loose"},
    (REVIEWER, "read"): ALL_ORDERS,
    (BOTH, "read"): ALL_ORDERS,
    (BOTH, "edit"): {"own_small", "other_small", "loose"},
}


@pytest.fixture
def world(database: Database) -> World:
    return world_of(database)


@pytest.fixture
def ids(world: World) -> dict[str, dict[str, int]]:
    customers = {key: world.insert("customer", **values) for key, values in RECORDS.items()}
    orders = {}
    for key, values in ORDERS.items():
        orders[key] = world.insert("order", order_no=key, customer=customers.get(values["of"]), amount=values["amount"])
    return {"customer": customers, "order": orders}


def stored(world: World, object_key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    table = tables(world.catalog)[object_key]
    with world.work() as work:
        for row in work.session.execute(sa.select(table)).all():
            yield row.id, dict(row._mapping)


@pytest.mark.parametrize("object_key", ["customer", "order"])
def test_rights_matrix_is_the_same_in_sql_and_in_python(world: World, ids: dict[str, dict[str, int]], object_key: str) -> None:
    expected = CUSTOMERS if object_key == "customer" else ORDER_RIGHTS
    names = {i: key for key, i in ids[object_key].items()}
    records = dict(stored(world, object_key))
    table = tables(world.catalog)[object_key]
    for actor in ACTORS:
        for action in ("read", "create", "edit", "delete"):
            with world.work(actor) as work:
                columns = value_columns(world.catalog, object_key, table, work.at)
                found = work.session.scalars(sa.select(table.c.id).where(access.row_filter(work, object_key, action, columns)))
                by_sql = {names[i] for i in found}
                by_python = {names[i] for i, values in records.items() if access.allowed(work, object_key, action, values)}
            wanted = expected.get((actor, action), set())
            assert by_sql == by_python == wanted, (actor.username, action)


def test_dotted_names_are_looked_up_where_the_columns_lack_them(world: World, ids: dict[str, dict[str, int]]) -> None:
    table = tables(world.catalog)["order"]
    with world.work(STAFF) as work:
        columns = {"customer": table.c.customer}
        found = set(work.session.scalars(sa.select(table.c.id).where(access.row_filter(work, "order", "read", columns))))
        assert found == {ids["order"]["own_small"], ids["order"]["own_large"]}
        without = {"amount": table.c.amount}
        assert work.session.scalars(sa.select(table.c.id).where(access.row_filter(work, "order", "read", without))).all() == []


def test_allowed_takes_given_dotted_values_and_refuses_missing_ones(world: World) -> None:
    with world.work(STAFF) as work:
        assert access.allowed(work, "order", "create", {"customer.owner": "li.na"})
        assert not access.allowed(work, "order", "create", {"customer.owner": "chen.jie"})
        assert not access.allowed(work, "order", "create", {})
        assert not access.allowed(work, "order", "create", {"customer": 999_999})


def test_without_a_record_allowed_tells_whether_there_can_be_one(world: World) -> None:
    with world.work(STAFF) as work:
        assert access.allowed(work, "customer", "create")
        assert not access.allowed(work, "customer", "delete")
        with pytest.raises(Forbidden):
            access.require_allowed(work, "customer", "delete")
    with world.work(BROKEN) as work:
        assert not access.allowed(work, "customer", "read", {"owner": "broken"})


def test_capabilities(world: World) -> None:
    with world.work(STAFF) as work:
        assert access.may(work, "tasks")
        assert not access.may(work, "publish")
        with pytest.raises(Forbidden):
            access.require(work, "publish")
    with world.work(SYSTEM) as work:
        assert all(access.may(work, c) for c in CAPABILITIES)
    with world.work(GONE_ROLE) as work:
        assert not any(access.may(work, c) for c in CAPABILITIES)


def test_hidden_readonly_and_masked_fields(world: World) -> None:
    def of(actor: Actor) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        with world.work(actor) as work:
            return access.hidden_fields(work, "customer"), access.readonly_fields(work, "customer"), access.masked_fields(work, "customer")

    assert of(STAFF) == ({"controller"}, {"credit_limit", "controller"}, {"bank_account", "controller"})
    assert of(CREDIT) == (frozenset(), {"name"}, {"controller"})
    assert of(SYSTEM) == (frozenset(), frozenset(), frozenset())
    assert of(NOBODY)[2] == {"bank_account", "controller"}
    assert of(BOTH) == (frozenset(), frozenset(), {"controller"})
    assert of(replace(STAFF, roles=("staff", "nothing")))[0] == {"controller"}, "a role that cannot read opens no hidden field"


def test_a_mask_is_that_of_its_field(world: World) -> None:
    fields = world.catalog.get("object", "customer").fields
    assert access.mask(fields["bank_account"], "6222021234567890") == "****7890"
    assert access.mask(fields["controller"], "欧阳锋利") == "欧阳**"


def test_a_record_of_the_same_object_is_another_row(database: Database) -> None:
    role = {
        "kind": "role",
        "key": "group",
        "title": {"zh_CN": "集团", "en": "Group"},
        "objects": {"customer": {"read": "parent.owner == current_user"}},
    }
    world = world_of(database, role)
    top = world.insert("customer", name="top", owner="li.na")
    child = world.insert("customer", name="child", owner="chen.jie", parent=top)
    world.insert("customer", name="own", owner="li.na")
    table = tables(world.catalog)["customer"]
    with world.work(Actor("li.na", "李娜", ("group",))) as work:
        for columns in (value_columns(world.catalog, "customer", table, work.at), {"parent": table.c.parent}):
            assert work.session.scalars(sa.select(table.c.id).where(access.row_filter(work, "customer", "read", columns))).all() == [child]
        assert access.allowed(work, "customer", "read", {"parent": top, "owner": "x"})
        assert not access.allowed(work, "customer", "read", {"parent": child})


def test_a_person_named_like_an_expression_is_only_a_name(world: World, ids: dict[str, dict[str, int]]) -> None:
    table = tables(world.catalog)["customer"]
    for name in ("x' or 1=1 --", '" or True or "', "owner", "%"):
        with world.work(Actor(name, name, ("staff",))) as work:
            columns = value_columns(world.catalog, "customer", table, work.at)
            assert work.session.scalars(sa.select(table.c.id).where(access.row_filter(work, "customer", "read", columns))).all() == []
