"""One of the options the field declares, kept by its key."""

import difflib
from collections.abc import Callable
from typing import Any

from server.errors import Problem, Text
from server.fields.base import FORM, FieldSpec, Reading, clean, problem, wrong_type
from server.fields.line import Line
from server.fields.quick import Quick


def option_key(field: FieldSpec, raw: Any, reading: Reading) -> str | None | Problem:
    """The key of the option that was meant; by its title too where the channel allows it."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        return wrong_type(field, Text("选项", "one of the options"))
    text = clean(field, raw)
    if not text or isinstance(text, Problem):
        return text or None
    for option in field.options:
        if text == option.key:
            return text
    if reading.titles:
        for option in field.options:
            if text in option.title:
                return option.key
    near = difflib.get_close_matches(text, [o.key for o in field.options], 1)
    known = ", ".join(o.key for o in field.options[:12])
    hint = Text(f"是否指 {near[0]}?", f"Did you mean {near[0]}?") if near else Text(f"选项：{known}", f"Options: {known}")
    return problem(field, "option", Text("不在选项之中", "Is not one of the options"), hint)


def option_text(field: FieldSpec, key: str, locale: str) -> str:
    return next((o.title.of(locale) for o in field.options if o.key == key), key)


class ChoiceField(Line):
    key = "choice"
    title = Text("单选", "Choice")
    widget = "choice"

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        return option_key(field, raw, reading)

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        titles = {title: o.key for o in reversed(field.options) for title in o.title} if reading.titles else {}
        known = {**titles, **{o.key: o.key for o in field.options}}
        known = {text: key for text, key in known.items() if text and clean(field, text) == text}
        return Quick("{r}.__class__ is str and (k := {known}({r})) is not None", "k", {"known": known.get})

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "string", "enum": [o.key for o in field.options]}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else option_text(field, value, locale)

    def texts(self, field: FieldSpec, locale: str, zone: object = None) -> Callable[[Any], str]:
        titles = {o.key: o.title.of(locale) for o in reversed(field.options)}
        return lambda value: "" if value is None else titles.get(value, value)
