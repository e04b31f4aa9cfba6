"""For a condition that does not hold: the nearest change of values that would make it hold.

Every comparison, membership and test of emptiness in it says what would turn it. Each proposal is tried on the whole condition before it is given.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from server.errors import Text
from server.expressions.checked import Checked
from server.expressions.evaluate import evaluate
from server.expressions.explain import NEGATED, SYMBOLS, Tracer, show
from server.expressions.operators import MIRRORED
from server.expressions.parse import dotted
from server.expressions.solve import Bound, names_in, number_bound, plain_bound
from server.expressions.types import At

_UNKNOWN_COST = 1e6  # a value nobody knows is the farthest away
_MOST_TRIED = 200
HAS, LACKS, EMPTY, FILLED = "has", "lacks", "empty", "filled"
WORDS: Mapping[str, Text] = {
    HAS: Text("包含", "has"),
    LACKS: Text("不含", "does not have"),
    EMPTY: Text("为空", "is empty"),
    FILLED: Text("有值", "has a value"),
}
_SOME: Mapping[str, Any] = {"text": "?", "integer": 0, "number": 0.0, "boolean": False, "date": date(2000, 1, 1), "list": ["?"]}


@dataclass(frozen=True)
class Change:
    """The value of `name` would have to be `symbol` `wanted`, e.g. max_days_overdue ≤ 30. `example`: a value that is."""

    name: str
    symbol: str
    wanted: Any
    cost: float
    example: Any = None

    def text(self, titles: Mapping[str, Text], locale: str) -> str:
        title = titles.get(self.name, Text(self.name, self.name)).of(locale)
        if self.symbol in (EMPTY, FILLED):
            return title + ("" if locale.startswith("zh") else " ") + WORDS[self.symbol].of(locale)
        return f"{title} {WORDS[self.symbol].of(locale) if self.symbol in WORDS else self.symbol} {show(self.wanted, locale)}"


Changes = tuple[Change, ...]


def nearest(checked: Checked, values: Mapping[str, Any], at: At) -> Changes | None:
    """The changes that together suffice: one where one is enough, then the nearest. Empty when it holds already; None when none can be named."""
    tracer = Tracer(checked, values, at)
    if tracer.value(checked.tree) is True:
        return ()
    found = sorted(islice(_Proposals(tracer).turn(checked.tree, True), _MOST_TRIED), key=lambda c: (len(c), sum(x.cost for x in c)))
    return next((changes for changes in found if suffice(checked, values, at, changes)), None)


def suffice(checked: Checked, values: Mapping[str, Any], at: At, changes: Sequence[Change]) -> bool:
    """With the examples of the changes it holds."""
    return evaluate(checked, {**values, **{change.name: change.example for change in changes}}, at) is True


class _Proposals:
    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.scope = tracer.checked.scope

    def turn(self, node: ast.expr, wanted: bool) -> Iterator[Changes]:
        """What might make the part the wanted one of true and false."""
        if self.tracer.value(node) is wanted:
            return
        if isinstance(node, ast.UnaryOp):
            yield from self.turn(node.operand, not wanted)
        elif isinstance(node, ast.BoolOp):
            yield from self._several(node.values, wanted, together=isinstance(node.op, ast.And) is wanted)
        elif isinstance(node, ast.IfExp):
            for branch in (node.body, node.orelse):
                yield from self.turn(branch, wanted)
            yield from self.turn(node.test, self.tracer.value(node.test) is not True)
        elif isinstance(node, ast.Compare):
            yield from self._compare(node, wanted)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from self._call(node.func.id, node.args, wanted)
        elif (name := dotted(node)) is not None:
            yield (self._change(name, Bound(ast.Eq, wanted, wanted)),)

    def _several(self, parts: Sequence[ast.expr], wanted: bool, *, together: bool) -> Iterator[Changes]:
        """Each alone; and where all are needed, the nearest of each together."""
        best: list[Changes] = []
        for part in parts:
            found = sorted(self.turn(part, wanted), key=lambda changes: sum(c.cost for c in changes))
            yield from found
            best += found[:1]
        if together and len(best) > 1:
            yield tuple({change.name: change for changes in best for change in changes}.values())

    def _compare(self, node: ast.Compare, wanted: bool) -> Iterator[Changes]:
        operation, right = node.ops[0], node.comparators[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            yield from self._emptiness(node.left, wanted is isinstance(operation, ast.Is))
        elif isinstance(operation, ast.In | ast.NotIn):
            inside = wanted is isinstance(operation, ast.In)
            yield from self._among(node.left, right.elts, inside) if isinstance(right, ast.List) else self._listed(right, node.left, inside)
        else:
            operands = [node.left, *node.comparators]
            yield from self._chain([(a, type(op), b) for a, op, b in zip(operands, node.ops, operands[1:])], wanted)

    def _call(self, function: str, arguments: Sequence[ast.expr], wanted: bool) -> Iterator[Changes]:
        match function, arguments:
            case "between", [one, low, high]:
                yield from self._chain([(low, ast.LtE, one), (one, ast.LtE, high)], wanted)
            case "one_of", [one, *items]:
                yield from self._among(one, items, wanted)
            case "has", [items, one]:
                yield from self._listed(items, one, wanted)
            case "is_empty", [one]:
                yield from self._emptiness(one, wanted)

    def _chain(self, pairs: Sequence[tuple[ast.expr, type[ast.cmpop], ast.expr]], wanted: bool) -> Iterator[Changes]:
        found = [list(self._pair(a, op if wanted else NEGATED[op], b)) for a, op, b in pairs]
        for changes in found:
            yield from ((change,) for change in changes)
        if wanted and len(found) > 1 and all(found):
            yield tuple({change.name: change for change in (changes[0] for changes in found)}.values())

    def _pair(self, left: ast.expr, operation: type[ast.cmpop], right: ast.expr) -> Iterator[Change]:
        numeric = self.tracer.checked.facts[left].given.name in ("integer", "number")
        if numeric:
            for name in dict.fromkeys((*names_in(left), *names_in(right))):
                whole = self.scope.names[name].type.name == "integer"
                if bound := number_bound(left, operation, right, name, self.tracer.value, whole=whole):
                    yield self._change(name, bound)
            return
        for one, op, other in ((left, operation, right), (right, MIRRORED[operation], left)):
            key, target = dotted(one), self.tracer.value(other)
            if key is not None and target is not None and key not in names_in(other) and (plain := plain_bound(op, target)):
                yield self._change(key, plain)

    def _among(self, one: ast.expr, items: Sequence[ast.expr], wanted: bool) -> Iterator[Changes]:
        name = dotted(one)
        if name is None:
            return
        targets = [v for v in (self.tracer.value(item) for item in items) if v is not None]
        if wanted:
            for target in targets:
                yield (self._change(name, Bound(ast.Eq, target, target)),)
        elif (value := self.tracer.value(one)) is not None:
            free = [option for option in self.scope.names[name].options if option not in targets]
            other = free[0] if free else _other(value, targets)
            yield (self._change(name, Bound(ast.NotEq, value, other)),)

    def _listed(self, items: ast.expr, one: ast.expr, wanted: bool) -> Iterator[Changes]:
        """A list with or without a value; or another value."""
        name, value, known = dotted(items), self.tracer.value(one), self.tracer.value(items) or []
        if name is not None and value:
            example = [*known, value] if wanted else [v for v in known if v != value]
            yield (Change(name, HAS if wanted else LACKS, value, 1, example),)
        if (key := dotted(one)) is not None and wanted:
            for item in known:
                yield (self._change(key, Bound(ast.Eq, item, item)),)

    def _emptiness(self, node: ast.expr, wanted: bool) -> Iterator[Changes]:
        name = dotted(node)
        if name is None:
            return
        if wanted:
            yield (Change(name, EMPTY, None, 1),)
        else:
            known = self.scope.names[name]
            some = known.options[0] if known.options else _SOME.get(known.type.name, datetime(2000, 1, 1, tzinfo=UTC))
            yield (Change(name, FILLED, None, 1, some),)

    def _change(self, name: str, bound: Bound) -> Change:
        return Change(name, SYMBOLS[bound.operation], bound.wanted, _distance(self.tracer.known(name), bound.wanted), bound.example)


def _other(value: Any, taken: Sequence[Any]) -> Any:
    """A value of the same type that is not among these."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return max(abs(v) for v in (value, *taken)) + 1
    return max((v for v in (value, *taken)), key=len) + "?" if isinstance(value, str) else None


def _distance(value: Any, target: Any) -> float:
    if value is None:
        return _UNKNOWN_COST
    if isinstance(value, int | float) and isinstance(target, int | float):
        return abs(value - target) / max(abs(value), 1)
    if isinstance(value, datetime) and isinstance(target, datetime):
        return abs((value - target).total_seconds()) / 86400 / 30
    if isinstance(value, date) and isinstance(target, date):
        return abs(value.toordinal() - target.toordinal()) / 30
    return 1
