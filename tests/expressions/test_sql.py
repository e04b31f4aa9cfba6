"""What the SQL looks like where it matters: indexes, SQLite's parser, and composition."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.expressions.check import check
from server.expressions.sql import TYPES, Formula, compile_sql, when_true
from server.expressions.types import INTEGER, NUMBER, Name, Scope
from server.storage.session import Database
from tests.expressions.engines import UTC_NOON, Engines
from tests.expressions.generate import HELD, SCOPE, rows


@pytest.fixture(scope="module")
def engines(databases: dict[str, Database]) -> Engines:
    return Engines(databases, SCOPE, rows(12, seed=7))


def nested(form: str, leaf: str, times: int) -> str:
    source = leaf
    for _ in range(times):
        source = form.replace("@", source)
    return source


DEEP = [
    " + ".join(["count_a"] * 110),
    " * ".join(["count_a"] * 31),
    " / ".join(["amount"] * 31),
    " // ".join(["count_a"] * 30),
    " + ".join(f"(1 if amount > {n} else 0)" for n in range(60)),
    " and ".join(f"amount > {n}" for n in range(120)),
    nested("abs(@)", "amount", 30),
    nested("min(count_a, @)", "count_b", 30),
    nested("(amount if @ > 1 else 2)", "ratio", 15),
    nested("(@ if active else 1)", "count_a", 30),
    nested("round(@, 2)", "amount", 30),
    nested("power(@, ratio)", "amount", 30),
    nested("(@ ** @)", "amount", 7),
    nested("end_of_month(@)", "ordered_on", 30),
    nested("concat(@, name)", "name", 30),
    nested("case(active, @, held, 1)", "count_a", 30),
    nested("(not @)", "active", 30),
    nested("left(@, length(@))", "name", 6),
]


@pytest.mark.parametrize("source", DEEP, ids=lambda s: s[:30])
def test_the_largest_expressions_stay_within_the_parsers(engines: Engines, source: str) -> None:
    """SQLite's parser has a stack of 100 entries; ours would pass it without named subqueries."""
    found = engines.run(source)
    assert all(values == found["python"] for values in found.values())


@pytest.mark.parametrize(
    "source", ["amount > 60", "amount >= 60", "60 < amount", "count_a == 5", "amount == 0.3", "name == '客户'", "ordered_on < date(2024, 1, 1)"]
)
def test_a_comparison_with_a_literal_can_use_an_index(databases: dict[str, Database], engines: Engines, source: str) -> None:
    database = databases["sqlite"]
    with database.write() as connection:
        for name in ("amount", "count_a", "name", "ordered_on"):
            sa.Index(f"ix_{name}", engines.table.c[name], _table=engines.table).create(connection, checkfirst=True)
    with database.read() as connection:
        query = sa.select(engines.table.c.row_id).where(when_true(compile_sql(engines.check(source), engines.columns, UTC_NOON)))
        text = query.compile(dialect=database.engine.dialect)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(text.params[p] for p in text.positiontup or ())).fetchall()
    assert "USING INDEX" in str(plan) or "USING COVERING INDEX" in str(plan), plan


WRITTEN = tomllib.loads((Path(__file__).parents[1] / "cases/expressions/sql.toml").read_text("utf-8"))["statement"]


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: str(row["expression"])[:30])
def test_nothing_is_computed_bound_or_bracketed_that_need_not_be(row: dict[str, Any]) -> None:
    checked, problems = check(row["expression"], SCOPE)
    assert checked is not None, problems
    made = compile_sql(checked, {name: sa.column(name, TYPES[kind.name]) for name, kind in HELD.items()})
    assert isinstance(made, Formula)
    leaves = [leaf.name if isinstance(leaf, sa.ColumnClause) else f"{type(leaf.type).__name__} {told(leaf)}" for leaf in made.clauses]
    assert [made.sqlite, made.postgresql, leaves] == [row["sqlite"], row["postgresql"], row["leaves"]]
    assert [made.weight, made.depth] == [row["weight"], row["depth"]], "what a formula over this one goes by"


