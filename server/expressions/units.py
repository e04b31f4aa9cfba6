"""Quantities of different units do not add up: money is not days. A warning, since the checker knows only the units that were declared."""

import ast

from server.errors import Problem, Text
from server.expressions.checked import Checked, Missing
from server.expressions.parse import dotted

NO_UNIT = ""


def unit_problems(checked: Checked) -> tuple[Problem, ...]:
    """One warning for each sum or comparison of two declared units that differ."""
    reader = _Reader(checked)
    reader.unit(checked.tree)
    return tuple(reader.problems)


class _Reader:
    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.problems: list[Problem] = []

    def unit(self, node: ast.expr) -> str:
        """The unit of a part; none where it is not known: of literals, of what functions make."""
        if isinstance(node, ast.Name | ast.Attribute):
            return self.checked.scope.names[dotted(node) or ""].unit
        if isinstance(node, ast.UnaryOp):
            return self.unit(node.operand)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        if isinstance(node, ast.IfExp):
            self.unit(node.test)
            return self._common((node.body, node.orelse))
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Compare):
            self._compared(node)
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                self.unit(part)
        return NO_UNIT

    def _called(self, node: ast.Call) -> str:
        """What passes its arguments on as they are (coalesce, case) passes their unit on."""
        units = [self.unit(argument) for argument in node.args]
        forms = self.checked.facts[node].forms
        if not forms or forms[0].result != "T":
            return NO_UNIT
        passed = {unit for at, unit in enumerate(units) if unit and forms[0].param(at, len(units)).type == "T"}
        return passed.pop() if len(passed) == 1 else NO_UNIT

    def _arithmetic(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.Add | ast.Sub):
            return self._same(node, (node.left, node.right))
        left, right = self.unit(node.left), self.unit(node.right)
        if isinstance(node.op, ast.Mult):  # a price times a count is neither; twice a price is a price
            return left if self._is_plain(node.right) else right if self._is_plain(node.left) else NO_UNIT
        return left if self._is_plain(node.right) and not isinstance(node.op, ast.Pow) else NO_UNIT

    def _compared(self, node: ast.Compare) -> None:
        right = node.comparators[0]
        operands = [node.left, *(right.elts if isinstance(right, ast.List) else node.comparators)]
        if not isinstance(node.ops[0], ast.Is | ast.IsNot):
            self._same(node, operands)

    def _same(self, node: ast.expr, operands: list[ast.expr] | tuple[ast.expr, ...]) -> str:
        found = {unit: operand for operand in operands if (unit := self.unit(operand))}
        if len(found) > 1:
            self.problems.append(self._problem(node, list(found)))
        return next(iter(found)) if len(found) == 1 else NO_UNIT

    def _common(self, operands: tuple[ast.expr, ...]) -> str:
        found = {unit for operand in operands if (unit := self.unit(operand))}
        return found.pop() if len(found) == 1 else NO_UNIT

    def _is_plain(self, node: ast.expr) -> bool:
        return self.checked.facts[node].literal is not Missing

    def _problem(self, node: ast.expr, units: list[str]) -> Problem:
        start, end = self.checked.places[node]
        return Problem(
            "",
            Text(f"单位不同：{'、'.join(units)}", f"Different units: {', '.join(units)}"),
            Text("先换算成同一单位，或改正字段的单位", "Convert one of them, or correct the unit of the field"),
            start=start,
            end=end,
            severity="warning",
            code="unit",
        )
