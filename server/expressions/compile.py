"""Checked expressions as generated Python functions: the fast way for forms, imports and rules. Gives what `evaluate` gives.

The source holds only our own templates and numbered names; texts of the expression reach it as constants, never as code.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from server.expressions import limits
from server.expressions.checked import Checked, Fact, Missing
from server.expressions.function import Form
from server.expressions.functions.moments import moment_date
from server.expressions.numbers import bounds_of_equal, settle
from server.expressions.parse import dotted
from server.expressions.types import DATE, DATETIME, INTEGER, NUMBER, At, Type
from server.expressions.values import READERS

Compiled = Callable[[Mapping[str, Any], At], Any]
_Q, _N = repr(limits.QUANTUM), repr(limits.NUMBER)
# A value that is already what its type says needs no reader.
_FINE = {
    "text": "{0}.__class__ is str",
    "integer": f"{{0}}.__class__ is int and {-limits.INTEGER} <= {{0}} <= {limits.INTEGER}",
    "number": f"{{0}}.__class__ is float and ({_Q} <= {{0}} < {_N} or -{_N} < {{0}} <= -{_Q} or {{0}} == 0.0)",
    "boolean": "{0}.__class__ is bool",
    "date": "{0}.__class__ is date",
    "datetime": "False",
    "list": "False",
}

_NAMES: Mapping[str, Any] = {
    "__builtins__": {},
    "float": float,
    "int": int,
    "str": str,
    "bool": bool,
    "date": date,
    "settle": settle,
    "moment_date": moment_date,
}


def compile_python(checked: Checked) -> Compiled:
    """A function of (values, at)."""
    writer = _Writer(checked)
    source = writer.write()
    code = compile(source, f"<expression {checked.source[:40]!r}>", "exec")
    exec(code, writer.names)  # noqa: S102 our own generated source, from a tree that passed the checker
    run: Compiled = writer.names["run"]
    return run


class _Writer:
    """Statements of one function. Every part of the tree ends as a variable or a constant, so that nothing is computed twice."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.names: dict[str, Any] = dict(_NAMES)
        self.read: dict[str, str] = {}
        self.sure: set[str] = {"True", "False"}  # what cannot be null

    def write(self) -> str:
        for name in sorted(self.checked.names):
            self._load(name, self.checked.scope.names[name].type)
        for name, kind in self.checked.earlier.items():
            self._load(name, kind)
        root = self.visit(self.checked.tree)
        if self.checked.type == NUMBER and root != "None":
            root = f"{root} + 0.0" if root in self.sure else f"None if {root} is None else {root} + 0.0"  # no negative zero
        self.line(f"return {root}")
        return "def run(values, at):\n" + "\n".join(self.lines) + "\n"

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def put(self, code: str, *, sure: bool = False) -> str:
        name = self.new()
        self.line(f"{name} = {code}")
        if sure:
            self.sure.add(name)
        return name

    def constant(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return repr(value)
        self.count += 1
        name = f"k{self.count}"
        self.names[name] = value
        self.sure.add(name)
        return name

    def _load(self, name: str, kind: Type) -> None:
        known = kind.name
        variable = self.put(f"values.get({self.constant(name)})")
        self.line(f"if {variable} is not None and not ({_FINE[known].format(variable)}): {variable} = {self.constant(READERS[known])}({variable})")
        self.read[name] = variable

    # -- parts

    def visit(self, node: ast.expr) -> str:
        fact = self.checked.facts[node]
        if fact.literal is not Missing and not (isinstance(node, ast.List) and fact.literal == ()):
            value = float(fact.literal) if fact.given == NUMBER and fact.literal is not None else fact.literal
            return self.constant(value)
        written: str = getattr(self, f"_{type(node).__name__.lower()}")(node, fact)
        written = self._convert(written, fact)
        if fact.settle:
            written = self.guarded(f"{written} if {limits.EXACT!r} <= {written} < {limits.NUMBER!r} else settle({written})", [written], sure=False)
        return written

    def _convert(self, written: str, fact: Fact) -> str:
        if fact.to == NUMBER and fact.type == INTEGER:
            return self.guarded(f"float({written})", [written])
        if fact.to == DATE and fact.type == DATETIME:
            return self.guarded(f"moment_date(at, {written})", [written], sure=False)
        return written

    def guarded(self, code: str, arguments: Sequence[str], *, sure: bool = True) -> str:
        """The code where no argument is null, else null."""
        unsure = list(dict.fromkeys(a for a in arguments if a not in self.sure))
        if "None" in unsure:
            return "None"
        if not unsure:
            return self.put(code, sure=sure)
        return self.put(f"None if {' or '.join(f'{a} is None' for a in unsure)} else ({code})")

    def form(self, form: Form, arguments: Sequence[str]) -> str:
        if form.inline and len(arguments) == len(form.params):
            code = form.inline
            for index, argument in enumerate(arguments):
                code = code.replace(f"{{{index}:key}}", f"(({argument} * 1000000000.0 + 0.5) // 1.0)").replace(f"{{{index}}}", argument)
        else:
            code = f"{self.constant(form.python)}({', '.join(['at', *arguments] if form.at else arguments)})"
        if form.sees_null:
            return self.put(code)
        return self.guarded(code, arguments, sure=not form.may_be_null)

    def _name(self, node: ast.expr, fact: Fact) -> str:
        return self.read[dotted(node) or ""]

    _attribute = _name

    def _unaryop(self, node: ast.UnaryOp, fact: Fact) -> str:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return self.guarded(f"not {operand}", [operand])
        return operand if isinstance(node.op, ast.UAdd) else self.form(fact.forms[0], [operand])

    def _binop(self, node: ast.BinOp, fact: Fact) -> str:
        return self.form(fact.forms[0], [self.visit(node.left), self.visit(node.right)])

    def _boolop(self, node: ast.BoolOp, fact: Fact) -> str:
        """Stops at the first part that decides; null only when none decides."""
        decides = "False" if isinstance(node.op, ast.And) else "True"
        first = self.visit(node.values[0])
        name = self.put(first)
        for part in node.values[1:]:
            self.line(f"if {name} is not {decides}:")
            self.indent += 1
            value = self.visit(part)
            self.line(f"if {value} is {decides} or {name} is not None: {name} = {value}")
            self.indent -= 1
        return name

    def _ifexp(self, node: ast.IfExp, fact: Fact) -> str:
        test = self.visit(node.test)
        name = self.new()
        for head, part in ((f"if {test}:", node.body), ("else:", node.orelse)):
            self.line(head)
            self.indent += 1
            self.line(f"{name} = {self.visit(part)}")
            self.indent -= 1
        return name

    def _call(self, node: ast.Call, fact: Fact) -> str:
        return self.form(fact.forms[0], [*(self.visit(a) for a in node.args), *([self.read[fact.earlier]] if fact.earlier else [])])

    def _compare(self, node: ast.Compare, fact: Fact) -> str:
        operation, right = node.ops[0], node.comparators[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            return self.put(f"{self.visit(node.left)} {'is' if isinstance(operation, ast.Is) else 'is not'} None", sure=True)
        if isinstance(operation, ast.In | ast.NotIn):
            items = [node.left, *right.elts] if isinstance(right, ast.List) else [right, node.left]
            found = self.form(fact.forms[0], [self.visit(item) for item in items])
            return self.guarded(f"not {found}", [found]) if isinstance(operation, ast.NotIn) else found
        operands = [self.visit(part) for part in (node.left, *node.comparators)]
        pairs = [self._comparison(op, form, a, b) for op, form, a, b in zip(node.ops, fact.forms, operands, operands[1:])]
        if len(pairs) == 1:
            return pairs[0]
        false = " or ".join(f"{p} is False" for p in pairs)
        null = " or ".join(f"{p} is None" for p in pairs if p not in self.sure)
        return self.put(f"False if {false} else None if {null} else True" if null else f"not ({false})", sure=not null)

    def _comparison(self, op: ast.cmpop, form: Form, a: str, b: str) -> str:
        """Against a literal number, comparing 9 decimals is comparing with the right double."""
        literal: Any = self.names.get(b)
        if form.params[0].type != "number" or not isinstance(literal, float) or a in self.names:
            return self.form(form, [a, b])
        first, after = bounds_of_equal(literal)
        code = {
            "Lt": f"{a} < {first!r}",
            "GtE": f"{a} >= {first!r}",
            "LtE": f"{a} < {after!r}",
            "Gt": f"{a} >= {after!r}",
            "Eq": f"{first!r} <= {a} < {after!r}",
            "NotEq": f"not ({first!r} <= {a} < {after!r})",
        }
        return self.guarded(code[type(op).__name__], [a])
