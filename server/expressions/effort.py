"""How much text an expression moves at worst: known before it runs, from the longest texts its names can have."""

import ast
from collections.abc import Mapping, Sequence

from server.expressions import limits
from server.expressions.checked import Fact
from server.expressions.function import Form
from server.expressions.functions.text import TOO_LONG
from server.expressions.parse import dotted
from server.expressions.types import TEXT, TEXTS, Name, Scope

_LONGER = 3  # one character in capitals can be three
_SHORT = 400  # a number, a date or an amount in words as text
_SEARCH = 10  # looking through a text is so much cheaper than writing one


def too_much(facts: Mapping[ast.AST, Fact], scope: Scope) -> tuple[ast.expr, int] | None:
    """The part at which the limit is passed, and the characters that all parts move together; None within the limit."""
    lengths: dict[ast.AST, int] = {}
    total, first = 0, None
    for node, fact in facts.items():  # parts come before what they are parts of
        lengths[node] = _length(node, fact, lengths, scope)
        if isinstance(node, ast.Call | ast.Compare):
            total += _moved(node, facts, lengths)
            if total > limits.TEXT_WORK and first is None:
                first = node
    return None if first is None else (first, total)


def _length(node: ast.AST, fact: Fact, lengths: Mapping[ast.AST, int], scope: Scope) -> int:
    if fact.type not in (TEXT, TEXTS):
        return 0
    if isinstance(node, ast.Name | ast.Attribute):
        return longest(scope.names[dotted(node) or ""])
    if isinstance(node, ast.Constant | ast.List):
        return len(str(fact.literal))
    if isinstance(node, ast.Call) and fact.forms:
        return _result(fact.forms[0], [lengths.get(a, 0) for a in node.args])
    return max((lengths.get(part, 0) for part in ast.iter_child_nodes(node)), default=0)


def longest(name: Name) -> int:
    """What the name can hold. A choice knows its keys."""
    if name.options:
        keys = [len(option) for option in name.options]
        return max(keys) if name.type == TEXT else sum(keys)
    return name.length or limits.TEXT_LENGTH


def _result(form: Form, arguments: Sequence[int]) -> int:
    if form.cause == TOO_LONG:  # of several texts: all of them, and what comes first between the others
        return limits.TEXT_LENGTH if form.repeat == 0 else min(sum(arguments) + arguments[0] * (len(arguments) - 2), limits.TEXT_LENGTH)
    grown = max(arguments, default=0) * (1 if form.result == "T" else _LONGER)
    return min(max(grown, _SHORT), limits.TEXT_LENGTH * _LONGER)


def _moved(node: ast.Call | ast.Compare, facts: Mapping[ast.AST, Fact], lengths: Mapping[ast.AST, int]) -> int:
    """Comparisons cost next to nothing, but a list is looked through item by item."""
    if isinstance(node, ast.Compare):
        parts = node.comparators if isinstance(node.ops[0], ast.In | ast.NotIn) else []
        return sum(lengths.get(part, 0) for part in parts if not isinstance(part, ast.List))
    fact = facts[node]
    written = fact.type == TEXT and fact.forms[0].result != "T"
    cheap = 1 if written or any(facts[part].type == TEXTS for part in node.args) else _SEARCH
    return sum(lengths[part] for part in node.args) // cheap + (lengths[node] if written else 0)
