"""What may become of a published field."""

from typing import Any

import pytest
import sqlalchemy as sa

from server.config.publish import publish, rollback
from server.errors import Invalid
from server.features.objects.service import renew_indexes
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


SORTED = {"columns": ["name"], "sort": "-name"}
CHOICE = {"x-type": "choice", "x-options": [{"key": "x"}], "x-indexed": True}


def plain_indexes(house: House) -> set[str]:
    with house.database.read() as connection:
        return {str(i["name"]) for i in sa.inspect(connection).get_indexes("o_thing")}


def test_lists_have_indexes_for_their_order_and_for_it_within_one_value(house: House) -> None:
    fields = {"name": {"x-type": "text", "maxLength": 100}, "f": CHOICE, "on": {"x-type": "date", "x-indexed": True}}
    with house.work() as work:
        publish(work, [an_object("thing", fields, list=SORTED)])
    assert plain_indexes(house) == {"ix_o_thing_updated_at_id", "ix_o_thing_name_id", "ix_o_thing_f_name_id", "ix_o_thing_on_id"}
    with house.work() as work:
        publish(work, [an_object("thing", {**fields, "name": "text"}, list=SORTED)])  # names may be too long for an index
    assert plain_indexes(house) == {"ix_o_thing_updated_at_id", "ix_o_thing_f_id", "ix_o_thing_on_id"}


def test_a_start_brings_the_indexes_of_older_tables_up_to_date(house: House) -> None:
    with house.work() as work:
        publish(work, [an_object("thing", {"name": {"x-type": "text", "maxLength": 100}, "n": {"x-type": "integer", "x-unique": True}}, list=SORTED)])
    wanted = plain_indexes(house)
    with house.database.write() as connection:
        table = sa.Table("o_thing", sa.MetaData(), autoload_with=connection)
        next(i for i in table.indexes if i.name == "ix_o_thing_name_id").drop(connection)
        sa.Index("ix_o_thing_name", table.c.name).create(connection)
        sa.Index("gather_thing", table.c.name).create(connection)  # of another feature
    for _ in range(2):
        renew_indexes(house.database, house.catalogs)
        assert plain_indexes(house) == {*wanted, "gather_thing"}
