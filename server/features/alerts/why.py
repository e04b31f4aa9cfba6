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
    """One part of the rule. `met` None: something it needs was unknown. `value`: what it saw."""

    sentence: Text
    value: Text
    met: bool | None


@dataclass(frozen=True)
class Threshold:
    """The watched name is compared with one number: that can be drawn as a line."""

    op: str
    value: float


def conditions(work: Work, alert: AlertView) -> tuple[Condition, ...]:
    """The parts of the rule that were joined by `and`, as the rule stands now, with the values of then."""
    rule = _rule(work, alert)
    return () if rule is None else tuple(_condition(work, alert, part) for part in _parts(rule.when.checked.tree))


def clears_when(work: Work, alert: AlertView) -> Text | None:
    """The condition that ends the alert by itself."""
    rule = _rule(work, alert)
    if rule is None:
        return None
    if rule.clear is None:
        return Text("上面的条件不再成立时。", "When the condition above no longer holds.")
    return _sentence(work, alert, rule.alert.clear)


def threshold(work: Work, alert: AlertView) -> Threshold | None:
    rule = _rule(work, alert)
    return None if rule is None or not rule.alert.watch else _threshold(rule.when.checked.tree, rule.alert.watch)


def clear_threshold(work: Work, alert: AlertView) -> Threshold | None:
    rule = _rule(work, alert)
    return None if rule is None or rule.clear is None or not rule.alert.watch else _threshold(rule.clear.checked.tree, rule.alert.watch)


def _rule(work: Work, alert: AlertView) -> Rule | None:
    return next((r for r in rules(work.catalog, alert.object) if r.alert.key == alert.rule), None)


def _parts(tree: ast.expr) -> Iterator[str]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for value in tree.values:
            yield from _parts(value)
    else:
        yield ast.unparse(tree)


def _condition(work: Work, alert: AlertView, source: str) -> Condition:
    part = expression(source, results.scope(work.catalog, alert.object), BOOLEAN)
    known = [name for name in sorted(part.names) if name in alert.values]
    met = part.run(alert.values, work.at) if len(known) == len(part.names) else None
    return Condition(_sentence(work, alert, source), _seen(work, alert, known), met if isinstance(met, bool) else None)


def _seen(work: Work, alert: AlertView, names: list[str]) -> Text:
    options = option_titles(work.catalog, alert.object, names)
    return Text(*(", ".join(plain(alert.values[name], options.get(name, {}), locale) for name in names) for locale in ("zh_CN", "en")))


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
