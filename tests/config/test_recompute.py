"""Computed fields of rows that are there already follow their formula when it is published."""

from typing import Any

from server.config.document import Document
from server.config.publish import publish
from tests.config.test_publish import insert, rows
from tests.publishing import House, an_object

MONEY = {"x-type": "decimal", "x-decimals": 2}


def test_stored_values_follow_a_changed_formula_and_those_that_read_it(house: House) -> None:
    def customer(net: str, **more: Any) -> Document:
        fields = {"name": "text", "price": MONEY, "net": {**MONEY, "x-computed": net}, "twice": {**MONEY, "x-computed": "net * 2"}, **more}
        return an_object("customer", fields)

    with house.work() as work:
        publish(work, [an_object("customer", {"name": "text", "price": MONEY})])
    for name, price in (("a", 1000), ("b", None), ("c", 333)):
        insert(house, "o_customer", name=name, price=price)
    with house.work() as work:
        publish(work, [customer("price * 0.9")])
    assert [(r["net"], r["twice"]) for r in rows(house, "o_customer")] == [(900, 1800), (None, None), (300, 600)]
    with house.work() as work:
        publish(work, [customer("price - 1", open={"x-type": "yes_no", "x-computed": "net > 5", "x-visible": 'name == "a"'})])
    assert [(r["net"], r["twice"], r["open"]) for r in rows(house, "o_customer")] == [(900, 1800, 1), (None, None, None), (233, 466, None)]
