"""What the checker's findings say, in words of the user."""

import difflib
import re
from collections.abc import Iterable, Mapping

from server.errors import Text
from server.expressions import limits
from server.expressions.function import Function
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
    "A": Text("任意值", "any value"),
}
# What other languages write as a call and here is an operator. Foreign names of functions stand in the functions' records (`aliases`).
OPERATORS: dict[str, str] = {
    "and": "a and b",
    "all": "a and b",
    "or": "a or b",
    "any": "a or b",
    "not": "not a",
    "if": "a if condition else b",
    "iif": "a if condition else b",
    "mod": "a % b",
    "modulo": "a % b",
    "remainder": "a % b",
    "quotient": "a // b",
    "div": "a // b",
    "equals": "a == b",
    "exact": "a == b",
    "in": "x in [a, b]",
    "float": "x * 1.0",
    "isnotnull": "x is not None",
    "true": "True",
    "false": "False",
    "null": "None",
    "且": "a and b",
    "或": "a or b",
    "非": "not a",
    "如果": "a if condition else b",
    "求余": "a % b",
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
    titled = sorted((key for key, known in scope.names.items() if known.title and any(name in side for side in known.title)), key=len)
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


def unknown_function(name: str, functions: Mapping[str, Function], aliases: Mapping[str, Function]) -> tuple[Text, Text | None]:
    message = Text(f"没有函数 {name}", f"There is no function {name}")
    lowered = name.lower()
    if lowered not in functions and lowered in OPERATORS:
        return message, Text(f"请写作 {OPERATORS[lowered]}", f"Write {OPERATORS[lowered]}")
    if lowered in aliases:
        meant = aliases[lowered]
        return message, Text(f"请写作 {meant.signature}: {meant.doc.zh}", f"Write {meant.signature}: {meant.doc.en}")
    return message, did_you_mean(name, functions) or _foreign_near(lowered, aliases)


def _foreign_near(name: str, aliases: Mapping[str, Function]) -> Text | None:
    """A foreign name with a slip of the pen, or a Chinese word that a search word is part of."""
    near = difflib.get_close_matches(name, aliases, n=1, cutoff=0.8)
    near = near or [a for a in aliases if len(a) > 1 and not a.isascii() and a in name][:1]
    return Text(f"是否指 {aliases[near[0]].signature}?", f"Did you mean {aliases[near[0]].signature}?") if near else None


def no_before(function: str) -> tuple[Text, Text | None]:
    message = Text(f"这里没有修改前的值，不能用 {function}", f"There is no change here that {function} could look at")
    return message, Text("用于对象的检查 (x-checks、checks) 和必填条件 (x-required)", "It is for an object's checks (x-checks, checks) and for x-required")


def not_stored(function: str) -> tuple[Text, Text | None]:
    message = Text("须是本记录自身存储的字段", "Must be a field that the record itself stores")
    return message, Text(f"写字段的键，如 {function}(amount)", f"Write the key of a field, such as {function}(amount)")


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


def too_much_text(characters: int) -> tuple[Text, Text | None]:
    message = Text(
        f"文本函数最多要处理 {characters:,} 个字符，上限为 {limits.TEXT_WORK:,}",
        f"The functions of text may have to move {characters:,} characters; the limit is {limits.TEXT_WORK:,}",
    )
    return message, Text("请先用 left(文本, n) 缩短，或在字段上设最大长度", "Shorten with left(text, n), or give the field a maximum length")
