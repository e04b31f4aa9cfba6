"""Writes the source of a Python function for a checked expression.

The source holds only our own templates, numbers and numbered names; texts of the expression reach it as constants, never as code.
Parts stay expressions as long as they can, so that Python does the least; what is mentioned twice becomes a variable.
"""

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

from server.expressions import limits
from server.expressions.checked import Checked, Fact, Missing
from server.expressions.function import BASE, CHOICE, Form, Size
from server.expressions.functions.moments import moment_date
from server.expressions.numbers import bounds_of_equal, checked, settle
from server.expressions.operators import MIRRORED
from server.expressions.parse import dotted
from server.expressions.part import ANY_INTEGER, NULL, Part, higher, union, widest
from server.expressions.types import DATE, DATETIME, INTEGER, NUMBER, Name
from server.expressions.values import READERS

_N = repr(limits.NUMBER)
# The sizes that are usual: what is computed with them mostly needs no look at whether it stays in range. Other values take the long way.
_USUAL = {"integer": Size(1, 2.0**48), "number": Size(2.0**-100, 2.0**100)}
_UNUSUAL = {
    "integer": f"not {-(2**48)} <= {{0}} <= {2**48}",
    "number": f"not ({2.0**-100!r} <= abs({{0}}) < {2.0**100!r} or {{0}} == 0.0)",
}
# A value that is already what its type says needs no reader. What is not such a value is read, and mostly null then.
_ODD = {
    "text": "{0}.__class__ is not str",
    "integer": f"{{0}}.__class__ is not int or {{0}} > {limits.QUICK} or {{0}} < {-limits.QUICK}",
    "number": f"{{0}}.__class__ is not float or not ({2.0**-100!r} <= {{0}} < {2.0**100!r} or {{0}} == 0.0 or -{2.0**100!r} < {{0}} <= -{2.0**-100!r})",
    "boolean": "{0}.__class__ is not bool",
    "date": "{0}.__class__ is not date",
    "datetime": "True",
    "list": "True",
}
_SETTLED = f"{{0}} if {limits.EXACT!r} <= {{0}} < {_N} or {{0}} == 0.0 or -{_N} < {{0}} <= -{limits.EXACT!r} else settle({{0}})"
_NAMES: Mapping[str, Any] = {
    "__builtins__": {},
    "KeyError": KeyError,
    "abs": abs,
    "float": float,
    "int": int,
    "str": str,
    "bool": bool,
    "date": date,
    "settle": settle,
    "checked": checked,
    "moment_date": moment_date,
}
_DEEPEST = 60  # indentation: Python takes 100 levels
_HIGHEST = 20  # brackets within brackets: Python takes 200, and what is written here has up to four a level
_EXACT = 2.0**52  # an int beside a number below this compares as if it were one
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_SLOT = re.compile(r"\{(\d+)(:key)?\}")


