"""A condition tree as people say it: titles of fields and options instead of keys."""

from collections.abc import Mapping
from typing import Any

from server.errors import Text
from server.expressions.conditions import OPERATORS, Tree
from server.expressions.types import Name

AND, OR, NOT, TO = Text(" 并且 ", " and "), Text(" 或者 ", " or "), Text("并非 ", "not "), Text(" 到 ", " to ")
TODAY = Text("今天", "today")


def words(tree: Tree, names: Mapping[str, Name], locale: str, *, top: bool = True) -> str:
    """`tree` is one that `to_tree` gave."""
    for key, word in (("all", AND), ("any", OR)):
        if key in tree:
            inner = word.of(locale).join(words(part, names, locale, top=False) for part in tree[key])
            return inner if top else f"({inner})"
    if "not" in tree:
        return NOT.of(locale) + words(tree["not"], names, locale, top=False)
    known, operator = names.get(tree["field"]), OPERATORS[tree["operator"]]
    parts = [_title(tree["field"], names, locale), operator.title.of(locale)]
    if operator.takes != "none":
        parts.append(_value(tree.get("value"), known, names, locale, operator.takes))
    return " ".join(parts)


def _title(name: str, names: Mapping[str, Name], locale: str) -> str:
    known = names.get(name)
    return known.title.of(locale) if known is not None and known.title else name


def _value(value: Any, known: Name | None, names: Mapping[str, Name], locale: str, takes: str) -> str:
    if isinstance(value, list):
        shown = [_value(v, known, names, locale, "one") for v in value]
        return TO.of(locale).join(shown) if takes == "two" else ("、" if locale.startswith("zh") else ", ").join(shown)
    if isinstance(value, Mapping):
        if "name" in value:
            return _title(value["name"], names, locale)
        days = value["today"]
        return TODAY.of(locale) + (Text(f"{days:+d} 天", f" {days:+d} days").of(locale) if days else "")
    if known is not None and value in known.words:
        return known.words[value].of(locale)
    if takes == "days":
        return Text(f"{value} 天", f"{value} days").of(locale)
    return str(value)
