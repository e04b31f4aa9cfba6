"""Why an alert opened and when it clears, in sentences: its conditions one by one with the values they saw."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import Text
from server.expressions.explain import sentence
from server.expressions.types import BOOLEAN
from server.feature import Work
from server.features.alerts.engine import Rule, rules
from server.features.alerts.service import AlertView
from server.features.objects import results
from server.features.objects.step import expression
from server.features.objects.wording import option_titles, plain

OPS: Mapping[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
TURNED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True)
class Condition:
    """One part of the rule. `met` None: something it needs was unknown. `value`: what it saw, where it saw one thing only.
    `alternative`: one of several of which one is enough."""

    sentence: Text
    value: Text
    met: bool | None
    alternative: bool


@dataclass(frozen=True)
class Threshold:
    """A name is compared with one number: that can be drawn as a line."""

    op: str
    value: float


def conditions(work: Work, alert: AlertView) -> tuple[Condition, ...]:
    """The parts of the rule that were joined by `and` and `or`, as the rule stands now, with the values of then."""
    rule = _rule(work, alert)
    return () if rule is None else tuple(_condition(work, alert, *part) for part in _parts(rule.when.checked.tree))


def watched(work: Work, alert: AlertView) -> str:
    """The name to draw: what the rule watches, unless the alert opened for something else (the other side of an `or`)."""
    rule = _rule(work, alert)
    if rule is None:
        return alert.watch
    for part, _ in _parts(rule.when.checked.tree):
        if alert.watch and _is_met(work, alert, part) and _threshold(_tree(work, alert, part), alert.watch):
            return alert.watch
    for part, alternative in _parts(rule.when.checked.tree):
        if alternative and _is_met(work, alert, part):
            tree = _tree(work, alert, part)
            names = [name for name in sorted(alert.values) if _threshold(tree, name)]
            return names[0] if names else alert.watch
    return alert.watch


def clears_when(work: Work, alert: AlertView) -> Text | None:
    """The condition that ends the alert by itself."""
    rule = _rule(work, alert)
    if rule is None:
        return None
    if rule.clear is None:
        return Text("上面的条件不再成立时。", "When the condition above no longer holds.")
    return _sentence(work, alert, rule.alert.clear)


def threshold(work: Work, alert: AlertView, name: str) -> Threshold | None:
    """The line that `name` crossed."""
    rule = _rule(work, alert)
    return None if rule is None else _threshold(rule.when.checked.tree, name)


def clear_threshold(work: Work, alert: AlertView, name: str) -> Threshold | None:
    rule = _rule(work, alert)
    return None if rule is None or rule.clear is None else _threshold(rule.clear.checked.tree, name)


def _rule(work: Work, alert: AlertView) -> Rule | None:
    return next((r for r in rules(work.catalog, alert.object) if r.alert.key == alert.rule), None)


def _parts(tree: ast.expr) -> Iterator[tuple[str, bool]]:
    """The text of each part, and whether it is one of several of which one is enough."""
    if isinstance(tree, ast.BoolOp):
        for value in tree.values:
            if isinstance(tree.op, ast.And):
                yield from _parts(value)
            else:
                yield ast.unparse(value), True
    else:
        yield ast.unparse(tree), False


def _condition(work: Work, alert: AlertView, source: str, alternative: bool) -> Condition:
    names = expression(source, results.scope(work.catalog, alert.object), BOOLEAN).names
    value = _seen(work, alert, next(iter(names))) if len(names) == 1 and names <= alert.values.keys() else Text("", "")
    return Condition(_sentence(work, alert, source), value, _is_met(work, alert, source), alternative)


def _is_met(work: Work, alert: AlertView, source: str) -> bool | None:
    part = expression(source, results.scope(work.catalog, alert.object), BOOLEAN)
    met = part.run(alert.values, work.at) if part.names <= alert.values.keys() else None
    return met if isinstance(met, bool) else None


def _tree(work: Work, alert: AlertView, source: str) -> ast.expr:
    return expression(source, results.scope(work.catalog, alert.object), BOOLEAN).checked.tree


def _seen(work: Work, alert: AlertView, name: str) -> Text:
    options = option_titles(work.catalog, alert.object, [name]).get(name, {})
    return Text(plain(alert.values[name], options, "zh_CN"), plain(alert.values[name], options, "en"))


def _sentence(work: Work, alert: AlertView, source: str) -> Text:
    scope = results.scope(work.catalog, alert.object)
    part = expression(source, scope, BOOLEAN)
    titles = {name: known.title for name, known in scope.names.items() if known.title is not None}
    return Text(sentence(part.checked, titles, alert.values, "zh_CN"), sentence(part.checked, titles, alert.values, "en"))


def _threshold(tree: ast.expr, name: str) -> Threshold | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            op, left, right = OPS.get(type(node.ops[0])), node.left, node.comparators[0]
            if op and _is_name(left, name) and (number := _number(right)) is not None:
                return Threshold(op, number)
            if op and _is_name(right, name) and (number := _number(left)) is not None:
                return Threshold(TURNED[op], number)
    return None


def _is_name(node: ast.expr, name: str) -> bool:
    """The name itself, or with a value for when it is empty: coalesce(name, 0)."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "coalesce" and node.args:
        return _is_name(node.args[0], name)
    return isinstance(node, ast.Name) and node.id == name


def _number(node: ast.expr) -> float | None:
    value: Any = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
