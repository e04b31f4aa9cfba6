"""One expression over given values, on any of the engines."""

from collections.abc import Callable, Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from server.expressions.checked import Checked
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.sql import compile_sql
from server.expressions.types import At
from server.storage.dialects import BigInt, Instant, Keys

Run = Callable[[Checked, Mapping[str, Any], At], Any]
COLUMN_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": BigInt,
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": Instant(),
    "list": Keys(),
}

_compiled = lru_cache(maxsize=1024)(compile_python)


def in_python(checked: Checked, values: Mapping[str, Any], at: At) -> Any:
    return evaluate(checked, values, at)


def compiled(checked: Checked, values: Mapping[str, Any], at: At) -> Any:
    return _compiled(checked)(values, at)


def on_database(connection: sa.Connection) -> Run:
    """The values stand in the statement as bound parameters of their types; a null needs its type said, which a real column has."""

    def run(checked: Checked, values: Mapping[str, Any], at: At) -> Any:
        columns = {name: _column(checked.scope.names[name].type.name, values.get(name)) for name in checked.names}
        value = connection.execute(sa.select(compile_sql(checked, columns, at))).scalar()
        if value is None:
            return None
        if checked.type.name == "datetime":
            return value.replace(tzinfo=UTC)
        return Keys().process_result_value(value, connection.dialect) if checked.type.name == "list" else value

    return run


def _column(kind: str, value: Any) -> sa.ColumnElement[Any]:
    column_type = COLUMN_TYPES[kind]
    return sa.cast(sa.null(), column_type) if value is None else sa.literal(value, column_type)
