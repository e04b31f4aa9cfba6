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
    """Whether it is the days from a stored day to today, of the subject (a field, or another result) or of one of its source records, and unknown
    where there is none.

    With a number for "none" nobody could tell whether a stored number is an age.
    """
    if indicator.over_population or indicator.missing is not None or indicator.previous is not None:
        return False
    if indicator.source and indicator.aggregate not in PICKED:
        return False
    day = since(indicator.value if indicator.source else indicator.expression)
    object_type: ObjectType | None = catalog.get("object", indicator.source or indicator.object)
    if not day or object_type is None:
        return False
    field = object_type.fields.get(day)
    return objects.is_stored(field, object_type) if field is not None else not indicator.source


def since(text: str) -> str:
    """The name in `days_between(name, today())`; "" of any other text."""
    try:
        tree = tree_of(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not (_is_call(tree, "days_between") and isinstance(tree, ast.Call) and len(tree.args) == 2 and not tree.keywords):
        return ""
    day, until = tree.args
    return day.id if isinstance(day, ast.Name) and any(_is_call(until, name) for name in NOW) else ""


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
