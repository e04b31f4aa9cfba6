"""Writes the text of a condition tree. Whatever is wrong with a tree is a problem with its place (a JSON pointer), never an error."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from server.errors import Problem, Text
from server.expressions import limits
from server.expressions.check import check
from server.expressions.complaints import did_you_mean, type_name
from server.expressions.conditions import MOMENTS, NUMBERS, OF_LIST, OF_ONE, OPERATORS, Operator, Tree
from server.expressions.types import BOOLEAN, Name, Scope

PARTS = 200  # of one group
SYMBOLS = {"equals": "==", "not_equals": "!=", "less": "<", "less_or_equal": "<=", "greater": ">", "greater_or_equal": ">="}
FUNCTION_OF = {operator: function for function, operator in {**OF_ONE, **OF_LIST}.items()}
DAYS = {"in_last_days": "0 <= days_since({0}) < {1}", "in_next_days": "0 <= days_until({0}) <= {1}", "days_ago_more": "days_since({0}) > {1}"}
NO_VALUE: Mapping[str, str] = {"is_true": "{0}", "is_false": "not {0}", "is_empty": "is_empty({0})", "is_not_empty": "not is_empty({0})"}


def to_text(tree: Any, scope: Scope) -> tuple[str, tuple[Problem, ...]]:
    """The expression, or "" and what is wrong with the tree."""
    writer = _Writer(scope)
    text = writer.condition(tree, "", 0)
    if writer.problems:
        return "", tuple(writer.problems)
    _, problems = check(text, scope, BOOLEAN)
    return ("", problems) if problems else (text, ())


class _Writer:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[Problem] = []

    def wrong(self, path: str, zh: str, en: str, hint: Text | None = None, code: str = "shape") -> str:
        self.problems.append(Problem(path, Text(zh, en), hint, code=code))
        return ""

    def condition(self, tree: Any, path: str, depth: int) -> str:
        if not isinstance(tree, dict):
            return self.wrong(path, "须为条件或一组条件", "Must be a condition or a group of conditions")
        if depth > limits.DEPTH // 2:
            return self.wrong(path, "嵌套过深", "The groups are nested too deeply", code="too_deep")
        for key, word in (("all", " and "), ("any", " or ")):
            if key in tree:
                return self._group(tree, key, word, path, depth)
        if "not" in tree:
            inner = self.condition(tree["not"], f"{path}/not", depth + 1)
            return f"not ({inner})"
        return self._leaf(tree, path)

    def _group(self, tree: Tree, key: str, word: str, path: str, depth: int) -> str:
        parts = tree[key]
        if set(tree) != {key} or not isinstance(parts, list):
            return self.wrong(path, f"{key} 须是一列条件", f"{key} must be a list of conditions")
        if not parts:
            return self.wrong(f"{path}/{key}", "这一组没有条件", "This group has no condition", Text("加一个条件，或删去这一组", "Add one or remove the group"))
        if len(parts) > PARTS:
            return self.wrong(f"{path}/{key}", f"一组最多 {PARTS} 个条件", f"A group has at most {PARTS} conditions", code="too_large")
        written = [self.condition(part, f"{path}/{key}/{at}", depth + 1) for at, part in enumerate(parts)]
        if len(written) == 1:
            return written[0]
        grouped = [isinstance(part, dict) and ("all" in part or "any" in part) for part in parts]
        return word.join(f"({text})" if group else text for text, group in zip(written, grouped, strict=True))

    # -- one row

    def _leaf(self, tree: Tree, path: str) -> str:
        if unknown := sorted(str(k) for k in tree.keys() - {"field", "operator", "value"}):
            return self.wrong(path, f"不认识 {unknown[0]}", f"There is no {unknown[0]} in a condition")
        field, operator = tree.get("field"), tree.get("operator")
        known = self.scope.names.get(field) if isinstance(field, str) else None
        if known is None:
            return self.wrong(f"{path}/field", f"没有字段 {field}", f"There is no field {field}", did_you_mean(str(field), self.scope.names), "unknown_name")
        found = OPERATORS.get(operator) if isinstance(operator, str) else None
        if found is None:
            return self.wrong(f"{path}/operator", f"没有运算 {operator}", f"There is no operator {operator}", did_you_mean(str(operator), OPERATORS))
        kind = known.type.name
        if kind not in found.types:
            title = type_name(known.type)
            return self.wrong(f"{path}/operator", f"{found.title.zh} 不用于{title.zh}", f"“{found.title.en}” is not for {title.en}", code="type")
        return self._row(str(field), kind, known, found, tree.get("value"), f"{path}/value")

    def _row(self, field: str, kind: str, known: Name, operator: Operator, value: Any, path: str) -> str:
        if operator.takes == "none":
            return NO_VALUE[operator.key].format(field)
        if operator.takes == "days":
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100_000:
                return self.wrong(path, "须为 0 到 100000 的整数（天）", "Must be a whole number of days, 0 to 100000", code="value")
            return DAYS[operator.key].format(field, value)
        given = value if operator.takes in ("two", "many") else [value]
        if not isinstance(given, list) or not given or (operator.takes == "two" and len(given) != 2):
            return self.wrong(path, "请给出值", "Give a value", code="required")
        if len(given) > PARTS:
            return self.wrong(path, f"最多 {PARTS} 个值", f"At most {PARTS} values", code="too_large")
        item = "text" if kind == "list" else kind
        plural = operator.takes in ("two", "many")
        written = [self._value(item, v, f"{path}/{at}" if plural else path) for at, v in enumerate(given)]
        if any(not w for w in written):
            return ""
        left = field
        if kind == "datetime" and not all(self._is_moment(v) for v in given):
            left = f"date_of({field})"
        return self._written(left, operator.key, written)

    def _written(self, left: str, operator: str, values: list[str]) -> str:
        if operator in SYMBOLS:
            return f"{left} {SYMBOLS[operator]} {values[0]}"
        if operator == "between":
            return f"between({left}, {values[0]}, {values[1]})"
        if operator in ("one_of", "not_one_of"):
            return f"{left} {'in' if operator == 'one_of' else 'not in'} [{', '.join(values)}]"
        listed = f"[{', '.join(values)}]" if operator in OF_LIST.values() else values[0]
        return f"{FUNCTION_OF[operator]}({left}, {listed})"

    def _is_moment(self, value: Any) -> bool:
        name = value.get("name") if isinstance(value, dict) else None
        known = self.scope.names.get(name) if isinstance(name, str) else None
        return known is not None and known.type.name == "datetime"

    def _value(self, kind: str, value: Any, path: str) -> str:
        if isinstance(value, dict):
            return self._relative(kind, value, path)
        if kind in NUMBERS:
            return self._number(value, path)
        if kind in MOMENTS:
            return self._day(value, path)
        if not isinstance(value, str):
            return self.wrong(path, "须为文本", "Must be a text", code="value")
        return quoted(value)

    def _relative(self, kind: str, value: Mapping[str, Any], path: str) -> str:
        if set(value) == {"name"} and isinstance(value["name"], str):
            if value["name"] not in self.scope.names:
                hint = did_you_mean(value["name"], self.scope.names)
                return self.wrong(path, f"没有字段 {value['name']}", f"There is no field {value['name']}", hint, "unknown_name")
            return value["name"]
        days = value.get("today")
        if set(value) == {"today"} and kind in MOMENTS and isinstance(days, int) and not isinstance(days, bool) and abs(days) <= 100_000:
            return f"add_days(today(), {days})" if days else "today()"
        return self.wrong(path, "不认识这个值", "This value is not known", code="value")

    def _number(self, value: Any, path: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return self.wrong(path, "须为数字", "Must be a number", code="value")
        return repr(value)

    def _day(self, value: Any, path: str) -> str:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None:
            return self.wrong(path, "须为日期，如 2026-01-31", "Must be a day such as 2026-01-31", code="value")
        return f"date({day.year}, {day.month}, {day.day})"


def quoted(text: str) -> str:
    """As literal of the language."""
    return f'"{text}"' if text.isprintable() and '"' not in text and "\\" not in text else repr(text)
