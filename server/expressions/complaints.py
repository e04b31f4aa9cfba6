"""What the checker's findings say, in words of the user."""

import difflib
import re
from collections.abc import Iterable

from server.errors import Text
from server.expressions.types import Scope, Type

TYPE_NAMES: dict[str, Text] = {
    "text": Text("文本", "text"),
    "integer": Text("整数", "a whole number"),
    "number": Text("数字", "a number"),
    "boolean": Text("是/否", "a yes/no"),
    "date": Text("日期", "a date"),
    "datetime": Text("时刻", "a moment"),
    "list": Text("列表", "a list"),
    "null": Text("空值", "null"),
    "N": Text("数字", "a number"),
    "T": Text("值", "a value"),
}
# Names from other languages and spreadsheets, and what to write here.
HABITS: dict[str, str] = {
    "len": "length(text)",
    "strlen": "length(text)",
    "substr": "left(text, n)",
    "substring": "left(text, n)",
    "mid": "left(text, n)",
    "isnull": "is_empty(x)",
    "isblank": "is_empty(x)",
    "isempty": "is_empty(x)",
    "ifnull": "coalesce(x, other)",
    "nvl": "coalesce(x, other)",
    "iif": "a if condition else b",
    "IF": "a if condition else b",
    "IFS": "case(condition, value, ...)",
    "switch": "case(condition, value, ...)",
    "datediff": "days_between(a, b)",
    "dateadd": "add_days(day, n)",
    "str": "text(x)",
    "int": "floor(x)",
    "float": "x * 1.0",
    "pow": "power(x, y)",
    "log": "ln(x)",
    "ceiling": "ceil(x)",
    "concatenate": "concat(a, b)",
    "edate": "add_months(day, n)",
    "eomonth": "end_of_month(day)",
    "datedif": "days_between(a, b)",
    "includes": "has(list, value)",
    "mod": "a % b",
    "sum": "a + b",
    "avg": "(a + b) / 2",
    "any": "a or b",
    "all": "a and b",
}
CONSTANTS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False", "null": "None", "NULL": "None", "nil": "None", "none": "None", "NONE": "None"}


def type_name(kind: Type | str) -> Text:
    return TYPE_NAMES.get(kind if isinstance(kind, str) else kind.name, Text(str(kind), str(kind)))


def did_you_mean(wanted: str, known: Iterable[str]) -> Text | None:
    """The nearest known word: by spelling, else by a common beginning or end."""
    words = list(known)
    near = difflib.get_close_matches(wanted, words, n=3, cutoff=0.7)
    if not near:
        lowered = {w.lower(): w for w in words}
        near = [lowered[w] for w in difflib.get_close_matches(wanted.lower(), lowered, n=2, cutoff=0.6)]
    if not near and len(wanted) > 2:
        near = sorted((w for w in words if wanted.lower() in w.lower() or w.lower().endswith("." + wanted.lower())), key=len)[:3]
    if not near:
        return None
    return Text(f"是否指 {'、'.join(near)}?", f"Did you mean {' or '.join(near)}?")


def unknown_name(name: str, scope: Scope, functions: Iterable[str]) -> tuple[Text, Text | None]:
    message = Text(f"没有名称 {name}", f"There is no name {name}")
    if name in CONSTANTS:
        return message, Text(f"请写作 {CONSTANTS[name]}", f"Write {CONSTANTS[name]}")
    titled = [key for key, known in scope.names.items() if known.title and name in known.title]
    if titled:
        return message, Text(f"请写字段的键 {'、'.join(titled[:3])}", f"Write the key {' or '.join(titled[:3])}")
    if name in functions:
        return message, Text(f"函数须带括号: {name}(...)", f"A function needs brackets: {name}(...)")
    parent, dot, _ = name.rpartition(".")
    near = did_you_mean(name, scope.names)
    if dot and near is None:
        fields = [k.removeprefix(parent + ".") for k in scope.names if k.startswith(parent + ".")]
        if fields:
            return message, Text(f"{parent} 有: {'、'.join(fields[:12])}", f"{parent} has: {', '.join(fields[:12])}")
    if near is None and 0 < len(scope.names) <= 12:
        near = Text(f"可用的名称: {'、'.join(scope.names)}", f"Known names: {', '.join(scope.names)}")
    if near is None and re.fullmatch(r"[A-Za-z]\w*|[\u4e00-\u9fff]+", name):
        near = Text(f'如果这是文本，请加引号: "{name}"', f'If this is a text, put it in quotes: "{name}"')
    return message, near


def unknown_function(name: str, functions: Iterable[str]) -> tuple[Text, Text | None]:
    message = Text(f"没有函数 {name}", f"There is no function {name}")
    habit = HABITS.get(name) or HABITS.get(name.lower()) or HABITS.get(name.upper())
    if habit and name.lower() not in functions:
        return message, Text(f"请写作 {habit}", f"Write {habit}")
    return message, did_you_mean(name, functions)


def as_condition(kind: Type, written: str) -> Text | None:
    """How to make a condition of something that is none."""
    suggestion = {
        "number": f"{written} > 0",
        "integer": f"{written} > 0",
        "text": f"not is_empty({written})",
        "list": f"count({written}) > 0",
        "date": f"{written} is not None",
        "datetime": f"{written} is not None",
    }.get(kind.name)
    return Text(f"例如 {suggestion}", f"For example {suggestion}") if suggestion and len(suggestion) < 60 else None
