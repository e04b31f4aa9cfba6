"""The reference: walks the checked tree on plain values. The generated Python and the SQL are held to what this gives."""

import ast
from collections.abc import Mapping
from typing import Any

import simpleeval

from server.expressions.checked import Checked
from server.expressions.function import Form
from server.expressions.numbers import settle
from server.expressions.operators import and3, not3, or3
from server.expressions.parse import dotted
from server.expressions.types import At, Type
from server.expressions.values import READERS, convert


def evaluate(checked: Checked, values: Mapping[str, Any], at: At) -> Any:
    """The value; never raises on data. Missing names are null."""
    value = Evaluator(checked, values, at).run()
    return value + 0.0 if isinstance(value, float) else value  # no negative zero


class Evaluator(simpleeval.SimpleEval):  # type: ignore[misc]
    """simpleeval's walk with our meaning for every kind of part. Only what is listed here can run: no attribute, no method, no other callable."""

    # simpleeval's own tables of operators, functions and names stay empty: nothing of its defaults can be reached.
    operators: Mapping[Any, Any] = {}
    functions: Mapping[str, Any] = {}
    names: Mapping[str, Any] = {}
    allowed_attrs: Mapping[Any, Any] = {}

    def __init__(self, checked: Checked, values: Mapping[str, Any], at: At) -> None:
        self.checked, self.values, self.at = checked, values, at
        self.nodes = {
            ast.Constant: self._eval_constant,
            ast.Name: self._eval_name,
            ast.Attribute: self._eval_attribute,
            ast.List: self._eval_list,
            ast.UnaryOp: self._eval_unaryop,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._eval_boolop,
            ast.Compare: self._eval_compare,
            ast.IfExp: self._eval_ifexp,
            ast.Call: self._eval_call,
        }

    def run(self) -> Any:
        return self._eval(self.checked.tree)

    def known(self, name: str) -> Any:
        return self._stored(name, self.checked.scope.names[name].type)

    def _eval(self, node: ast.expr) -> Any:
        fact = self.checked.facts[node]
        value = convert(super()._eval(node), fact.to, self.at)
        return settle(value) if fact.settle and value is not None else value

    def apply(self, form: Form, arguments: list[Any]) -> Any:
        """Null propagates, unless the form looks at nulls itself."""
        if not form.sees_null and any(a is None for a in arguments):
            return None
        return form.python(self.at, *arguments) if form.at else form.python(*arguments)

    def _eval_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_list(self, node: ast.List) -> Any:
        return self.checked.facts[node].literal

    def _eval_name(self, node: ast.expr) -> Any:
        return self._stored(dotted(node) or "", self.checked.facts[node].type)

    def _stored(self, key: str, kind: Type) -> Any:
        value = self.values.get(key)
        return None if value is None else READERS[kind.name](value)

    _eval_attribute = _eval_name

    def _eval_unaryop(self, node: ast.UnaryOp) -> Any:
        value = self._eval(node.operand)
        if isinstance(node.op, ast.Not):
            return not3(value)
        return value if isinstance(node.op, ast.UAdd) else self.apply(self.checked.facts[node].forms[0], [value])

    def _eval_binop(self, node: ast.BinOp) -> Any:
        return self.apply(self.checked.facts[node].forms[0], [self._eval(node.left), self._eval(node.right)])

    def _eval_boolop(self, node: ast.BoolOp) -> Any:
        values = [self._eval(part) for part in node.values]
        return and3(values) if isinstance(node.op, ast.And) else or3(values)

    def _eval_compare(self, node: ast.Compare) -> Any:
        operation, right = node.ops[0], node.comparators[0]
        left = self._eval(node.left)
        if isinstance(operation, ast.Is | ast.IsNot):
            return (left is None) == isinstance(operation, ast.Is)
        forms = self.checked.facts[node].forms
        if isinstance(operation, ast.In | ast.NotIn):
            if isinstance(right, ast.List):
                found = self.apply(forms[0], [left, *(self._eval(item) for item in right.elts)])
            else:
                found = self.apply(forms[0], [self._eval(right), left])
            return not3(found) if isinstance(operation, ast.NotIn) else found
        values = [left, *(self._eval(part) for part in node.comparators)]
        return and3([self.apply(form, [a, b]) for form, a, b in zip(forms, values, values[1:])])

    def _eval_ifexp(self, node: ast.IfExp) -> Any:
        """An unknown condition is not met."""
        return self._eval(node.body if self._eval(node.test) else node.orelse)

    def _eval_call(self, node: ast.Call) -> Any:
        fact = self.checked.facts[node]
        before = [self._stored(fact.earlier, self.checked.earlier[fact.earlier])] if fact.earlier else []
        return self.apply(fact.forms[0], [*(self._eval(a) for a in node.args), *before])
