"""The four ways to run an expression, side by side on the same rows."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.functions.change import IS_NEW, earlier
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN, At, Scope
from server.storage.dialects import BigInt, Instant, Keys
from server.storage.session import Database

UTC_NOON = At(datetime(2024, 3, 15, 10, 30, tzinfo=UTC))
SHANGHAI = At(datetime(2024, 3, 15, 18, 30, 15, 250000, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))  # already the 16th there
COLUMNS: Mapping[str, Any] = {
    "text": sa.Text,
    "integer": BigInt,
    "number": sa.Double,
    "boolean": sa.Boolean,
    "date": sa.Date,
    "datetime": Instant,
    "list": Keys,
}


class Engines:
    """The rows, in memory and in a table of each database."""

    def __init__(self, databases: Mapping[str, Database], scope: Scope, rows: Sequence[Mapping[str, Any]]) -> None:
        self.databases, self.scope, self.rows = databases, scope, rows
        held = {name: known.type for name, known in scope.names.items()}
        held |= {earlier(name): held[name] for name in scope.before or ()} | ({IS_NEW: BOOLEAN} if scope.before else {})
        names = {name: re.sub(r"\W", "__", name) for name in held}
        self.table = sa.Table(
            "sample",
            sa.MetaData(),
            sa.Column("row_id", sa.Integer, primary_key=True),
            *(sa.Column(names[n], COLUMNS[k.name]() if isinstance(COLUMNS[k.name], type) else COLUMNS[k.name]) for n, k in held.items()),
        )
        self.columns = {name: self.table.c[column] for name, column in names.items()}
        for database in databases.values():
            with database.write() as connection:
                self.table.drop(connection, checkfirst=True)
                self.table.create(connection)
                connection.execute(self.table.insert(), [{"row_id": i, **{names[n]: v for n, v in row.items()}} for i, row in enumerate(rows)])

    def check(self, source: str) -> Checked:
        checked, problems = check(source, self.scope)
        assert checked is not None, (source, [(p.message.en, p.start, p.end) for p in problems])
        return checked

    def run(self, source: str, at: At = UTC_NOON) -> dict[str, list[Any]]:
        """Engine -> the value for each row."""
        checked = self.check(source)
        function = compile_python(checked)
        found: dict[str, list[Any]] = {
            "python": [evaluate(checked, row, at) for row in self.rows],
            "compiled": [function(row, at) for row in self.rows],
        }
        element = compile_sql(checked, self.columns, at)
        for name, database in self.databases.items():
            with database.read() as connection:
                values = connection.execute(sa.select(element).select_from(self.table).order_by(self.table.c.row_id)).scalars()
                found[name] = [plain(v, checked.type.name) for v in values]
        return found

    def filtered(self, source: str, at: At = UTC_NOON) -> dict[str, list[int]]:
        """Engine -> the rows where a condition holds."""
        checked = self.check(source)
        found = {"python": [i for i, row in enumerate(self.rows) if evaluate(checked, row, at) is True]}
        condition = when_true(compile_sql(checked, self.columns, at))
        for name, database in self.databases.items():
            with database.read() as connection:
                found[name] = list(connection.execute(sa.select(self.table.c.row_id).where(condition).order_by(self.table.c.row_id)).scalars())
        return found


def plain(value: Any, kind: str) -> Any:
    if kind == "datetime" and value is not None:
        return value.replace(tzinfo=UTC)
    if kind == "list" and value is not None:
        return Keys().process_result_value(value, sa.create_engine("sqlite://").dialect)
    return value
