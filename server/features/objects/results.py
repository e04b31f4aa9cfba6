"""What an assessed object has besides its fields: the names its documents give, and the tables that keep their values.

Indicators, scores, classes and levels read each other in any order that has no circle; which documents give which names
each kind says itself (`Kind.gives`), so that this floor needs to know none of them.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.expressions.check import check
from server.expressions.tree import tree_of
from server.expressions.types import NUMBER, Scope, Type
from server.features.objects import engine as objects
from server.fields.line import CODE_POINT_TEXT
from server.storage.dialects import BigInt, Instant

RESULT_COLUMNS = ("record_id", "release", "as_of", "assessed_at")  # what every row of results has besides its outputs


def names_used(*sources: str) -> frozenset[str]:
    """The names in expressions, dotted ones whole, functions left out. Broken text uses none: its check says so."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = tree_of(source.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        _collect(tree, found)
    return frozenset(found)


def _collect(node: ast.AST, found: set[str]) -> None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found.add(f"{node.value.id}.{node.attr}")
        return
    if isinstance(node, ast.Name):
        found.add(node.id)
        return
    children: Iterable[ast.AST] = [*node.args, *node.keywords] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in children:
        _collect(child, found)


def given(catalog: Catalog, object_key: str) -> tuple[Output, ...]:
    """Every name the documents give to an object, as they say it: unordered, names twice where documents clash."""
    memo = ("results.given", object_key)
    found: tuple[Output, ...] | None = catalog.memo.get(memo)
    if found is None:
        found = tuple(output for kind in catalog.kinds.values() for value in catalog.all(kind.key) for output in kind.gives(value, catalog, object_key))
        catalog.memo[memo] = found
    return found


def names(catalog: Catalog, object_key: str) -> Mapping[str, Output]:
    """All outputs in the order in which they can be worked out. Those on a circle (publishing refuses it) come last, as they stand."""
    ordered, turning = _ordered(catalog, object_key)
    return {**ordered, **turning}


def outputs(catalog: Catalog, object_key: str) -> Mapping[str, Output]:
    """The outputs each record has a value of its own for, in dependency order: the columns of the results."""
    return {name: output for name, output in names(catalog, object_key).items() if not output.population}


def circle(catalog: Catalog, object_key: str) -> frozenset[str]:
    """Names that read each other in a circle, or read such a name."""
    return frozenset(_ordered(catalog, object_key)[1])


def _ordered(catalog: Catalog, object_key: str) -> tuple[Mapping[str, Output], Mapping[str, Output]]:
    memo = ("results.ordered", object_key)
    found: tuple[Mapping[str, Output], Mapping[str, Output]] | None = catalog.memo.get(memo)
    if found is None:
        found = catalog.memo[memo] = _put_in_order(catalog, object_key)
    return found


def _put_in_order(catalog: Catalog, object_key: str) -> tuple[dict[str, Output], dict[str, Output]]:
    waiting = {output.name: output for output in given(catalog, object_key)}
    scope = objects.scope(catalog, object_key)
    known = dict(scope.names)
    ordered: dict[str, Output] = {}
    while ready := [o for o in waiting.values() if not (o.reads & waiting.keys())]:
        for output in ready:
            del waiting[output.name]
            if output.infer:
                output = replace(output, type=_inferred(output.infer, Scope(known)))
            ordered[output.name] = output
        known |= {o.name: ordered[o.name].as_name for o in ready}
    return ordered, waiting


def _inferred(expression: str, scope: Scope) -> Type:
    checked, _ = check(expression, scope)
    return checked.type if checked is not None and checked.type.name in COLUMN_TYPES else NUMBER


def scope(catalog: Catalog, object_key: str, *, references: bool = True) -> Scope:
    """Fields, system fields and results: what scores, alerts, lists and reports may name."""
    memo = ("results.scope", object_key, references)
    found: Scope | None = catalog.memo.get(memo)
    if found is None:
        fields = objects.scope(catalog, object_key, references=references).names
        found = catalog.memo[memo] = Scope({**fields, **{name: output.as_name for name, output in names(catalog, object_key).items()}})
    return found


# -- Tables ------------------------------------------------------------------------------------------------------------------

COLUMN_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "number": sa.Double(),
    "integer": sa.BigInteger(),
    "text": CODE_POINT_TEXT,
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": Instant(),
}


def column_type(output: Output) -> sa.types.TypeEngine[Any]:
    return COLUMN_TYPES.get(output.type.name, CODE_POINT_TEXT)


def table(catalog: Catalog, object_key: str) -> sa.Table:
    """`x_<object>`: the results of each record of the population as they are now."""
    return _tables(catalog, object_key)[0]


def history_table(catalog: Catalog, object_key: str) -> sa.Table:
    """`x_<object>_history`: the results as they were on a day; a row where something had changed, or a whole past day on request."""
    return _tables(catalog, object_key)[1]


def _tables(catalog: Catalog, object_key: str) -> tuple[sa.Table, sa.Table]:
    memo = ("results.tables", object_key)
    found: tuple[sa.Table, sa.Table] | None = catalog.memo.get(memo)
    if found is None:
        metadata, name = sa.MetaData(), f"x_{object_key}"
        columns = [(output.name, column_type(output)) for output in outputs(catalog, object_key).values()]
        now = sa.Table(
            name,
            metadata,
            sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
            sa.Column("release", sa.Integer, nullable=False),
            sa.Column("as_of", sa.Date, nullable=False),
            sa.Column("assessed_at", Instant, nullable=False),
            *(sa.Column(key, type_) for key, type_ in columns),
        )
        past = sa.Table(
            f"{name}_history",
            metadata,
            sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
            sa.Column("as_of", sa.Date, primary_key=True),
            sa.Column("release", sa.Integer, nullable=False),
            sa.Column("assessed_at", Instant, nullable=False),
            *(sa.Column(key, type_) for key, type_ in columns),
        )
        found = catalog.memo[memo] = (now, past)
    return found
