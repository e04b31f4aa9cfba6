"""Writes the SQL of a checked tree for one database.

Two things are watched while writing. An operand that a template mentions more than once is computed once, as a named subquery, when it is
large. And SQLite's parser has a stack of 100 entries ("parser stack overflow"): operands that would be nested too deeply for it
become named subqueries as well, since those stand beside each other.
"""

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from server.expressions import limits, numbers
from server.expressions.checked import Checked, Fact, Missing
from server.expressions.function import Form, scales
from server.expressions.functions.moments import MOMENT_DATE
from server.expressions.functions.text import WHITE_SPACE
from server.expressions.operators import MIRRORED
from server.expressions.parse import dotted
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, TEXTS, Type

PLACE = re.compile(r"\{(\d+)\}")
_SLOT = re.compile(r"\{(\w+|\*)(?::(\w+))?\}|\b(INTEGERS|LOWEST|NUDGE|HALF|WHOLE|QUANTUM|LARGEST|PER_QUANTUM|BLANKS)\b|(CASE|END)\b|([()])")
_CONSTANTS: Mapping[str, Any] = {
    "INTEGERS": 2.0**63,
    "LOWEST": -(2**63),
    "NUDGE": numbers.NUDGE,
    "HALF": numbers.HALF,
    "WHOLE": numbers.WHOLE,
    "QUANTUM": limits.QUANTUM,
    "PER_QUANTUM": 1 / limits.QUANTUM,
    "LARGEST": limits.NUMBER,
    "BLANKS": WHITE_SPACE,
}
_LITERAL: Mapping[type, sa.types.TypeEngine[Any]] = {str: sa.Text(), int: sa.BigInteger(), float: sa.Double()}
_SETTLE = "floor(nullif(nullif({low}({high}({{0}}, -LARGEST), LARGEST), LARGEST), -LARGEST) * PER_QUANTUM + 0.5) * QUANTUM"
_SETTLES = {False: _SETTLE.format(low="min", high="max"), True: _SETTLE.format(low="least", high="greatest")}
_KEY = "floor({0} * 1000000000.0 + 0.5)"
_NULLS = {"text": "TEXT", "integer": "BIGINT", "number": "DOUBLE PRECISION", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP", "list": "TEXT"}
# A number compared with a literal: {1} is the first that equals it to 9 decimals, {2} the first after those.
_BOUNDED: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "{0} < {1}",
    ast.GtE: "{0} >= {1}",
    ast.LtE: "{0} < {2}",
    ast.Gt: "{0} >= {2}",
    ast.Eq: "{0} >= {1} AND {0} < {2}",
    ast.NotEq: "{0} < {1} OR {0} >= {2}",
}
LIGHT = 16  # operands up to this many leaves are simply repeated
STACK = 44  # of the 100 entries of SQLite's parser; the statement around us needs some too


@dataclass(frozen=True)
class Piece:
    """Written SQL. `literal`: its value when it is one. `refs`: the named subqueries it reads."""

    text: str
    weight: int = 1
    depth: int = 1
    literal: Any = Missing
    refs: frozenset[str] = frozenset()
    simple: bool = True  # needs no brackets


@dataclass(frozen=True)
class Slot:
    """One place in a template: what goes there, and how many entries of the parser's stack lie below it."""

    before: str
    name: str
    spec: str
    below: int


@lru_cache(maxsize=4096)
def without_floor(template: str) -> str:
    """SQLAlchemy gives SQLite connections a `floor` of its own, which raises on null and returns integers; -ceil(-x) is SQLite's own."""
    while (start := template.find("floor(")) >= 0:
        end, open_ = start + 6, 1
        while open_:
            open_ += {"(": 1, ")": -1}.get(template[end], 0)
            end += 1
        template = f"{template[:start]}(-ceil(-({template[start + 6 : end - 1]}))){template[end:]}"
    return template


