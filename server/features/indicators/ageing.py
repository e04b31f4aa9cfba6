"""Numbers of days since something: they grow by one each day while nothing happens, so that a night need not work them out again."""

import ast

from server.config.catalog import Catalog
from server.expressions.tree import tree_of
from server.features.indicators.kind import Indicator
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType

PICKED = ("min", "max", "first", "last")  # of several ages one: the same one tomorrow
NOW = ("today", "now")


def ages(indicator: Indicator, catalog: Catalog) -> bool:
    """Whether it is the days from a stored day to today, of the subject itself or of one of its source records, and unknown where there is none.

    With a number for "none" nobody could tell whether a stored number is an age.
    """
    if indicator.over_population or indicator.missing is not None or indicator.previous is not None:
        return False
    if indicator.source and indicator.aggregate not in PICKED:
        return False
    field = _since(indicator.value if indicator.source else indicator.expression)
    object_type: ObjectType | None = catalog.get("object", indicator.source or indicator.object)
    known = object_type.fields.get(field) if object_type is not None else None
    return object_type is not None and known is not None and known.type in ("date", "datetime") and objects.is_stored(known, object_type)


def _since(text: str) -> str:
    """The field in `days_between(field, today())`; "" of any other text."""
    try:
        tree = tree_of(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not (_is_call(tree, "days_between") and isinstance(tree, ast.Call) and len(tree.args) == 2 and not tree.keywords):
        return ""
    since, until = tree.args
    return since.id if isinstance(since, ast.Name) and any(_is_call(until, name) for name in NOW) else ""


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
