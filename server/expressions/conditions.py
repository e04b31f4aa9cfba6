"""The condition tree: what the visual builder edits. A condition is a group of conditions, or one field with an operator and a value.

A tree is plain JSON:
    {"all": [...]} {"any": [...]}                       at least two parts each
    {"not": {...}}
    {"field": "orders", "operator": "less", "value": 3}
A value is a number, a text, a yes/no, a day "2024-01-31", {"name": other field}, {"today": -90} (90 days before today),
a list of these, or missing where the operator needs none. Text and tree say the same: conditions_text.py writes the text.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from server.errors import Text
from server.expressions.checked import Checked
from server.expressions.parse import dotted

Tree = dict[str, Any]
NUMBERS, MOMENTS = frozenset({"integer", "number"}), frozenset({"date", "datetime"})
ORDERED, SCALARS = NUMBERS | MOMENTS | {"text"}, NUMBERS | MOMENTS | {"text"}
EVERY = SCALARS | {"boolean", "list"}


@dataclass(frozen=True)
class Operator:
    """`types`: of the fields it is for. `takes`: none, one, two, many or days."""

    key: str
    title: Text
    types: frozenset[str]
    takes: str


OPERATORS: Mapping[str, Operator] = {
    o.key: o
    for o in (
        Operator("equals", Text("等于", "is"), SCALARS, "one"),
        Operator("not_equals", Text("不等于", "is not"), SCALARS, "one"),
        Operator("less", Text("小于", "is less than"), ORDERED, "one"),
        Operator("less_or_equal", Text("不大于", "is at most"), ORDERED, "one"),
        Operator("greater", Text("大于", "is more than"), ORDERED, "one"),
        Operator("greater_or_equal", Text("不小于", "is at least"), ORDERED, "one"),
        Operator("between", Text("介于", "is between"), ORDERED, "two"),
        Operator("one_of", Text("属于", "is one of"), SCALARS, "many"),
        Operator("not_one_of", Text("不属于", "is none of"), SCALARS, "many"),
        Operator("contains", Text("包含", "contains"), frozenset({"text"}), "one"),
        Operator("starts_with", Text("开头是", "begins with"), frozenset({"text"}), "one"),
        Operator("ends_with", Text("结尾是", "ends with"), frozenset({"text"}), "one"),
        Operator("in_last_days", Text("在最近几天内", "is in the last days"), MOMENTS, "days"),
        Operator("in_next_days", Text("在今后几天内", "is in the next days"), MOMENTS, "days"),
        Operator("days_ago_more", Text("早于几天前", "is more days ago than"), MOMENTS, "days"),
        Operator("has", Text("含有", "has"), frozenset({"list"}), "one"),
        Operator("has_any", Text("含有其中之一", "has any of"), frozenset({"list"}), "many"),
        Operator("has_all", Text("含有全部", "has all of"), frozenset({"list"}), "many"),
        Operator("has_none", Text("不含其中任何", "has none of"), frozenset({"list"}), "many"),
        Operator("is_true", Text("为是", "is yes"), frozenset({"boolean"}), "none"),
        Operator("is_false", Text("为否", "is no"), frozenset({"boolean"}), "none"),
        Operator("is_empty", Text("为空", "has no value"), EVERY, "none"),
        Operator("is_not_empty", Text("不为空", "has a value"), EVERY, "none"),
    )
}
COMPARE: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "equals",
    ast.NotEq: "not_equals",
    ast.Lt: "less",
    ast.LtE: "less_or_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_or_equal",
}
MIRRORED = {"less": "greater", "greater": "less", "less_or_equal": "greater_or_equal", "greater_or_equal": "less_or_equal"}
WINDOWS: Mapping[tuple[str, tuple[type[ast.cmpop], ...]], str] = {
    ("days_since", (ast.LtE, ast.Lt)): "in_last_days",
    ("days_until", (ast.LtE, ast.LtE)): "in_next_days",
}
# Functions of a field and a value, and of a field and several.
OF_ONE = {"contains": "contains", "starts_with": "starts_with", "ends_with": "ends_with", "has": "has"}
OF_LIST = {"any_of": "has_any", "all_of": "has_all", "none_of": "has_none"}


@dataclass(frozen=True)
class NotRepresentable:
    """The builder has no row for this part: it is edited as text."""

    start: int
    end: int
    reason: Text


class _Odd(Exception):
    def __init__(self, node: ast.expr, zh: str, en: str) -> None:
        self.node, self.reason = node, Text(zh, en)


def to_tree(checked: Checked) -> Tree | NotRepresentable:
    """The tree of a condition."""
    try:
        return _Reader(checked).tree(checked.tree)
    except _Odd as odd:
        start, end = checked.places.get(odd.node, (0, len(checked.source)))
        return NotRepresentable(start, end, odd.reason)


class _Reader:
    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    def tree(self, node: ast.expr) -> Tree:
        if isinstance(node, ast.BoolOp):
            return {"all" if isinstance(node.op, ast.And) else "any": [self.tree(part) for part in node.values]}
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._negated(node.operand)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Name | ast.Attribute):
            return {"field": self._field(node), "operator": "is_true"}
        raise _Odd(node, "这一部分不是“字段、运算、值”", "This part is not a field, an operator and a value")

    def _negated(self, node: ast.expr) -> Tree:
        inner = self.tree(node)
        opposite = {"is_true": "is_false", "is_empty": "is_not_empty"}.get(inner.get("operator", ""))
        return {**inner, "operator": opposite} if opposite else {"not": inner}

    def _compared(self, node: ast.Compare) -> Tree:
        left, right, operation = node.left, node.comparators[0], node.ops[0]
        if isinstance(operation, ast.Is | ast.IsNot):
            if self._type(left) == "text":
                raise _Odd(node, "文本请用 is_empty(...)", "For a text use is_empty(...)")
            return {"field": self._field(left), "operator": "is_empty" if isinstance(operation, ast.Is) else "is_not_empty"}
        if isinstance(operation, ast.In | ast.NotIn):
            return self._among(node, left, right, "one_of" if isinstance(operation, ast.In) else "not_one_of")
        if len(node.ops) > 1:
            return self._chained(node)
        if isinstance(left, ast.Call) and _called(left) == "days_since" and isinstance(operation, ast.Gt):
            return {"field": self._field(left.args[0]), "operator": "days_ago_more", "value": self._days(right)}
        operator = COMPARE[type(operation)]
        if not self._is_field(left) and self._is_field(right):
            left, right, operator = right, left, MIRRORED.get(operator, operator)
        if self._type_of_field(left) == "boolean":
            raise _Odd(node, "是/否字段请直接写，或加 not", "Write a yes/no field alone, or with not")
        return {"field": self._field(left, dated=True), "operator": operator, "value": self._value(right)}

    def _chained(self, node: ast.Compare) -> Tree:
        low, middle, high = node.left, node.comparators[0], node.comparators[-1]
        shape = tuple(type(op) for op in node.ops)
        from_zero = len(shape) == 2 and isinstance(low, ast.Constant) and low.value == 0
        if from_zero and isinstance(middle, ast.Call) and (kind := WINDOWS.get((_called(middle), shape))):
            return {"field": self._field(middle.args[0]), "operator": kind, "value": self._days(high)}
        if shape == (ast.LtE, ast.LtE) and self._is_field(middle):
            return {"field": self._field(middle, dated=True), "operator": "between", "value": [self._value(low), self._value(high)]}
        raise _Odd(node, "连写的比较只有 小 <= 字段 <= 大 能用条件行表示", "Of chained comparisons only low <= field <= high has a row")

    def _among(self, node: ast.expr, left: ast.expr, right: ast.expr, operator: str) -> Tree:
        if isinstance(right, ast.List):
            return {"field": self._field(left, dated=True), "operator": operator, "value": [self._value(item) for item in right.elts]}
        if operator == "one_of" and self._type(right) == "list":
            return {"field": self._field(right), "operator": "has", "value": self._value(left)}
        raise _Odd(node, "右边须是写出的列表", "The right side must be a list that is written out")

    def _called(self, node: ast.Call) -> Tree:
        name, arguments = _called(node), node.args
        if name == "is_empty":
            return {"field": self._field(arguments[0]), "operator": "is_empty"}
        if name in OF_ONE:
            return {"field": self._field(arguments[0]), "operator": OF_ONE[name], "value": self._value(arguments[1])}
        if name in OF_LIST and isinstance(arguments[1], ast.List) and arguments[1].elts:
            return {"field": self._field(arguments[0]), "operator": OF_LIST[name], "value": [self._value(item) for item in arguments[1].elts]}
        if name == "one_of":
            return self._among(node, arguments[0], ast.List(elts=list(arguments[1:])), "one_of")
        if name == "between":
            return {"field": self._field(arguments[0], dated=True), "operator": "between", "value": [self._value(a) for a in arguments[1:]]}
        raise _Odd(node, f"函数 {name} 没有对应的条件行", f"The function {name} has no row")

    # -- leaves

    def _type(self, node: ast.expr) -> str:
        return self.checked.facts[node].type.name

    def _is_field(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name | ast.Attribute) or (isinstance(node, ast.Call) and _called(node) == "date_of" and self._is_field(node.args[0]))

    def _type_of_field(self, node: ast.expr) -> str:
        return self._type(node) if isinstance(node, ast.Name | ast.Attribute) else ""

    def _field(self, node: ast.expr, *, dated: bool = False) -> str:
        """The dotted name; with `dated` also behind date_of(...), which a comparison with a day needs."""
        if dated and isinstance(node, ast.Call) and _called(node) == "date_of":
            node = node.args[0]
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if name is None:
            raise _Odd(node, "条件行的左边须是一个字段", "A row has a field on its left")
        return name

    def _days(self, node: ast.expr) -> int:
        value = self._value(node)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _Odd(node, "天数须是写出的整数", "The days must be a whole number that is written out")
        return value

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and node.value is not None:
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return -node.operand.value  # type: ignore[operator]  # the checker has seen that it is a number
        if isinstance(node, ast.Name | ast.Attribute):
            return {"name": dotted(node)}
        if isinstance(node, ast.Call):
            return self._day(node)
        raise _Odd(node, "条件行的右边须是值或字段", "A row has a value or a field on its right")

    def _day(self, node: ast.Call) -> Any:
        name, arguments = _called(node), node.args
        if name == "today":
            return {"today": 0}
        if name == "add_days" and isinstance(arguments[0], ast.Call) and _called(arguments[0]) == "today":
            days = self._value(arguments[1])
            if isinstance(days, int) and days:
                return {"today": days}
        if name == "date" and all(isinstance(a, ast.Constant) for a in arguments):
            try:
                return date(*(a.value for a in arguments)).isoformat()  # type: ignore[attr-defined]
            except ValueError:
                pass
        raise _Odd(node, "条件行的右边须是值或字段", "A row has a value or a field on its right")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""
