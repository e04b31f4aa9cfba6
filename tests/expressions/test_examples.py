"""Every operator and function: its record is complete, and its examples hold on every engine."""

from typing import Any

import pytest
import sqlalchemy as sa

from server.expressions.check import check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.function import Function
from server.expressions.functions.change import EXAMPLE_SCOPE, EXAMPLE_VALUES, IS_NEW, earlier
from server.expressions.operators import MEMBER, NEGATE, OPERATORS
from server.expressions.reference import FAMILIES
from server.expressions.registry import FUNCTIONS
from server.expressions.sql import TYPES, compile_sql
from server.storage.session import Database
from tests.expressions.engines import UTC_NOON

RECORDS: tuple[Function, ...] = (*OPERATORS.values(), NEGATE, MEMBER, *FUNCTIONS.values())
KINDS = {name: TYPES[known.type.name] for name, known in EXAMPLE_SCOPE.names.items()}
KINDS |= {earlier(name): kind for name, kind in KINDS.items()} | {IS_NEW: TYPES["boolean"]}
COLUMNS = {key: sa.cast(sa.null(), kind) if EXAMPLE_VALUES.get(key) is None else sa.literal(EXAMPLE_VALUES[key], kind) for key, kind in KINDS.items()}
EXAMPLES = [(source, value) for record in RECORDS for source, value in record.examples]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_record_is_complete(record: Function) -> None:
    assert record.doc.zh and record.doc.en and record.doc.zh != record.doc.en
    assert record.examples and record.forms
    for form in record.forms:
        count = max(form.fewest, len(form.params))
        for postgresql in (False, True):
            assert form.template(count, postgresql)
    for form in record.forms:
        assert not form.may_be_null or form.cause or record.name == "case", "why null comes out"
    if any(form.may_be_null for form in record.forms) and record.null == "propagates":
        assert any(value is None for _, value in record.examples), "an example of the null it can give"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_function_is_complete(function: Function) -> None:
    assert len(function.examples) >= 3
    assert function.family in FAMILIES
    assert function.aliases and any(not alias.isascii() for alias in function.aliases), "a word to search for in either language"
    assert function.null == ("handles" if all(form.sees_null for form in function.forms) else "propagates")


@pytest.mark.parametrize(("source", "value"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_example(databases: dict[str, Database], source: str, value: Any) -> None:
    checked, problems = check(source, EXAMPLE_SCOPE)
    assert checked is not None, problems
    found = {"python": evaluate(checked, EXAMPLE_VALUES, UTC_NOON), "compiled": compile_python(checked)(EXAMPLE_VALUES, UTC_NOON)}
    for name, database in databases.items():
        with database.read() as connection:
            found[name] = connection.execute(sa.select(compile_sql(checked, COLUMNS, UTC_NOON))).scalar()
    for name, got in found.items():
        assert got == value and type(got) is type(value), (name, got)
