"""The line a rule draws, and the parts it is made of, read off its condition."""

import ast
from datetime import timedelta
from decimal import Decimal

import pytest

from server.errors import Text
from server.features.alerts.service import of_record
from server.features.alerts.why import Threshold, _parts, _threshold, conditions, threshold, watched
from server.features.assessment.service import assess_all
from server.storage.session import Database
from tests.features.assessing import ALERTS, DOCUMENTS, LI, TODAY, House, a


def tree(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("orders < 3", Threshold("<", 3)),
        ("3 > orders", Threshold("<", 3)),
        ("change <= -0.5 and orders < 3", Threshold("<", 3)),
        ("coalesce(orders, 0) >= 10", Threshold(">=", 10)),
        ("orders < -2.5", Threshold("<", -2.5)),
        ("orders < limit", None),
        ("1 < orders < 3", None),
        ("orders == True", None),
        ("other < 3", None),
    ],
)
def test_the_line_that_can_be_drawn(source: str, found: Threshold | None) -> None:
    assert _threshold(tree(source), "orders") == found


def test_a_condition_is_told_part_by_part() -> None:
    assert list(_parts(tree("a > 1 and (b or c) and (d and not e)"))) == [("a > 1", False), ("b", True), ("c", True), ("d", False), ("not e", False)]


def test_the_side_of_an_or_that_opened_it_is_told_and_drawn(database: Database) -> None:
    rule = a(
        "alert",
        "quiet",
        object="client",
        when="(silence > 20 and all_sales > 9) or all_sales <= 1 or silence > 99",
        severity="info",
        recipients=[{"to": "owner"}],
        watch="silence",
        message={"zh_CN": "沉默 {silence} 天", "en": "Silent for {silence} days"},
    )
    house = House(database, [*DOCUMENTS, ALERTS[0], rule])
    house.insert("client", {"id": 1, "name": "晴川", "segment": "a", "owner": "li", "active": True})
    house.insert("sale", {"id": 1, "client": 1, "day": TODAY - timedelta(days=25), "amount": Decimal("10.50"), "kind": "won"})
    assert assess_all(house.work, "client").alerts_opened == 1
    with house.work(write=False, actor=LI) as work:
        (alert,) = of_record(work, "client", 1)
        told = conditions(work, alert)
        assert [(c.met, c.alternative) for c in told] == [(False, True), (True, True), (False, True)]
        assert [c.value for c in told] == [Text("", ""), Text("1", "1"), Text("25", "25")], "two values without names would say nothing"
        assert watched(work, alert) == "all_sales"
        assert threshold(work, alert, "all_sales") == Threshold("<=", 1)
