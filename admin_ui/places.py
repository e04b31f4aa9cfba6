"""Places of a document that is edited by a form: the input that shows one, what people call it, and the buttons that add, move and remove what stands there.

A place is a JSON pointer. Forms count the items of a map, documents name them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from admin_ui.forms import Form, escape, parts, text_of
from server.errors import Invalid, Problem, Text


def act(form: Form, body: Any, action: str) -> Any:
    """A button of a list or map: "add:/factors", "remove:/factors/2", "up:/factors/2", "down:/factors/2". Gives the changed document.

    Raises Invalid for a button the form no longer has.
    """
    verb, _, pointer = action.partition(":")
    copy: Any = json.loads(json.dumps(body))
    try:
        _act(form, copy, verb, parts(pointer), pointer)
    except (LookupError, ValueError, TypeError, AttributeError):
        gone = Text("表单里已没有这一项", "The form no longer has this part")
        raise Invalid([Problem(pointer, gone, Text("请重新载入页面", "Reload the page"), code="gone")]) from None
    return copy


def _act(form: Form, body: Any, verb: str, path: Sequence[str], pointer: str) -> None:
    if verb == "add":
        _append(_reach(form, body, path), form.skeleton(pointer))
        return
    *head, last = path
    holder = _reach(form, body, head)
    if isinstance(holder, dict):
        _change_map(holder, verb, int(last))
    elif isinstance(holder, list):
        _change_list(holder, verb, int(last))


def locate(form: Form, body: Any, pointer: str) -> str:
    """The input that shows a place of the document: maps are addressed by position in a form, by key in a problem. The nearest place that exists."""
    at, path = body, ""
    for part in parts(pointer):
        if isinstance(at, list) and part.isdigit() and int(part) < len(at):
            at, path = at[int(part)], f"{path}/{part}"
        elif isinstance(at, Mapping):
            is_map = form.widget(form.at(path)) == "map" if path else False
            step = str(list(at).index(part)) if is_map and part in at else escape(part)
            at, path = at.get(part), f"{path}/{step}"
        else:
            break
    return path


def words(form: Form, body: Any, pointer: str) -> Text:
    """A place of the document as people call it: titles of members, titles of items ("Factors · Overdue · Weight")."""
    at, schema, path = body, form.resolve(form.schema), ""
    zh: list[str] = []
    en: list[str] = []
    for part in parts(pointer):
        properties = schema.get("properties", {})
        if isinstance(at, list):
            at = at[int(part)] if part.isdigit() and int(part) < len(at) else None
            title = title_of_item(at) or _ordinal(part)
        else:
            at = at.get(part) if isinstance(at, Mapping) else None
            title = (text_of(form.resolve(properties[part]).get("x-title")) if part in properties else title_of_item(at)) or Text(part, part)
        path = f"{path}/{escape(part)}"
        schema = form.at(path)
        if title.zh not in zh[-1:]:
            zh.append(title.zh)
            en.append(title.en)
    return Text(" · ".join(zh), " · ".join(en))


def _ordinal(part: str) -> Text:
    return Text(f"第 {int(part) + 1} 项", f"no. {int(part) + 1}") if part.isdigit() else Text(part, part)


def title_of_item(item: Any) -> Text | None:
    return text_of(item.get("title") or item.get("x-title")) if isinstance(item, Mapping) else None


def _reach(form: Form, body: Any, pointer: Sequence[str]) -> Any:
    """The container at a pointer; a map is addressed by position, a missing member is made."""
    at: Any = body
    for depth, part in enumerate(pointer):
        if isinstance(at, list):
            at = at[int(part)]
            continue
        here = "/" + "/".join(pointer[: depth + 1])
        owner = form.at("/" + "/".join(pointer[:depth])) if depth else form.resolve(form.schema)
        name = part if part in owner.get("properties", {}) else list(at)[int(part)]
        at = at.setdefault(name, [] if form.widget(form.at(here)) in {"list", "keys", "grid"} else {})
    return at


def _append(holder: Any, item: Any) -> None:
    if isinstance(holder, list):
        holder.append(item)
    else:
        holder[next(f"new_{i}" for i in range(1, 1000) if f"new_{i}" not in holder)] = item


def _change_list(items: list[Any], verb: str, i: int) -> None:
    if verb == "remove":
        del items[i]
    else:
        j = i - 1 if verb == "up" else i + 1
        if 0 <= j < len(items):
            items[i], items[j] = items[j], items[i]


def _change_map(items: dict[str, Any], verb: str, i: int) -> None:
    pairs = list(items.items())
    _change_list(pairs, verb, i)
    items.clear()
    items.update(pairs)
