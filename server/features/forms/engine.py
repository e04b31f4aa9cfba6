"""What a form shows: the object's own layout, or that of a form document. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from server.errors import Text
from server.features.forms.kind import FormType, Group, Item
from server.features.objects.kind import Field, ObjectType

STANDARD = "-"  # the key by which an address asks for the object's own form
QUICK = "+"  # the key of the short form for a record that is needed while another one is filled in
QUICK_TYPES = frozenset({"text", "phone", "email"})
STANDARD_ORDER = 100  # forms with a smaller order stand before it


@dataclass(frozen=True)
class Part:
    """One section with its fields, in the order of the form."""

    key: str
    title: Text
    columns: int
    help: Text | None
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Plan:
    """`key` is "" for the object's own form. `required`: asked for by this form, whatever the object says. `offered`: see Item.offer."""

    key: str
    title: Text
    layout: str
    parts: tuple[Part, ...]
    intro: Text | None = None
    preset: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    offered: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()  # objects whose rows a form document shows; the standard form shows all

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(f.key for part in self.parts for f in part.fields)

    def has_rows(self, object_key: str) -> bool:
        return not self.key or object_key in self.rows


def standard(object_type: ObjectType) -> Plan:
    """All fields in the object's sections; those of none stand first."""
    known = {s.key for s in object_type.sections}
    loose = tuple(f for f in object_type.fields.values() if f.section not in known)
    parts = [Part("other", Text("其他", "Other") if known else object_type.title, 2, None, loose)] if loose else []
    for section in object_type.sections:
        fields = tuple(f for f in object_type.fields.values() if f.section == section.key)
        if fields:
            parts.append(Part(section.key, section.title, section.columns, section.help, fields))
    return Plan("", Text("标准表单", "Standard form"), object_type.layout, tuple(parts))


def quick(object_type: ObjectType) -> Plan:
    """The name, what is or may become required, and what records are found by; nothing that fills itself in."""
    named = [f for f in object_type.fields.values() if f.key == object_type.name_field]
    asked = [f for f in object_type.fields.values() if f.required or f.required_if]
    found = [f for f in object_type.fields.values() if f.key in object_type.search_fields and f.type in QUICK_TYPES]
    fields = {f.key: f for f in [*named, *asked, *found] if not (f.computed or f.derived or f.readonly or f.pattern or f.default_expression)}
    return Plan(QUICK, object_type.title, "page", (Part("quick", object_type.title, 2, None, tuple(fields.values())),))


def plan(object_type: ObjectType, form: FormType) -> Plan:
    parts = tuple(Part(g.key, g.title, g.columns, g.help, _fields(object_type, g)) for g in form.groups)
    items = [i for g in form.groups for i in g.items if i.field in object_type.fields]
    return Plan(
        form.key,
        form.title,
        form.layout,
        parts,
        form.intro,
        form.preset,
        frozenset(i.field for i in items if i.required),
        frozenset(i.field for i in items if i.offer),
        frozenset(form.rows),
    )


def _fields(object_type: ObjectType, group: Group) -> tuple[Field, ...]:
    return tuple(_worded(object_type.fields[i.field], i) for i in group.items if i.field in object_type.fields)


def _worded(known: Field, item: Item) -> Field:
    return replace(known, title=item.title or known.title, help=item.help or known.help, placeholder=item.placeholder or known.placeholder)


def fitting(forms: Iterable[FormType], object_key: str, use: str, roles: Iterable[str]) -> tuple[FormType, ...]:
    """The forms for somebody with these roles, the one that opens first. `use`: create or edit. Public forms are for visitors."""
    mine = frozenset(roles)
    found = (f for f in forms if f.object == object_key and f.public is None and f.use in {"both", use} and (not f.roles or mine & set(f.roles)))
    return tuple(sorted(found, key=lambda f: (f.order, f.key)))
