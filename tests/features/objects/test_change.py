"""What may become of a published field."""

from typing import Any

import pytest

from server.config.publish import publish, rollback
from server.errors import Invalid
from server.storage.session import Database
from tests.publishing import House, an_object

OTHERS = [an_object("a", {"name": "text"}), an_object("b", {"name": "text"})]
CHANGES: list[tuple[Any, Any, bool]] = [
    ("text", "long_text", True),
    ("email", "text", True),
    ({"x-type": "choice", "x-options": [{"key": "x"}]}, "text", True),
    ("long_text", "text", False),
    ("text", "integer", False),
    ("integer", "decimal", False),
    ("text", "email", False),
    ({"x-type": "decimal", "x-decimals": 2}, {"x-type": "decimal", "x-decimals": 4}, False),
    ({"x-type": "decimal", "x-decimals": 2}, {"x-type": "decimal", "x-decimals": 2, "minimum": 0}, True),
    ({"x-type": "reference", "x-reference": "a"}, {"x-type": "reference", "x-reference": "b"}, False),
]


@pytest.mark.parametrize(("before", "after", "allowed"), CHANGES)
def test_a_change_that_would_lose_values_is_refused_with_a_way_out(sqlite_database: Database, before: Any, after: Any, allowed: bool) -> None:
    house = House(sqlite_database)
    with house.work() as work:
        publish(work, [*OTHERS, an_object("thing", {"name": "text", "f": before})])
    if allowed:
        with house.work() as work:
            assert publish(work, [*OTHERS, an_object("thing", {"name": "text", "f": after})]) == 2
    else:
        with pytest.raises(Invalid) as refused, house.work() as work:
            publish(work, [*OTHERS, an_object("thing", {"name": "text", "f": after})])
        [problem] = refused.value.problems
        assert problem.code == "type_change" and problem.path.startswith("/schema/properties/f/x-")
        assert problem.hint and "new key" in problem.hint.en


def test_a_field_may_go_and_another_of_its_name_come_later(house: House) -> None:
    for fields in ({"name": "text", "f": "text"}, {"name": "text"}, {"name": "text", "f": "integer"}):
        with house.work() as work:
            publish(work, [an_object("thing", fields)])
    with pytest.raises(Invalid, match="cannot become"), house.work() as work:
        rollback(work, 1)
    with house.work() as work:
        assert rollback(work, 2) == 4
