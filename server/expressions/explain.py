"""Why a value came out: the value of every part, a sentence in words, and for a false condition the nearest change that would make it true."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeGuard

from server import clock
from server.errors import Text
from server.expressions.checked import Checked, Missing
from server.expressions.evaluate import Evaluator
from server.expressions.function import CHOICE
from server.expressions.numbers import number_text
from server.expressions.operators import MIRRORED, OVERFLOW
from server.expressions.parse import dotted
from server.expressions.types import At

NO_WORDS: Mapping[str, Text] = {}
UNKNOWN_INPUT = Text("没有数据", "no data")
WRITTEN = Text("写的就是空值", "null is written here")
NONE_HOLDS = Text("没有一个条件成立", "none of the conditions holds")


@dataclass(frozen=True)
class Trace:
    """One part with its value. `cause`: why it is null, where that began."""

    text: str
    value: Any
    children: tuple["Trace", ...]
    start: int
    end: int
    cause: Text | None = None
    name: str = ""  # the dotted name, when the part is one
    idle: bool = False  # a branch or a test: the value of the whole is not its value


@dataclass(frozen=True)
class Cause:
    """Where a null began, and why: `text` stands at `start` to `end`."""

    text: str
    start: int
    end: int
    reason: Text


def cause_of(trace: Trace) -> Cause | None:
    """Why the value is null; None when it is not. Where several parts are null, the first."""
    while trace.value is None:
        if trace.cause is not None:
            reason = Text(f"{trace.text} {trace.cause.zh}", f"{trace.text}: {trace.cause.en}") if trace.name else trace.cause
            return Cause(trace.text, trace.start, trace.end, reason)
        trace = next(part for part in trace.children if part.value is None and not part.idle)
    return None


def explain(checked: Checked, values: Mapping[str, Any], at: At) -> Trace:
    """The values of all parts, also of branches that were not taken."""
    tracer = Tracer(checked, values, at)
    tracer.run()
    return tracer.trace(checked.tree)


class Tracer(Evaluator):
    """The reference evaluator, remembering."""

    def __init__(self, checked: Checked, values: Mapping[str, Any], at: At) -> None:
        super().__init__(checked, values, at)
        self.found: dict[ast.AST, Any] = {}

    def _eval(self, node: ast.expr) -> Any:
        if node not in self.found:
            self.found[node] = super()._eval(node)
        return self.found[node]

    def value(self, node: ast.expr) -> Any:
        return self._eval(node)

    def trace(self, node: ast.expr, *, idle: bool = False) -> Trace:
        value = self._eval(node)
        nodes = [] if isinstance(node, ast.Attribute) else [part for part in _parts(node) if part in self.checked.facts]
        taken = self._taken(node)
        parts = tuple(self.trace(part, idle=taken is not None and part not in taken) for part in nodes)
        start, end = self.checked.places[node]
        name = dotted(node) or "" if isinstance(node, ast.Name | ast.Attribute) else ""
        earlier = bool(self.checked.facts[node].earlier)  # what was before the change is not made of what is now
        began = value is None and (earlier or not any(p.value is None and not p.idle for p in parts))
        return Trace(self.checked.source[start:end], value, parts, start, end, self._cause(node) if began else None, name, idle)

    def _taken(self, node: ast.expr) -> Sequence[ast.expr] | None:
        """Of a choice, the part whose value it has; None for all others."""
        if isinstance(node, ast.IfExp):
            return (node.body if self._eval(node.test) else node.orelse,)
        forms = self.checked.facts[node].forms
        if isinstance(node, ast.Call) and forms[0].inline is CHOICE:
            pairs = list(zip(node.args[::2], node.args[1::2]))
            other = node.args[-1:] if len(node.args) % 2 else []
            return next(([value] for test, value in pairs if self._eval(test)), other)
        return None

    def _cause(self, node: ast.expr) -> Text:
        """Why a part is null that is made of none that is."""
        if isinstance(node, ast.Name | ast.Attribute):
            return UNKNOWN_INPUT
        if isinstance(node, ast.Constant | ast.List):
            return WRITTEN
        forms = self.checked.facts[node].forms
        return next((f.cause for f in forms if f.cause), NONE_HOLDS if forms and forms[0].inline is CHOICE else OVERFLOW)


def _parts(node: ast.expr) -> list[ast.expr]:
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Call) and child is node.func:
            continue
        if isinstance(child, ast.expr):
            found.append(child)
    if isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.List):
        return [node.left, *node.comparators[0].elts]
    return found


# -- sentences

SYMBOLS: Mapping[type[ast.cmpop], str] = {ast.Eq: "=", ast.NotEq: "≠", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥"}
NEGATED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def sentence(checked: Checked, titles: Mapping[str, Text], values: Mapping[str, Any], locale: str, at: At | None = None) -> str:
    """The parts that decided, in words: "orders in 90 days is 2 (< 3) and open complaints is 4 (≥ 2)". Give `at` where the text uses the time."""
    return _Teller(checked, titles, Tracer(checked, values, at or At(clock.now())), locale).tell(checked.tree)


def _is_one_of(node: ast.expr) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and dotted(node.func) == "one_of"


class _Teller:
    def __init__(self, checked: Checked, titles: Mapping[str, Text], tracer: Tracer, locale: str) -> None:
        self.checked, self.titles, self.tracer, self.locale = checked, titles, tracer, locale
        self.zh = locale.startswith("zh")

    def say(self, zh: str, en: str) -> str:
        return zh if self.zh else en

    def tell(self, node: ast.expr) -> str:
        if isinstance(node, ast.BoolOp):
            return self._both(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            if isinstance(node.operand, ast.Compare) and type(node.operand.ops[0]) in NEGATED and len(node.operand.ops) == 1:
                return self._single(node, node.operand.left, NEGATED[type(node.operand.ops[0])], node.operand.comparators[0])
            if _is_one_of(node.operand):
                return self._among(node, ast.NotIn, *node.operand.args)
            return self.say(f"并非（{self.tell(node.operand)}）", f"not ({self.tell(node.operand)})")
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if _is_one_of(node):
            return self._among(node, ast.In, *node.args)
        if isinstance(node, ast.IfExp):
            test = self.tracer.value(node.test)
            taken = self.tell(node.body if test else node.orelse)
            return self.say(f"{taken}，因为{self.tell(node.test)}", f"{taken}, because {self.tell(node.test)}")
        return self._value(node)

    def _both(self, node: ast.BoolOp) -> str:
        """Of `and` that failed and of `or` that held, only the parts that made it so."""
        value = self.tracer.value(node)
        decisive = isinstance(node.op, ast.Or)
        parts = [p for p in node.values if self.tracer.value(p) is value] if value is decisive or value is None else list(node.values)
        told = [f"({self.tell(p)})" if isinstance(p, ast.BoolOp) and len(parts) > 1 else self.tell(p) for p in parts or node.values]
        joined_by_and = value is True or (value is False and isinstance(node.op, ast.Or))
        return (self.say("，且", " and ") if joined_by_and else self.say("，", ", ")).join(told)

    def _comparison(self, node: ast.Compare) -> str:
        left, operation, right = node.left, node.ops[0], node.comparators[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            return self._value(left)
        if len(node.ops) > 1:
            return self._chain(node)
        if self._is_literal(left) and not self._is_literal(right) and type(operation) in MIRRORED:
            return self._single(node, right, MIRRORED[type(operation)], left)
        return self._single(node, left, type(operation), right)

    def _single(self, node: ast.expr, left: ast.expr, operation: type[ast.cmpop], right: ast.expr) -> str:
        words = self._words_of(left) or self._words_of(right)
        if operation is ast.Eq and self.tracer.value(node) is True and words:
            return self._value(left, words)  # "the level is high" has said it
        return self._compared(node, left, operation, self._other(right, words), words)

    def _among(self, node: ast.expr, operation: type[ast.cmpop], one: ast.expr, *others: ast.expr) -> str:
        words = self._words_of(one)
        return self._compared(node, one, operation, self.say("、", ", ").join(self._other(part, words) for part in others), words)

    def _other(self, node: ast.expr, words: Mapping[str, Text]) -> str:
        return self._plain(node, words) if self._is_literal(node) or isinstance(node, ast.List) else self._value(node)

    def _compared(self, node: ast.expr, left: ast.expr, operation: type[ast.cmpop], other: str, words: Mapping[str, Text]) -> str:
        """What was compared, and in brackets with what, and how it came out."""
        held = self.tracer.value(node)
        verdict = "" if held is True else self.say("，不满足", ", not met") if held is False else self.say("，无法判断", ", cannot be judged")
        return self.say(
            f"{self._value(left, words)}（{self._symbol(operation)} {other}{verdict}）",
            f"{self._value(left, words)} ({self._symbol(operation)} {other}{verdict})",
        )

    def _chain(self, node: ast.Compare) -> str:
        words = [self._value(node.left)]
        for operation, part in zip(node.ops, node.comparators):
            words += [self._symbol(type(operation)), self._value(part)]
        return " ".join(words)

    def _symbol(self, operation: type[ast.cmpop]) -> str:
        if operation in (ast.In, ast.NotIn):
            return self.say("属于", "one of") if operation is ast.In else self.say("不属于", "none of")
        return SYMBOLS[operation]

    def _is_literal(self, node: ast.expr) -> bool:
        return self.checked.facts[node].literal is not Missing

    def _words_of(self, node: ast.expr) -> Mapping[str, Text]:
        """What the options of a choice are called."""
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None
        return self.checked.scope.names[name].words if name else {}

    def _plain(self, node: ast.expr, words: Mapping[str, Text] = NO_WORDS) -> str:
        if isinstance(node, ast.List):
            return self.say("、", ", ").join(self._plain(item, words) for item in node.elts)
        return show(self.tracer.value(node), self.locale, words)

    def _value(self, node: ast.expr, words: Mapping[str, Text] = NO_WORDS) -> str:
        """Its title, or its text, and its value."""
        if self._is_literal(node):
            return self._plain(node, words)
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None
        title = self.titles.get(name or "") or (self.checked.scope.names[name].title if name else None)
        label = title.of(self.locale) if title else self._words(node)
        value = show(self.tracer.value(node), self.locale, words or self._words_of(node))
        return self.say(f"{label}为 {value}", f"{label} is {value}")

    def _words(self, node: ast.expr) -> str:
        """The text of a part with the titles of its names, where they have one."""
        start, end = self.checked.places[node]
        text = self.checked.source[start:end]
        names = [(self.checked.places[n], dotted(n) or "") for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute) and n in self.checked.facts]
        for (first, last), name in sorted(names, reverse=True):
            if title := self.titles.get(name):
                text = text[: first - start] + title.of(self.locale) + text[last - start :]
        return " ".join(text.split())


def show(value: Any, locale: str, words: Mapping[str, Text] = NO_WORDS) -> str:
    """A value in words, for sentences; pages format money and units themselves. `words`: the titles of options."""
    zh = locale.startswith("zh")
    if value is None:
        return "无数据" if zh else "unknown"
    if isinstance(value, bool):
        return ("是" if value else "否") if zh else ("yes" if value else "no")
    if isinstance(value, float):
        return number_text(round(value, 2)) if abs(value) >= 0.01 else number_text(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ("、" if zh else ", ").join(show(v, locale, words) for v in value)
    return words[value].of(locale) if value in words else str(value)
