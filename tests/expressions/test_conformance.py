"""Rows of tests/cases/expressions/conformance.csv: what comes out, on every engine. Anybody can add one."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.expressions.check import check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.explain import explain, sentence
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import Scope
from server.storage.dialects import BigInt, Instant, Keys
from server.storage.session import Database
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE

TYPES: dict[str, Any] = {
    "text": sa.Text(),
    "integer": BigInt,
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": Instant(),
    "list": Keys(),
}
with (Path(__file__).parents[1] / "cases/expressions/conformance.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE))


def given(row: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in json.loads(row["given"]).items():
        kind = SCOPE.names[name].type.name
        if value is not None:
            value = {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "number": float}.get(kind, lambda v: v)(value)
        found[name] = value
    return found


def columns_of(values: dict[str, Any]) -> dict[str, sa.ColumnElement[Any]]:
    """The values as columns: nulls need their type said, which a real column has."""
    found: dict[str, sa.ColumnElement[Any]] = {}
    for name, value in values.items():
        kind = TYPES[SCOPE.names[name].type.name]
        found[name] = sa.cast(sa.null(), kind) if value is None else sa.literal(value, kind)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['expression']} {r['given']}")
def test_row(databases: dict[str, Database], row: dict[str, str]) -> None:
    values = given(row)
    used = Scope({n: SCOPE.names[n] for n in values})
    checked, problems = check(row["expression"], used)
    assert checked is not None, problems
    wanted = json.loads(row["result"])
    found = {"python": evaluate(checked, values, UTC_NOON), "compiled": compile_python(checked)(values, UTC_NOON)}
    columns = columns_of(values)
    for name, database in databases.items():
        with database.read() as connection:
            element = compile_sql(checked, columns, UTC_NOON)
            found[name] = connection.execute(sa.select(element)).scalar()
            if checked.type.name == "boolean":
                kept = connection.execute(sa.select(sa.literal(1)).where(when_true(element))).scalar()
                assert (kept == 1) is (wanted is True), name
    for name, value in found.items():
        shown = value.isoformat() if isinstance(value, date) else value
        assert shown == wanted and type(shown) is type(wanted), (name, value)
    assert explain(checked, values, UTC_NOON).value == found["python"]
    assert sentence(checked, {}, values, "zh_CN", UTC_NOON) and sentence(checked, {}, values, "en", UTC_NOON)


@pytest.mark.parametrize("row", [r for r in ROWS if "today" in r["expression"] or "now" in r["expression"]], ids=lambda r: r["expression"])
def test_time_as_bound_parameters(databases: dict[str, Database], row: dict[str, str]) -> None:
    values = given(row)
    checked, _ = check(row["expression"], SCOPE)
    assert checked is not None and checked.uses_time
    columns = columns_of(values)
    bound = {"today": UTC_NOON.today, "now": UTC_NOON.instant.astimezone(UTC).replace(tzinfo=None), "zone": "UTC"}
    for database in databases.values():
        with database.read() as connection:
            statement = sa.select(compile_sql(checked, columns))
            needed = {k: v for k, v in bound.items() if k in statement.compile().params}
            assert connection.execute(statement, needed).scalar() == json.loads(row["result"])
