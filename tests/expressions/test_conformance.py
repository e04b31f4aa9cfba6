"""The lines of tests/cases/expressions/*.csv, on every engine. Anybody can add one: the README there says how."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.explain import explain, sentence
from server.expressions.registry import FUNCTIONS
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import At, Scope
from server.storage.dialects import BigInt, Instant, Keys
from server.storage.session import Database
from tests.expressions.engines import UTC_NOON, plain
from tests.expressions.generate import HELD, SCOPE

FOLDER = Path(__file__).parents[1] / "cases/expressions"
HEADER = ["expression", "given", "result", "why"]
BATCH = 50  # lines in one statement
TYPES: dict[str, Any] = {
    "text": sa.Text(),
    "integer": BigInt,
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": Instant(),
    "list": Keys(),
}


@dataclass(frozen=True)
class Line:
    place: str
    expression: str
    given: dict[str, Any]
    wanted: Any
    at: At


def fields(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=";", quoting=csv.QUOTE_NONE))


FILES = [path for path in sorted(FOLDER.glob("*.csv")) if fields(path)[0][:4] == HEADER]


@cache
def lines(path: Path) -> tuple[Line, ...]:
    found = []
    for number, row in enumerate(fields(path)[1:], 2):
        expression, given, result, _, at = (*row, "")[:5]
        values = {name: value_of(name, value) for name, value in json.loads(given).items()}
        found.append(Line(f"{path.name}:{number}", expression, values, json.loads(result), at_of(at)))
    return tuple(found)


def value_of(name: str, value: Any) -> Any:
    read = {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "number": float}.get(HELD[name].name)
    return value if value is None or read is None else read(value)


def at_of(text: str) -> At:
    moment, _, zone = text.partition(" ")
    return At(datetime.fromisoformat(moment), ZoneInfo(zone or "UTC")) if moment else UTC_NOON


def fits(wanted: Any, value: Any) -> bool:
    """Numbers to 12 digits: a line is written by people. Among each other the engines must not differ in the last bit."""
    shown = value.isoformat() if isinstance(value, date) else value
    if isinstance(wanted, float) and isinstance(shown, float):
        return math.isclose(wanted, shown, rel_tol=1e-12, abs_tol=0 if wanted else 1e-12)
    return type(shown) is type(wanted) and bool(shown == wanted)


def checked_of(line: Line) -> Checked:
    used = Scope({n: known for n, known in SCOPE.names.items() if n in line.given}, SCOPE.before)
    checked, problems = check(line.expression, used)
    assert checked is not None, (line.place, line.expression, [p.message.en for p in problems])
    return checked


def never_null(line: Line) -> Checked:
    """Over names that are required: the generated function then trusts that they are there."""
    names = {name: replace(known, nullable=False) for name, known in SCOPE.names.items() if name in line.given}
    checked, problems = check(line.expression, Scope(names, SCOPE.before))
    assert checked is not None, (line.place, line.expression, [p.message.en for p in problems])
    return checked


@cache
def all_checked(path: Path) -> tuple[Checked, ...]:
    return tuple(checked_of(line) for line in lines(path))


def columns_of(values: dict[str, Any]) -> dict[str, sa.ColumnElement[Any]]:
    """The values as columns: nulls need their type said, which a real column has."""
    found: dict[str, sa.ColumnElement[Any]] = {}
    for name, value in values.items():
        kind = TYPES[HELD[name].name]
        found[name] = sa.cast(sa.null(), kind) if value is None else sa.literal(value, kind)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(databases: dict[str, Database], path: Path) -> None:
    made = [(line, checked) for line, checked in zip(lines(path), all_checked(path), strict=True)]
    wrong = [text for line, checked in made for text in in_python(line, checked)]
    for _, group in groupby(made, key=lambda m: m[0].at):
        same_time = list(group)
        for start in range(0, len(same_time), BATCH):
            for name, database in databases.items():
                wrong += in_database(name, database, same_time[start : start + BATCH])
    assert not wrong, "\n" + "\n".join(wrong[:40])


def in_python(line: Line, checked: Checked) -> Iterator[str]:
    value = evaluate(checked, line.given, line.at)
    if not fits(line.wanted, value):
        yield f"{line.place}: {line.expression} with {line.given} gives {value!r}, not {line.wanted!r}"
    if not same(compile_python(checked)(line.given, line.at), value):
        yield f"{line.place}: the generated function differs: {line.expression} with {line.given}"
    if None not in line.given.values() and not same(compile_python(never_null(line))(line.given, line.at), value):
        yield f"{line.place}: the generated function differs where no name may be null: {line.expression} with {line.given}"
    if not same(explain(checked, line.given, line.at).value, value) or not sentence(checked, {}, line.given, "en", line.at):
        yield f"{line.place}: the explanation differs: {line.expression} with {line.given}"


def in_database(name: str, database: Database, made: Sequence[tuple[Line, Checked]]) -> Iterator[str]:
    columns: list[sa.ColumnElement[Any]] = []
    for line, checked in made:
        element = compile_sql(checked, columns_of(line.given), line.at)
        columns += [element, when_true(element) if checked.type.name == "boolean" else sa.null()]
    with database.read() as connection:
        found = connection.execute(sa.select(*(c.label(f"c{i}") for i, c in enumerate(columns)))).one()
    for i, (line, checked) in enumerate(made):
        value, kept = plain(found[2 * i], checked.type.name), found[2 * i + 1]
        if not same(evaluate(checked, line.given, line.at), value) or (kept is not None and bool(kept) is not (line.wanted is True)):
            yield f"{line.place}: {name} gives {value!r}, not {line.wanted!r}: {line.expression} with {line.given}"


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def test_every_form_of_every_function_has_lines() -> None:
    """And a form that is called with names has at least two: a value, and what null does."""
    count = {id(form): 0 for function in FUNCTIONS.values() for form in function.forms}
    for path in FILES:
        for checked in all_checked(path):
            for fact in checked.facts.values():
                for form in fact.forms:
                    if id(form) in count:
                        count[id(form)] += 1
    few = [(f.name, form) for f in FUNCTIONS.values() for form in f.forms if count[id(form)] < min(2, 1 + len(form.params))]
    assert not few, ", ".join(f"{name}({', '.join(p.type for p in form.params)})" for name, form in few)
    assert sum(len(lines(path)) for path in FILES) >= 4_500


TIMED = [line for line in lines(FOLDER / "conformance.csv") if "today" in line.expression or "now" in line.expression]


@pytest.mark.parametrize("line", TIMED, ids=lambda line: line.expression)
def test_time_as_bound_parameters(databases: dict[str, Database], line: Line) -> None:
    checked = checked_of(line)
    assert checked.uses_time
    bound = {"today": UTC_NOON.today, "now": UTC_NOON.instant.astimezone(UTC).replace(tzinfo=None), "zone": "UTC"}
    for database in databases.values():
        with database.read() as connection:
            statement = sa.select(compile_sql(checked, columns_of(line.given)))
            needed = {k: v for k, v in bound.items() if k in statement.compile().params}
            assert fits(line.wanted, plain(connection.execute(statement, needed).scalar(), checked.type.name))