@lru_cache(maxsize=4096)
def slots(template: str) -> tuple[tuple[Slot, ...], str]:
    found: list[Slot] = []
    below = last = 0
    opened: list[int] = []
    for match in _SLOT.finditer(template):
        name, spec, constant, keyword, bracket = match.groups()
        if bracket == "(":
            opened.append(4 if match.start() and (template[match.start() - 1].isalnum()) else 1)
            below += opened[-1]
        elif bracket == ")":
            below -= opened.pop()
        elif keyword:
            below += 5 if keyword == "CASE" else -5
        else:
            found.append(Slot(template[last : match.start()], constant or name, spec or "", below + 2))
            last = match.end()
    return tuple(found), template[last:]


@dataclass
class Writer:
    checked: Checked
    columns: Mapping[str, sa.ColumnElement[Any]]
    moment: Mapping[str, sa.ColumnElement[Any]]
    leaves: list[sa.ColumnElement[Any]]
    postgresql: bool
    named: dict[str, Piece] = field(default_factory=dict)

    def write(self) -> Piece:
        root = self.visit(self.checked.tree)
        if not self.named:
            return root
        parts = ", ".join(f"{name} AS MATERIALIZED (SELECT {piece.text} AS v{self._from(piece)})" for name, piece in self.named.items())
        depth = 10 + max(root.depth, *(p.depth for p in self.named.values()))
        return Piece(f"WITH {parts} SELECT {root.text}{self._from(root)}", sum(p.weight for p in self.named.values()), depth)

    def _from(self, piece: Piece) -> str:
        return " FROM " + ", ".join(sorted(piece.refs)) if piece.refs else ""

    # -- leaves

    def leaf(self, element: sa.ColumnElement[Any]) -> Piece:
        """Equal leaves of the two databases share a place."""
        index = next((i for i, known in enumerate(self.leaves) if known is element), len(self.leaves))
        if index == len(self.leaves):
            self.leaves.append(element)
        depth = getattr(element, "depth", 1 if isinstance(element, sa.Column | sa.BindParameter) else 8)
        return Piece(f"{{{index}}}", getattr(element, "weight", 1), depth)

    def literal(self, value: Any, kind: sa.types.TypeEngine[Any]) -> Piece:
        for index, known in enumerate(self.leaves):
            if isinstance(known, sa.BindParameter) and type(known.value) is type(value) and known.value == value and type(known.type) is type(kind):
                return Piece(f"{{{index}}}", literal=value)
        piece = self.leaf(sa.literal(value, kind))
        return Piece(piece.text, literal=value)

    def value(self, value: Any, kind: Type) -> Piece:
        if value is None:
            return Piece(f"CAST(NULL AS {_NULLS[kind.name]})" if self.postgresql else "NULL", literal=None)
        if kind == TEXTS:
            return self.literal(json.dumps(list(value), ensure_ascii=False, separators=(",", ":")), sa.Text())
        types = {TEXT: sa.Text(), INTEGER: sa.BigInteger(), NUMBER: sa.Double(), BOOLEAN: sa.Boolean(), DATE: sa.Date(), DATETIME: sa.DateTime()}
        return self.literal(float(value) if kind == NUMBER else value, cast("sa.types.TypeEngine[Any]", types[kind]))

    # -- templates

    def fill(self, template: str, args: Sequence[Piece]) -> Piece:
        """The template with its operands. Heavy ones that are mentioned twice, and all that are too deep, become named subqueries first."""
        parts, tail = slots(template if self.postgresql else without_floor(template))
        arguments = list(args)
        mentions = [0] * len(arguments)
        for slot in parts:
            for index in self._indexes(slot, len(arguments)):
                mentions[index] += 1
                if not self.postgresql and arguments[index].depth + slot.below > STACK:
                    arguments[index] = self.name(arguments[index])
        arguments = [self.name(a) if n > 1 and a.weight > LIGHT else a for a, n in zip(arguments, mentions)]
        text, weight, depth, refs = "", 0, 1, frozenset[str]()
        for number, slot in enumerate(parts):
            pieces = self._pieces(slot, arguments)
            after = parts[number + 1].before if number + 1 < len(parts) else tail
            bare = slot.before.endswith("(") and after.startswith((")", ","))
            text += slot.before + ", ".join(p.text if p.simple or bare or len(pieces) > 1 else f"({p.text})" for p in pieces)
            weight += sum(p.weight for p in pieces)
            depth = max(depth, *(p.depth + slot.below for p in pieces)) if pieces else depth
            refs = refs.union(*(p.refs for p in pieces)) if pieces else refs
        return Piece(text + tail, weight, depth, refs=refs, simple=False)

    def _indexes(self, slot: Slot, count: int) -> Sequence[int]:
        if slot.name.isdigit():
            return (int(slot.name),)
        return range(count) if slot.name == "*" else range(1, count) if slot.name == "rest" else ()

    def _pieces(self, slot: Slot, arguments: Sequence[Piece]) -> list[Piece]:
        if slot.name in self.moment:
            return [self.leaf(self.moment[slot.name])]
        if slot.name in _CONSTANTS:
            value = _CONSTANTS[slot.name]
            return [self.literal(value, _LITERAL[type(value)])]
        found = [arguments[i] for i in self._indexes(slot, len(arguments))]
        spec = cast("Callable[[Piece], Piece] | None", getattr(self, f"_spec_{slot.spec}", None)) if slot.spec else None
        return [spec(p) for p in found] if spec else found

    def _spec_key(self, piece: Piece) -> Piece:
        if isinstance(piece.literal, float):
            return self.literal(numbers.key(piece.literal), sa.Double())
        return self.fill(_KEY, [piece])

    def _spec_up(self, piece: Piece) -> Piece:
        return self.literal(scales(piece.literal)[0], sa.Double())

    def _spec_down(self, piece: Piece) -> Piece:
        return self.literal(scales(piece.literal)[1], sa.Double())

    def _spec_quoted(self, piece: Piece) -> Piece:
        """A key as it stands in the text of a list."""
        if isinstance(piece.literal, str):
            return self.literal(json.dumps(piece.literal, ensure_ascii=False), sa.Text())
        return self.fill("'\"' || replace(replace({0}, '\\', '\\\\'), '\"', '\\\"') || '\"'", [piece])

    def name(self, piece: Piece) -> Piece:
        """The piece as a named subquery."""
        known = next((n for n, p in self.named.items() if p.text == piece.text), None)
        if known is None:
            known = f"wg_{len(self.named) + 1}"
            self.named[known] = piece
        return Piece(f"{known}.v", refs=frozenset((known,)))

    # -- the tree

    def visit(self, node: ast.expr) -> Piece:
        fact = self.checked.facts[node]
        if fact.literal is not Missing and not (isinstance(node, ast.List) and fact.literal == ()):
            return self.value(fact.literal, fact.given)
        piece: Piece = getattr(self, f"_{type(node).__name__.lower()}")(node, fact)
        piece = self.convert(piece, fact)
        return self.fill(_SETTLES[self.postgresql], [piece]) if fact.settle else piece

    def convert(self, piece: Piece, fact: Fact) -> Piece:
        if fact.to == NUMBER and fact.type == INTEGER:
            return self.fill("CAST({0} AS DOUBLE PRECISION)", [piece])
        if fact.to == DATE and fact.type == DATETIME:
            return self.fill(MOMENT_DATE.template(1, self.postgresql), [piece])
        return piece

    def form(self, form: Form, args: Sequence[Piece]) -> Piece:
        return self.fill(form.template(len(args), self.postgresql), args)

    def _name(self, node: ast.expr, fact: Fact) -> Piece:
        return self._column(dotted(node) or "", fact.type)

    def _column(self, name: str, wanted: Type) -> Piece:
        element = self.columns[name]
        kind = element.type
        if wanted == NUMBER and not isinstance(kind, sa.Float):
            return self.fill("CAST({0} AS DOUBLE PRECISION)", [self.leaf(element)])
        if wanted == INTEGER and self.postgresql and not isinstance(kind, sa.BigInteger):
            return self.fill("CAST({0} AS BIGINT)", [self.leaf(element)])
        return self.leaf(element)

    _attribute = _name

    def _unaryop(self, node: ast.UnaryOp, fact: Fact) -> Piece:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return self.fill("NOT {0}", [operand])
        return operand if isinstance(node.op, ast.UAdd) else self.form(fact.forms[0], [operand])

    def _binop(self, node: ast.BinOp, fact: Fact) -> Piece:
        return self.form(fact.forms[0], [self.visit(node.left), self.visit(node.right)])

    def _boolop(self, node: ast.BoolOp, fact: Fact) -> Piece:
        word = " AND " if isinstance(node.op, ast.And) else " OR "
        return self.fill(word.join(f"{{{i}}}" for i in range(len(node.values))), [self.visit(v) for v in node.values])

    def _ifexp(self, node: ast.IfExp, fact: Fact) -> Piece:
        """A chain of else-if is one CASE, so that it stays flat."""
        parts: list[ast.expr] = []
        rest: ast.expr = node
        while isinstance(rest, ast.IfExp) and (rest is node or not (self.checked.facts[rest].to or self.checked.facts[rest].settle)):
            parts += [rest.test, rest.body]
            rest = rest.orelse
        cases = " ".join(f"WHEN {{{i}}} THEN {{{i + 1}}}" for i in range(0, len(parts), 2))
        return self.fill(f"CASE {cases} ELSE {{{len(parts)}}} END", [self.visit(p) for p in (*parts, rest)])

    def _call(self, node: ast.Call, fact: Fact) -> Piece:
        before = [self._column(fact.earlier, self.checked.earlier[fact.earlier])] if fact.earlier else []
        return self.form(fact.forms[0], [*(self.visit(a) for a in node.args), *before])

    def _compare(self, node: ast.Compare, fact: Fact) -> Piece:
        operation, right = node.ops[0], node.comparators[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            return self.fill("{0} IS NULL" if isinstance(operation, ast.Is) else "{0} IS NOT NULL", [self.visit(node.left)])
        if isinstance(operation, ast.In | ast.NotIn):
            items = [node.left, *right.elts] if isinstance(right, ast.List) else [right, node.left]
            found = self.form(fact.forms[0], [self.visit(item) for item in items])
            return self.fill("NOT {0}", [found]) if isinstance(operation, ast.NotIn) else found
        operands = [self.visit(part) for part in (node.left, *node.comparators)]
        if len(operands) > 2:
            operands = [operands[0], *(self.name(p) if p.weight > LIGHT else p for p in operands[1:-1]), operands[-1]]
        pairs = [self.comparison(op, form, a, b) for op, form, a, b in zip(node.ops, fact.forms, operands, operands[1:])]
        return pairs[0] if len(pairs) == 1 else self.fill(" AND ".join(f"{{{i}}}" for i in range(len(pairs))), pairs)

    def comparison(self, op: ast.cmpop, form: Form, a: Piece, b: Piece) -> Piece:
        """Against a literal, comparing the 9 decimals is one comparison with the right double, which an index can serve."""
        if form.params[0].type != "number" or isinstance(a.literal, float) == isinstance(b.literal, float):
            return self.form(form, [a, b])
        kind = type(op)
        if isinstance(a.literal, float):
            a, b, kind = b, a, MIRRORED[kind]
        first, after = (self.literal(v, sa.Double()) for v in numbers.bounds_of_equal(b.literal))
        return self.fill(_BOUNDED[kind], [a, first, after])