class PythonWriter:
    """`doubt`: what to call instead when a value is missing that cannot be; without it nothing is trusted."""

    def __init__(self, checked: Checked, doubt: Callable[..., Any] | None) -> None:
        self.checked = checked
        self.trusting = doubt is not None
        self.names: dict[str, Any] = {**_NAMES, "doubt": doubt}
        self.lines: list[str] = []
        self.indent = 2 if self.trusting else 1
        self.count = 0
        self.read: dict[str, Part] = {}
        self.floats: set[ast.expr] = set()  # whole numbers that are better floats at once, because that is what becomes of them

    def write(self) -> str:
        used = Counter(dotted(n) or "" for n in self.checked.facts if isinstance(n, ast.Name | ast.Attribute))
        required = self.required(self.checked.tree)
        for name in sorted(self.checked.names, key=lambda n: (n not in required, n)):
            if name in required or used[name] > 1:
                self.load(name, required=name in required)
        self.leave(self.checked.tree)
        body = "\n".join(self.lines)
        if self.trusting:
            body = f"    try:\n{body}\n    except KeyError:\n        return doubt(values, at)"
        return f"def run(values, at):\n{body}\n"

    # -- lines and names

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Indented lines; what is read in them is known in them only."""
        read = dict(self.read)
        self.indent += 1
        yield
        self.indent -= 1
        self.read = read

    def aside(self, node: ast.expr, deeper: bool) -> tuple[list[str], Part]:
        """The part, and the lines it takes, kept apart."""
        kept, self.lines = self.lines, []
        self.indent += deeper
        part = self.visit(node)
        self.indent -= deeper
        written, self.lines = self.lines, kept
        return written, part

    def new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def put(self, code: str, *, sure: bool) -> Part:
        name = self.new()
        self.line(f"{name} = {code}")
        return Part(name, () if sure else (name,), atom=True)

    def keep(self, part: Part) -> Part:
        return replace(self.put(part.value, sure=part.sure), size=part.size)

    def atom(self, part: Part) -> Part:
        """The part as something that may be mentioned twice."""
        if part.whole:
            part = self.real(part)
        return part if part.atom else self.keep(part)

    def real(self, part: Part) -> Part:
        """An int that stands for a number as a float."""
        return Part(f"float({part.code})", part.needs, height=part.height + 1, size=part.size) if part.whole else part

    def constant(self, value: Any) -> Part:
        if value is None:
            return NULL
        if isinstance(value, bool | int | float):
            size = Size(abs(value), abs(value)) if value else Size(1, 1)
            return Part(repr(value) if value >= 0 else f"({value!r})", atom=True, size=size)
        self.count += 1
        name = f"k{self.count}"
        self.names[name] = value
        return Part(name, atom=True)

    def named(self, name: str) -> Part:
        return self.read.get(name) or self.load(name)

    def load(self, name: str, *, required: bool = False) -> Part:
        known = self.checked.scope.names.get(name) or Name(self.checked.earlier[name])
        kind, key, variable = known.type.name, self.constant(name).code, self.new()
        sure = self.trusting and not known.nullable
        self.line(f"{variable} = {f'values[{key}]' if self.trusting else f'values.get({key})'}")
        reader = self.constant(READERS[kind]).code
        self.line(f"if {_ODD[kind].format(variable)}:")
        if sure or required:
            self.line(f"    {variable} = {reader}({variable})")
            self.line(f"    if {variable} is None: return {'doubt(values, at)' if sure else 'None'}")
        else:
            self.line(f"    if {variable} is not None: {variable} = {reader}({variable})")
        size = ANY_INTEGER if kind == "integer" else BASE
        if self.trusting and kind in _USUAL:
            size = _USUAL[kind]
            there = "" if sure or required else f"{variable} is not None and "
            self.line(f"    if {there}{_UNUSUAL[kind].format(variable)}: return doubt(values, at)")
        self.read[name] = Part(variable, () if sure or required else (variable,), atom=True, size=size)
        return self.read[name]

    def required(self, node: ast.expr) -> frozenset[str]:
        """The names without which the value is null."""
        fact = self.checked.facts[node]
        if isinstance(node, ast.Name | ast.Attribute):
            return frozenset({dotted(node) or ""})
        if isinstance(node, ast.IfExp):
            return self.required(node.body) & self.required(node.orelse)
        if isinstance(node, ast.BinOp):
            return self.required(node.left) | self.required(node.right)
        if isinstance(node, ast.UnaryOp):
            return self.required(node.operand)
        if isinstance(node, ast.Call | ast.Compare) and len(fact.forms) == 1 and not fact.forms[0].sees_null:
            parts = node.args if isinstance(node, ast.Call) else [node.left, *node.comparators]
            return frozenset().union(*(self.required(part) for part in parts if part in self.checked.facts))
        return frozenset()

    # -- parts

    def visit(self, node: ast.expr) -> Part:
        """The part as what the surrounding part wants, except that a whole number may stand for a number."""
        fact = self.checked.facts[node]
        if fact.literal is not Missing and not (isinstance(node, ast.List) and fact.literal == ()):
            number = fact.literal is not None and (fact.given == NUMBER or node in self.floats)
            return self.constant(float(fact.literal) if number else fact.literal)
        part: Part = getattr(self, f"_{type(node).__name__.lower()}")(node, fact)
        if (fact.to == NUMBER or node in self.floats) and fact.type == INTEGER and part.code != "None":
            part = replace(part, whole=True, held="")
        if fact.to == DATE and fact.type == DATETIME:
            part = self.guarded(f"moment_date(at, {part.inner})", (part,), sure=False)
        if fact.settle and not (part.size.small >= limits.EXACT and part.size.large < limits.NUMBER):
            one = self.atom(part)
            part = self.guarded(_SETTLED.format(one.code), (one,), sure=False)
        return self.keep(part) if part.height > _HIGHEST and not part.whole else part

    def guarded(self, code: str, arguments: Sequence[Part], *, sure: bool = True) -> Part:
        """The code where no argument is null, else null. Not `sure`: the code may give null itself."""
        parts = tuple(arguments)
        if NULL in parts:
            return NULL
        part = Part(code, union(parts), height=higher(parts))
        return part if sure else self.put(part.value, sure=False)

    def form(self, form: Form, arguments: Sequence[ast.expr]) -> Part:
        template = form.inline if len(arguments) == len(form.params) or form.repeat else ""
        if template is CHOICE:
            return self._choice(arguments)
        if "{rest}" in template:
            if (found := self._among(template, arguments)) is not None:
                return found
        elif template:
            first, *others = [self.real(self.visit(a)) for a in arguments]
            if not form.repeat:
                return self._filled(form, first, *others)
            for other in others:
                first = self._filled(form, first, other)
            return first
        parts = [self.real(self.visit(a)) for a in arguments]
        codes = [p.value if form.sees_null else p.code for p in parts]
        return self._result(form, f"{self.constant(form.python).code}({', '.join(['at'] * form.at + codes)})", parts)

    def _result(self, form: Form, code: str, parts: Sequence[Part]) -> Part:
        if not form.sees_null:
            part = self.guarded(code, parts, sure=not form.may_be_null)
        else:
            sure = not form.may_be_null and (any(p.sure for p in parts) if form.result == "T" else all(p.sure for p in parts))
            part = Part(code, height=higher(parts)) if sure else self.put(code, sure=False)
        return part if part is NULL else replace(part, size=self._size(form, parts))

    def _size(self, form: Form, parts: Sequence[Part]) -> Size:
        if callable(form.size):
            found: Size = form.size(*(p.size for p in parts))
            return Size(found.small, min(found.large, ANY_INTEGER.large)) if form.result == "integer" else found
        if form.result in ("T", "N") and parts:
            return widest(parts)
        return ANY_INTEGER if form.result == "integer" else form.size

    def _filled(self, form: Form, *arguments: Part) -> Part:
        """The form's template with the arguments in it. What it mentions twice becomes a variable first."""
        if form.unguarded and NULL not in arguments and callable(form.size) and form.size(*(p.size for p in arguments)).large <= limits.INTEGER:
            form = replace(form, inline=form.unguarded, may_be_null=False)
        mentioned = Counter(int(found[1]) for found in _SLOT.finditer(form.inline))
        parts = [self.atom(p) if mentioned[i] > 1 else p for i, p in enumerate(arguments)]
        for i, part in enumerate(parts):  # Python warns of `1 is None`; a variable may be anything
            if f"{{{i}}} is" in form.inline and not part.code.isidentifier():
                parts[i] = self.put(part.value, sure=part.sure)

        def slot(found: re.Match[str]) -> str:
            part = parts[int(found[1])]
            inner = f"({part.value})" if form.sees_null and not part.atom else part.inner
            return f"(({inner} * 1000000000.0 + 0.5) // 1.0)" if found[2] else inner

        return self._result(form, _SLOT.sub(slot, form.inline), parts)

    def _choice(self, arguments: Sequence[ast.expr]) -> Part:
        """As one expression, so that no more is tested than needed."""
        pairs, other = rows_of(arguments)
        tests = [self.holds(test, True) for test, _ in pairs]
        values = [self.real(self.visit(value)) for _, value in pairs]
        last = NULL if other is None else self.real(self.visit(other))
        size = widest((*values, last))
        sure = all(v.sure for v in (*values, last))
        parts = [v.inner if v.atom or sure else f"({v.value})" for v in (*values, last)]
        code = "".join(f"{value} if {test} else " for value, test in zip(parts, tests)) + parts[-1]
        return replace(Part(code, height=higher((*values, last))) if sure else self.put(code, sure=False), size=size)

    def _among(self, template: str, arguments: Sequence[ast.expr]) -> Part | None:
        """A value looked up among literals; None where they are not all literals."""
        literals = [self.checked.facts[a].literal for a in arguments[1:]]
        if any(v is Missing or v is None for v in literals):
            return None
        one = self.visit(arguments[0])
        code = template.replace("{0}", one.inner).replace("{rest}", self.constant(tuple(literals)).code)
        part = self.guarded(code, (one,))
        return replace(part, held=code) if one.atom and one is not NULL else part

    def _name(self, node: ast.expr, fact: Fact) -> Part:
        return self.named(dotted(node) or "")

    _attribute = _name

    def _unaryop(self, node: ast.UnaryOp, fact: Fact) -> Part:
        if isinstance(node.op, ast.Not):
            operand = self.visit(node.operand)
            return self.guarded(f"not {operand.inner}", (operand,))
        return self.visit(node.operand) if isinstance(node.op, ast.UAdd) else self.form(fact.forms[0], [node.operand])

    def _binop(self, node: ast.BinOp, fact: Fact) -> Part:
        form = fact.forms[0]
        if not isinstance(node.op, _ARITHMETIC) or form.result != "number":
            return self.form(form, [node.left, node.right])
        left, right = self.visit(node.left), self.visit(node.right)
        if left.whole and right.whole:  # one float is enough: Python turns the other
            left = self.real(left)
        literal = self.checked.facts[node.right].literal
        if isinstance(node.op, ast.Div) and literal is not Missing and literal:
            return self._over(left, right, literal, form)
        right = self.atom(right) if isinstance(node.op, ast.Div) else right
        return self._filled(form, left, right)

    def _over(self, left: Part, right: Part, literal: float, form: Form) -> Part:
        """Divided by a literal. Python divides slowly: by a power of 2 it can as well multiply."""
        exact = math.frexp(literal)[0] in (0.5, -0.5) and 1e-9 < abs(literal) < 1e9
        code = f"{left.inner} * {self.constant(1 / literal).code}" if exact else f"{left.inner} / {right.inner}"
        return replace(self.guarded(code, (left, right)), size=self._size(form, (left, right)))

    def _call(self, node: ast.Call, fact: Fact) -> Part:
        if fact.earlier:
            return self._before(fact.forms[0], fact.earlier, node.args)
        return self.form(fact.forms[0], node.args)

    def _before(self, form: Form, key: str, arguments: Sequence[ast.expr]) -> Part:
        parts = [*(self.visit(a) for a in arguments), self.named(key)]
        return self._result(form, f"{self.constant(form.python).code}({', '.join(p.value for p in parts)})", parts)

    # -- conditions

    def holds(self, node: ast.expr, wanted: bool) -> str:
        """Source that is true exactly when the condition is the wanted one of true and false: inside, null needs no care."""
        if isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) is wanted else " or "
            return word.join(f"({self.holds(part, wanted)})" for part in node.values)
        if isinstance(node, ast.UnaryOp):
            return self.holds(node.operand, not wanted)
        return self.visit(node).decided(wanted)

    def _boolop(self, node: ast.BoolOp, fact: Fact) -> Part:
        name, read, indent = "", self.read, self.indent
        end = isinstance(node.op, ast.Or)
        pending: list[str] = []  # what decides, not yet written
        parts: list[Part] = []
        for part in node.values:
            before, deeper = dict(self.read), bool(pending) and self.indent < _DEEPEST
            written, one = self.aside(part, deeper)
            if written and deeper:
                if not name:
                    name, read = self.new(), before
                self.line(f"if {' or '.join(pending)}: {name} = {end}")
                self.line("else:")
                self.indent, pending = self.indent + 1, []
            self.lines += written
            pending.append(one.decided(end))
            parts.append(one)
        code, sure = self._verdict(pending, parts, end)
        if not name:
            return self.put(code, sure=sure)
        self.line(f"{name} = {code}")
        self.indent, self.read = indent, read
        return Part(name, () if sure else (name,), atom=True)

    def _verdict(self, deciding: Sequence[str], parts: Sequence[Part], end: bool) -> tuple[str, bool]:
        """`end` where something decides, else null where something is null, else the other; and whether it cannot be null."""
        needs, decided = union(parts), " or ".join(deciding)
        if needs or NULL in parts:
            return f"{end} if {decided} else None if {'True' if NULL in parts else Part('', needs).missing} else {not end}", False
        return f"{end} if {decided} else {not end}", True

    def _ifexp(self, node: ast.IfExp, fact: Fact) -> Part:
        """Where a number is wanted, whole numbers that are written out become floats: Python adds two floats faster than an int to one."""
        number = fact.to == NUMBER or node in self.floats
        test = self.holds(node.test, True)
        read = self.read
        written, branches = [], []
        for branch in (node.body, node.orelse):
            self.read = dict(read)
            if number and self.checked.facts[branch].type == INTEGER:
                self.floats.add(branch)
            lines, one = self.aside(branch, True)
            written.append(lines)
            branches.append(self.real(one))
        self.read = read
        body, other = branches
        sure, size = body.sure and other.sure, widest(branches)
        if not any(written):
            first, second = (p.inner if sure else f"({p.value})" for p in branches)
            code = f"{first} if {test} else {second}"
            return Part(code, height=higher(branches), size=size) if sure else replace(self.put(code, sure=False), size=size)
        name = self.new()
        for head, lines, one in zip((f"if {test}:", "else:"), written, branches):
            self.line(head)
            self.lines += lines
            self.line(f"    {name} = {one.value}")
        return Part(name, () if sure else (name,), atom=True, size=size)

    def _compare(self, node: ast.Compare, fact: Fact) -> Part:
        operation, right = node.ops[0], node.comparators[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            one = self.visit(node.left)
            code = "True" if one is NULL else one.missing or "False"
            return Part(code if isinstance(operation, ast.Is) else f"not ({code})", height=one.height)
        if isinstance(operation, ast.In | ast.NotIn):
            found = self.form(fact.forms[0], [node.left, *right.elts] if isinstance(right, ast.List) else [right, node.left])
            return self.guarded(f"not {found.inner}", (found,)) if isinstance(operation, ast.NotIn) else found
        nodes = [node.left, *node.comparators]
        parts = [self.visit(part) for part in nodes]
        parts = [self.atom(p) if 0 < i < len(parts) - 1 else p for i, p in enumerate(parts)]
        literals = [self.checked.facts[part].literal for part in nodes]
        pairs = [self._comparison(op, fact.forms[i], parts[i : i + 2], literals[i : i + 2]) for i, op in enumerate(node.ops)]
        if len(pairs) == 1:
            return pairs[0]
        if len({p.needs for p in pairs}) == 1 and NULL not in pairs:  # null together or not at all
            return Part(" and ".join(p.inner for p in pairs), pairs[0].needs, height=higher(pairs))
        code, sure = self._verdict([p.decided(False) for p in pairs], pairs, False)
        return self.put(code, sure=sure)

    def _comparison(self, op: ast.cmpop, form: Form, parts: Sequence[Part], literals: Sequence[Any]) -> Part:
        a, b = parts
        if form.params[0].type != "number":
            found = self._filled(form, a, b)
            plain = isinstance(op, ast.Eq) and a.atom and b.atom and NULL not in parts and (a.sure or b.sure)
            return replace(found, held=found.code) if plain else found
        if isinstance(literals[0], float | int) and not isinstance(literals[1], float | int):
            return self._against(MIRRORED[type(op)], b, float(literals[0]))
        if isinstance(literals[1], float | int) and not isinstance(literals[0], float | int):
            return self._against(type(op), a, float(literals[1]))
        return self._filled(form, self.real(a), self.real(b))

    def _against(self, op: type[ast.cmpop], part: Part, literal: float) -> Part:
        """Against a literal number, comparing 9 decimals is comparing with the right double."""
        first, after = (self.constant(bound).code for bound in bounds_of_equal(literal))
        one = (part if abs(literal) < _EXACT else self.real(part)).inner
        code = {
            ast.Lt: f"{one} < {first}",
            ast.GtE: f"{one} >= {first}",
            ast.LtE: f"{one} < {after}",
            ast.Gt: f"{one} >= {after}",
            ast.Eq: f"{first} <= {one} < {after}",
            ast.NotEq: f"not ({first} <= {one} < {after})",
        }
        return self.guarded(code[op], (part,))

    # -- the end

    def leave(self, node: ast.expr) -> None:
        """Returns the value, at once where it is decided."""
        fact = self.checked.facts[node]
        if fact.to is None and not fact.settle:
            if isinstance(node, ast.BoolOp):
                return self._leave_boolop(node)
            if isinstance(node, ast.IfExp):
                return self._leave_rows(*rows_of((node.test, node.body, node.orelse)))
            if isinstance(node, ast.Call) and fact.forms[0].inline is CHOICE:
                return self._leave_rows(*rows_of(node.args))
        part = self.real(self.visit(node))
        if self.checked.type == NUMBER and part is not NULL:  # no negative zero
            part = self.guarded(f"{part.inner} + 0.0", (part,))
        self.line(f"return {part.value}")

    def _leave_rows(self, pairs: Sequence[tuple[ast.expr, ast.expr]], other: ast.expr | None) -> None:
        self._leave_among([(_conjuncts(test), value) for test, value in pairs])
        if other is None:
            self.line("return None")
        else:
            self.leave(other)

    def _leave_among(self, rows: Sequence[tuple[Sequence[ast.expr], ast.expr]]) -> None:
        """Rows of a table in their order. What neighbours ask first alike is asked once."""
        for _, group in groupby(rows, key=lambda row: ast.dump(row[0][0]) if row[0] and self.indent < _DEEPEST else ""):
            same = list(group)
            first, value = same[0]
            if not first:
                return self.leave(value)  # what follows is never reached
            together = len(same) > 1 and self.indent < _DEEPEST
            self.line(f"if {self._all_hold(first[:1] if together else first)}:")
            with self.block():
                if together:
                    self._leave_among([(tests[1:], value) for tests, value in same])
                else:
                    self.leave(value)
        return None

    def _all_hold(self, tests: Sequence[ast.expr]) -> str:
        return " and ".join(f"({self.holds(test, True)})" for test in tests)

    def _leave_boolop(self, node: ast.BoolOp) -> None:
        end = isinstance(node.op, ast.Or)
        pending: list[str] = []
        parts: list[Part] = []
        for part in node.values:
            written, one = self.aside(part, False)
            if written and pending:
                self.line(f"if {' or '.join(pending)}: return {end}")
                pending = []
            self.lines += written
            pending.append(one.decided(end))
            parts.append(one)
        self.line(f"return {self._verdict(pending, parts, end)[0]}")


def rows_of(arguments: Sequence[ast.expr]) -> tuple[list[tuple[ast.expr, ast.expr]], ast.expr | None]:
    """Condition and value, condition and value, ... and the value of all other cases."""
    pairs = list(zip(arguments[::2], arguments[1::2]))
    return pairs, arguments[-1] if len(arguments) % 2 else None


def _conjuncts(test: ast.expr) -> Sequence[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
