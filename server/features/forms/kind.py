"""The kind `form`: another way to fill in an object: for whom, with which fields, with what filled in beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Item:
    """One field of a form. Its words win over those of the object's field."""

    field: str
    required: bool = False
    offer: bool = False  # a reference whose records visitors of a public form may search by name
    title: Text | None = None
    help: Text | None = None
    placeholder: Text | None = None


@dataclass(frozen=True)
class Group:
    key: str
    title: Text
    columns: int
    help: Text | None
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Public:
    """A form that can have public links. `thanks` is said after sending, `send` stands on the button."""

    thanks: Text | None = None
    send: Text | None = None


@dataclass(frozen=True)
class FormType:
    key: str
    title: Text
    object: str
    use: str  # both, create or edit
    roles: tuple[str, ...]  # none: everybody
    order: int
    instead: bool  # its roles are not offered the standard form
    layout: str  # page, tabs or steps
    intro: Text | None
    groups: tuple[Group, ...]
    preset: Mapping[str, Any]  # values as JSON
    public: Public | None = None
    rows: tuple[str, ...] = ()  # objects of the sub-forms it shows

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(item.field for group in self.groups for item in group.items)


def parse(document: Document) -> FormType:
    b = document.body
    public = b.get("public")
    return FormType(
        document.key,
        title_of(b),
        b["object"],
        b.get("use", "both"),
        tuple(b.get("roles", ())),
        b.get("order", 0),
        b.get("instead", False),
        b.get("layout", "page"),
        text_of(b.get("intro")),
        tuple(_group(g) for g in b["sections"]),
        dict(b.get("preset", {})),
        None if public is None else Public(text_of(public.get("thanks")), text_of(public.get("send"))),
        tuple(b.get("subforms", ())),
    )


def _group(g: Mapping[str, Any]) -> Group:
    return Group(g["key"], title_of(g), g.get("columns", 2), text_of(g.get("help")), tuple(_item(i) for i in g["fields"]))


def _item(i: Mapping[str, Any]) -> Item:
    words = (text_of(i.get(member)) for member in ("title", "help", "placeholder"))
    return Item(i["field"], i.get("required", False), i.get("offer", False), *words)


KIND = Kind("form", Text("表单", "Form"), "schemas/forms", parse, icon="forms")
