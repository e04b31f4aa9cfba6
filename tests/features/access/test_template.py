"""The shipped roles: every condition can be read, and they give what the template promises."""

from itertools import product

import pytest

from server.config.catalog import Catalog
from server.config.load import load_folder, template_folders
from server.feature import Actor
from server.features.access import service as access
from server.features.access.conditions import checked_condition
from server.features.access.engine import ACTIONS
from server.features.objects.engine import tables
from server.registry import HOOKS, KINDS
from server.storage.session import Database
from tests.features.acting import NOW, ZONE, World

ROLES = ("admin", "staff", "credit_control", "reviewer")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents, problems = load_folder(*template_folders(""))
    assert not problems
    return Catalog(1, {(d.kind, d.key): d for d in documents}, KINDS)


@pytest.fixture
def world(sqlite_database: Database, catalog: Catalog) -> World:
    next(iter(tables(catalog).values())).metadata.create_all(sqlite_database.engine)
    return World(sqlite_database, catalog, HOOKS)


@pytest.mark.parametrize(
    ("role", "object_key"), list(product(ROLES, ["customer", "contact", "order", "payment", "limit_request", "due_diligence", "risk_register"]))
)
def test_every_condition_can_be_read(world: World, role: str, object_key: str) -> None:
    with world.work(Actor("x", "x", (role,))) as work:
        granted = access.grant(work, object_key)
        for action in ACTIONS:
            for source in granted.conditions(action):
                assert checked_condition(world.catalog, object_key, source) is not None, (role, object_key, action, source)
        fields = world.catalog.get("object", object_key).fields.keys()
        assert granted.hidden <= fields
        assert granted.readonly <= fields
        assert granted.unmasked <= fields


@pytest.mark.parametrize(
    ("role", "object_key", "own", "other"),
    [
        ("staff", "customer", {"read", "create", "edit"}, set()),
        ("staff", "order", {"read", "create", "edit"}, set()),
        ("staff", "payment", {"read"}, set()),
        ("staff", "financial_statement", set(), set()),
        ("staff", "credit_report", set(), set()),
        ("credit_control", "customer", {"read", "edit"}, {"read", "edit"}),
        ("credit_control", "payment", {"read", "create", "edit"}, {"read", "create", "edit"}),
        ("credit_control", "order", {"read"}, {"read"}),
        ("reviewer", "customer", {"read"}, {"read"}),
        ("reviewer", "payment", {"read"}, {"read"}),
        ("reviewer", "risk_register", {"read", "create", "edit"}, {"read", "create", "edit"}),
    ],
)
def test_what_each_role_may(world: World, role: str, object_key: str, own: set[str], other: set[str]) -> None:
    me = "li"
    mine = world.insert("customer", customer_no="C-1", name="own", owner=me)
    others = world.insert("customer", customer_no="C-2", name="other", owner="chen")
    with world.work(Actor(me, me, (role,)), NOW) as work:
        for customer, owner, wanted in ((mine, me, own), (others, "chen", other)):
            values = {"owner": owner} if object_key == "customer" else {"customer": customer}
            assert {a for a in ACTIONS if access.allowed(work, object_key, a, values)} == wanted


@pytest.mark.parametrize(
    ("role", "hidden", "masked"), [("staff", True, True), ("credit_control", False, False), ("reviewer", False, True), ("admin", False, True)]
)
def test_bank_account_and_controller(world: World, role: str, hidden: bool, masked: bool) -> None:
    with world.work(Actor("x", "x", (role,))) as work:
        assert ("actual_controller" in access.hidden_fields(work, "customer")) is hidden
        assert ("bank_account" in access.masked_fields(work, "customer")) is masked
        assert "id_number" in access.masked_fields(work, "contact"), "nobody sees all of it"
        assert work.zone == ZONE
