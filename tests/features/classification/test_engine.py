"""The first row that is met; what is unknown is not met."""

from typing import Any

import pytest
import sqlalchemy as sa

from server.expressions.types import BOOLEAN, NUMBER, Name, Scope
from server.features.assessment.engine import NEVER
from server.features.classification.engine import rows_of, steps
from server.features.classification.kind import parse
from server.storage.session import Database
from tests.features.assessing import a, labels, rows

SCOPE = Scope({"x": Name(NUMBER), "b": Name(BOOLEAN)})
WITH_ELSE = parse(a("classification", "c", object="client", classes=labels("A", "B", "C"), rows=rows(("x >= 10 or b", "A"), ("not b", "B"), ("", "C"))))
WITHOUT = parse(a("classification", "c", object="client", classes=labels("A"), rows=rows(("x > 0", "A"))))


@pytest.mark.parametrize(
    ("x", "b", "value", "row"),
    [(10, None, "A", 0), (1, None, "C", 2), (None, True, "A", 0), (None, False, "B", 1), (None, None, "C", 2)],
)
def test_in_python(x: float | None, b: bool | None, value: str, row: int) -> None:
    made = rows_of(WITH_ELSE.rows, SCOPE)
    assert (made.value({"x": x, "b": b}, NEVER), made.hit({"x": x, "b": b}, NEVER)) == (value, row)
    assert rows_of(WITHOUT.rows, SCOPE).value({"x": None}, NEVER) is None


def test_sql_gives_the_same(database: Database) -> None:
    with database.read() as connection:
        for found in (WITH_ELSE, WITHOUT):
            (step,) = steps(found, SCOPE)
            for x in (None, -1.0, 10.0):
                for b in (None, True, False):
                    values: dict[str, Any] = {"x": x, "b": b}
                    columns = {"x": sa.literal(x, sa.Double()), "b": sa.literal(b, sa.Boolean())}
                    assert connection.scalar(sa.select(step.sql(columns))) == step.value(values, NEVER)
