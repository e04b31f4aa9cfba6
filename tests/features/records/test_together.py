"""A record and its rows are one thing: saved together, refused together, and seen by others only whole."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.config.publish import publish
from server.errors import Conflict, Forbidden, Invalid
from server.feature import Actor, Work
from server.features.audit.tables import audit_log
from server.features.records.rows import rows_of
from server.features.records.service import create, delete, get, history, update
from server.features.records.together import Row, form, save
from server.storage.session import Database
from tests.publishing import House, an_object

ORDER = an_object(
    "order",
    {"no": {"x-type": "text"}, "state": {"x-type": "text", "default": "open"}, "amount": {"x-type": "decimal", "x-decimals": 2}},
    subforms=[
        {
            "object": "line",
            "field": "order",
            "columns": ["item", "quantity", "price", "sum", "why"],
            "totals": [{"column": "sum", "into": "amount"}, {"column": "quantity"}],
            "order_field": "position",
            "max_rows": 4,
        }
    ],
)
ORDER.body["schema"]["required"] = ["no"]  # type: ignore[index]
LINE = an_object(
    "line",
    {
        "order": {"x-type": "reference", "x-reference": "order"},
        "position": "integer",
        "item": {"x-type": "text", "x-unique": True},
        "quantity": {"x-type": "integer", "minimum": 1},
        "price": {"x-type": "decimal", "x-decimals": 2},
        "sum": {"x-type": "decimal", "x-decimals": 2, "x-computed": "quantity * price"},
        "why": {"x-type": "text", "x-visible": "order.state == 'closed'", "x-required": "price == 0"},
    },
    name_field="item",
)
LINE.body["schema"]["required"] = ["order", "item", "quantity", "price"]  # type: ignore[index]
BODY = {"kind": "role", "title": {"en": "x"}, "capabilities": []}
ROLES = [
    {**BODY, "key": "boss", "objects": {"*": {"read": "True", "create": "True", "edit": "True", "delete": "True"}}},
    {**BODY, "key": "reader", "objects": {"order": {"read": "True", "edit": "True", "create": "True"}, "line": {"read": "True"}}},
]
BOSS, READER = Actor("boss", "Boss", ("boss",), "en"), Actor("reader", "Reader", ("reader",), "en")


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    it = House(database)
    with it.work() as work:
        publish(work, [ORDER, LINE, *(an_role(r) for r in ROLES)], "test")
    yield it


def an_role(body: dict[str, Any]) -> Any:
    return type(ORDER)("role", body["key"], body)


def line(token: str, item: str = "", quantity: str = "", price: str = "", version: int = 0, **more: Any) -> Row:
    return Row(token, {"item": item, "quantity": quantity, "price": price, **more}, version)


def made(house: House, *rows: Row, **raw: Any) -> int:
    with house.work(actor=BOSS) as work:
        return save(work, "order", {"no": "A1", **raw}, {"line": rows})


def lines(work: Work, record_id: int) -> list[tuple[Any, ...]]:
    (rows,) = rows_of(work, work.catalog.get("object", "order"), record_id)
    return [(r.id, r.values["item"], r.values["quantity"], r.values["sum"], r.version) for r in rows.records]


def refused(error: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(p.path, p.code) for p in error.value.problems}


def test_a_record_and_its_rows_are_saved_together(house: House) -> None:
    record_id = made(house, line("n1", "bolt", "3", "1.10"), line("n2"), line("n3", "nut", "2", "0.45"))
    with house.work(actor=BOSS) as work:
        assert [r[1:4] for r in lines(work, record_id)] == [("bolt", 3, Decimal("3.30")), ("nut", 2, Decimal("0.90"))], "a row nobody filled in is no row"
        record = get(work, "order", record_id)
        assert record.values["amount"] == Decimal("4.20"), "the total is kept in the order"
        assert record.version == 1
        (rows,) = rows_of(work, work.catalog.get("object", "order"), record_id)
        assert rows.totals == {"sum": "4.20", "quantity": "5"}
        (first, _), order = lines(work, record_id), record_id
        assert {c.field for c in history(work, "line", first[0])} >= {"item", "quantity", "price", "sum", "order", "position"}
        audited = work.session.execute(sa.select(audit_log.c.action, audit_log.c.object).where(audit_log.c.object.in_(["order", "line"]))).all()
        assert sorted(map(tuple, audited)) == [("create", "line"), ("create", "line"), ("create", "order")]
        save(work, "order", {"state": "open"}, {"line": [line(str(first[0]), "bolt", "3", "1.10", 1)]}, order, 1)
    with house.work(actor=BOSS) as work:
        assert get(work, "order", record_id).version == 1, "nothing differs, nothing is written"


def test_rows_are_changed_moved_added_and_removed_at_once(house: House) -> None:
    record_id = made(house, line("n1", "bolt", "3", "1"), line("n2", "nut", "2", "1"), line("n3", "pin", "1", "1"))
    with house.work(actor=BOSS) as work:
        (bolt, *_), (nut, *_), (pin, *_) = lines(work, record_id)
        rows = [line(str(pin), "pin", "5", "1", 1), Row(str(nut), {}, 1, gone=True), line(str(bolt), "bolt", "3", "1", 1), line("n7", "nut", "1", "9")]
        save(work, "order", {}, {"line": rows}, record_id, 1)
    with house.work(actor=BOSS) as work:
        found = lines(work, record_id)
        assert [r[1:3] for r in found] == [("pin", 5), ("bolt", 3), ("nut", 1)], "a unique value is free when its row goes in the same save"
        assert found[2][0] not in (nut, bolt, pin)
        record = get(work, "order", record_id)
        assert (record.values["amount"], record.version) == (Decimal("17.00"), 2)


def test_all_errors_of_record_and_rows_come_at_once_and_nothing_is_saved(house: House) -> None:
    with pytest.raises(Invalid) as error:
        made(house, line("n1", "bolt", "0", "1"), line("n2", "", "2", "x"), line("n3", "pin", "1", "0"), no="", state="closed")
    assert refused(error) == {
        ("no", "required"),
        ("line-n1-quantity", "minimum"),
        ("line-n2-item", "required"),
        ("line-n2-price", "type"),
        ("line-n3-why", "required"),
    }, "rows see the record as it will be"
    with pytest.raises(Invalid) as error:
        made(house, *(line(f"n{i}", f"i{i}", "1", "1") for i in range(1, 6)))
    assert refused(error) == {("line", "max_rows")}
    with pytest.raises(Invalid) as error:
        made(house, line("n1", "bolt", "1", "1"), line("n2", "bolt", "1", "1"))
    assert refused(error) == {("line-n2-item", "unique")}
    with house.work(actor=BOSS) as work:
        for name in ("o_order", "o_line"):
            assert work.session.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar() == 0


def test_two_forms_cannot_cross(house: House) -> None:
    record_id = made(house, line("n1", "bolt", "3", "1"))
    with house.work(actor=BOSS) as work:
        bolt = lines(work, record_id)[0][0]
        save(work, "order", {}, {"line": [line(str(bolt), "bolt", "4", "1", 1)]}, record_id, 1)
    with pytest.raises(Conflict), house.work(actor=BOSS) as work:
        save(work, "order", {}, {"line": [line(str(bolt), "bolt", "5", "1", 1)]}, record_id, 1)
    with house.work(actor=BOSS) as work:  # a row changed on its own page
        update(work, "line", bolt, {"quantity": "6"}, 2)
        assert get(work, "order", record_id).values["amount"] == Decimal("6.00"), "the total follows whichever way a row is written"
    with pytest.raises(Conflict), house.work(actor=BOSS) as work:
        save(work, "order", {}, {"line": [line(str(bolt), "bolt", "5", "1", 2)]}, record_id, get(work, "order", record_id).version)
    with house.work(actor=BOSS) as work:
        create(work, "line", {"order": str(record_id), "item": "late", "quantity": "1", "price": "1"})
        save(work, "order", {"state": "closed"}, {"line": [line(str(bolt), "bolt", "6", "1", 3)]}, record_id, get(work, "order", record_id).version)
        assert [r[1] for r in lines(work, record_id)] == ["bolt", "late"], "a row the form did not know stays"


def test_a_record_takes_its_rows_with_it(house: House) -> None:
    record_id = made(house, line("n1", "bolt", "3", "1"))
    with house.work(actor=BOSS) as work:
        delete(work, "order", record_id, 1)
        assert work.session.execute(sa.text("SELECT count(*) FROM o_line WHERE deleted_at IS NULL")).scalar() == 0


def test_rows_have_rights_of_their_own(house: House) -> None:
    with house.work(actor=READER) as work:
        record_id = save(work, "order", {"no": "A2"}, {})
    with pytest.raises(Forbidden), house.work(actor=READER) as work:
        save(work, "order", {}, {"line": [line("n1", "bolt", "1", "1")]}, record_id, 1)
    with house.work(actor=BOSS) as work:
        save(work, "order", {}, {"line": [line("n1", "bolt", "1", "1")]}, record_id, 1)
    with house.work(actor=READER) as work:
        bolt = lines(work, record_id)[0][0]
        _, (state,) = form(work, "order", {}, {}, record_id)
        assert (state.may_add, state.may_edit, state.may_remove) == (False, False, False)
        assert all(f.readonly for f in state.rows[0].state.fields.values())
        save(work, "order", {"state": "x"}, {"line": [line(str(bolt), "bolt", "1", "1", 1)]}, record_id, 2)
    with pytest.raises(Forbidden), house.work(actor=READER) as work:
        save(work, "order", {}, {"line": [Row(str(bolt), {}, 1, gone=True)]}, record_id, 3)


def test_the_form_follows_its_rows_while_they_are_filled_in(house: House) -> None:
    with house.work(actor=BOSS) as work:
        state, (lines_state,) = form(work, "order", {"no": "A1", "state": "closed"}, {"line": [line("n1", "bolt", "3", "1.10"), line("n2", "", "0", "0")]})
        first, second = (r.state.fields for r in lines_state.rows)
        assert (first["sum"].value, first["why"].visible, first["why"].required) == (Decimal("3.30"), True, False)
        assert second["why"].required
        assert [p.path for p in lines_state.problems] == ["line-n2-quantity"]
        assert (state.fields["amount"].entry, state.fields["amount"].readonly) == ("3.30", True)
        assert lines_state.totals == {"sum": "3.30", "quantity": "3"}
        state, _ = form(work, "order", {"no": "A1", "amount": "7"}, {})
        assert (state.fields["amount"].entry, state.fields["amount"].readonly) == ("7", False)