def told(leaf: Any) -> str:
    """A bound value, or the name of one that is still to be given."""
    return str(leaf.key) if leaf.value is None else repr(leaf.value)


def test_null_is_false_for_filters(engines: Engines) -> None:
    found = engines.filtered("not (amount > 3)")
    assert found["python"] == found["sqlite"] and found["python"] == found.get("postgresql", found["python"])
    assert 0 not in found["python"]  # the row of nulls


def test_formulas_nest(databases: dict[str, Database]) -> None:
    """A computed column may be the column of another expression, several levels up."""
    scope = Scope({"a": Name(NUMBER), "b": Name(INTEGER)})
    checked, _ = check("round(a / b * 100, 2) + (1 if a > b else 0)", scope)
    assert checked is not None
    for database in databases.values():
        with database.read() as connection:
            table = sa.select(sa.literal(7.0, sa.Double()).label("a"), sa.literal(3, sa.BigInteger()).label("b")).subquery()
            element: sa.ColumnElement[float] = table.c.a
            for _ in range(4):
                element = compile_sql(checked, {"a": element, "b": table.c.b}, UTC_NOON)
            first = connection.execute(sa.select(element)).scalar()
            total = connection.execute(sa.select(sa.func.sum(element)).where(when_true(element > 0))).scalar()
            assert first == total is not None


def test_statements_are_cached_by_their_text() -> None:
    scope = Scope({"a": Name(NUMBER)})
    keys = []
    for source in ("a > 5", "a > 6", "a < 5"):
        checked, _ = check(source, scope)
        assert checked is not None
        keys.append(sa.select(compile_sql(checked, {"a": sa.column("a", sa.Double())}))._generate_cache_key())
    assert keys[0] is not None and keys[0].key == keys[1].key and keys[0].key != keys[2].key  # literals are bound, operators are not


def test_columns_of_other_types_are_read_as_what_the_names_are(databases: dict[str, Database]) -> None:
    """Money is kept in whole fen, a small count in 32 bits: there the expression must not count in the column's way."""
    scope = Scope({"a": Name(NUMBER), "b": Name(INTEGER)})
    checked, _ = check("a / 2 + b * 2000000000", scope)
    assert checked is not None
    for database in databases.values():
        with database.read() as connection:
            table = sa.select(sa.literal(7, sa.Integer()).label("a"), sa.literal(3, sa.Integer()).label("b")).subquery()
            assert connection.execute(sa.select(compile_sql(checked, {"a": table.c.a, "b": table.c.b}, UTC_NOON))).scalar() == 6000000003.5


def test_whole_numbers_of_32_bits_do_not_overflow(databases: dict[str, Database]) -> None:
    """-2147483648 // -1 has 64 bits as everywhere, also over a column of 32."""
    checked, _ = check("a // b", Scope({"a": Name(INTEGER), "b": Name(INTEGER)}))
    assert checked is not None
    for database in databases.values():
        with database.read() as connection:
            table = sa.select(sa.literal(-(2**31), sa.Integer()).label("a"), sa.literal(-1, sa.Integer()).label("b")).subquery()
            assert connection.execute(sa.select(compile_sql(checked, {"a": table.c.a, "b": table.c.b}, UTC_NOON))).scalar() == 2**31


def test_the_same_text_serves_other_columns() -> None:
    checked, _ = check("a > 5", Scope({"a": Name(NUMBER)}))
    assert checked is not None
    made = compile_sql(checked, {"a": sa.column("a", sa.Double())})
    assert isinstance(made, Formula)
    other = made.with_leaves([sa.column("b", sa.Double()), *list(made.clauses)[1:]])
    assert str(other) == str(made).replace("a >=", "b >=") != str(made) and other.type is made.type
