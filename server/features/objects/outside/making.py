"""Documents of objects made of an outside JSON Schema: fields, sections, rows, and the contract that keeps the schema as the judge."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.config.names import MAX_DOCUMENT_BYTES, key_problem, option_problem, pointer, shown
from server.errors import Problem, Text
from server.features.objects.check import RESERVED_FIELDS
from server.features.objects.outside.conditions import Known, Writer
from server.features.objects.outside.flat import Flat, Property, When
from server.features.objects.outside.schema import Schema

LONG = 1000  # characters beyond which a text has several lines
COLUMNS = 20  # of a sub-form
MOST_ROWS = 500
POWERS = {10.0**-d: d for d in range(1, 10)}


@dataclass
class Made:
    """One object being made. `link`: the field of rows that leads to their record."""

    key: str
    title: str
    link: str = ""
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)
    at: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    always: dict[str, Any] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    visible: dict[str, list[When]] = field(default_factory=dict)
    needed: dict[str, list[When]] = field(default_factory=dict)
    subforms: list[dict[str, Any]] = field(default_factory=list)
    rows: list[tuple["Made", str]] = field(default_factory=list)


class Maker:
    def __init__(self, schema: Schema, key: str, title: str = "") -> None:
        self.schema, self.flat = schema, Flat(schema)
        self.top = Made(key, title or str(schema.get("title") or key))
        self.problems: list[Problem] = []
        self.optional: list[tuple[Made, str, list[str]]] = []  # fields that must be filled when others of their optional group are

    def make(self) -> list[dict[str, Any]]:
        """The documents, the record's object first. Look at `problems` before using them."""
        if self.flat.value([self.schema])["type"] != "object":
            self._refuse("", "最外层要是对象，表单才有字段", "The outermost must be an object, or the form has no fields")
            return []
        self._object(self.top, [(self.schema, ())], "", "", "", must=True)
        if not self.top.fields and not self.top.subforms:
            self._refuse("", "没有任何属性", "There are no properties")
        for made in (self.top, *(child for child, _ in self.top.rows)):
            self._conditions(made)
        return [self._document(self.top, contract=True), *(self._document(child) for child, _ in self.top.rows)]

    def _refuse(self, at: str, zh: str, en: str, hint: Text | None = None) -> None:
        self.problems.append(Problem(at, Text(zh, en), hint, code="not_supported"))

    # -- Objects ------------------------------------------------------------------------------------------------------------------------

    def _object(self, made: Made, schemas: Sequence[tuple[Any, When]], at: str, prefix: str, section: str, *, must: bool) -> list[str]:
        """The fields of an object; gives their keys. `must`: it is there always, so that what it requires is required."""
        keys: list[str] = []
        musts: list[str] = []
        for prop in self.flat.properties(schemas, at).values():
            mine = self._property(made, prop, at + pointer(prop.name), prefix, section, must=must)
            keys += mine
            if len(mine) == 1 and not must and any(when in {w for _, w in schemas} for when in prop.required):
                musts += mine
        for key in musts:
            others = [k for k in keys if k != key]
            if others:
                self.optional.append((made, key, others))
        return keys

    def _property(self, made: Made, prop: Property, at: str, prefix: str, section: str, *, must: bool) -> list[str]:
        own = [p for p, w in prop.parts if not w] or [p for p, _ in prop.parts]
        said = self.flat.value(own)
        if said["type"] is None:
            said = self.flat.value([p for p, _ in prop.parts])
        if not prop.always or "enum" not in self.flat.value([p for p, w in prop.parts if not w]):
            self._widen(said, prop)
        shown_when = [] if prop.always else [w for _, w in prop.parts]
        kind = said["type"]
        if kind == "object":
            inner_section = self._section(made, said, prop.name, section)
            is_there = must and prop.must
            if is_there:
                made.always[at] = {}
            keys = self._object(made, prop.parts, at, f"{prefix}{_slug(prop.name)}_", inner_section, must=is_there)
            if not keys:
                self._refuse(at, f"“{shown(prop.name)}” 是没有成员的对象", f"“{shown(prop.name)}” is an object without members")
            return keys
        if kind == "array":
            return self._array(made, prop, said, at, prefix, section, shown_when, must=must)
        if not isinstance(kind, str) or kind == "null":
            self._refuse(
                at,
                f"“{shown(prop.name)}” 的类型没有确定，或可以是几种",
                f"The type of “{shown(prop.name)}” is open, or can be several",
                Text("请写明一种 type", "Give it one type"),
            )
            return []
        return [self._leaf(made, prop, said, at, prefix, section, shown_when, must=must)]

    def _widen(self, said: dict[str, Any], prop: Property) -> None:
        """What alternatives allow together: each branch of a discriminator knows only its own value."""
        found: list[Any] = []
        for part, _ in prop.parts:
            one = self.flat.value([part])
            if "enum" not in one:
                return
            found += [v for v in one["enum"] if not any(v == f and type(v) is type(f) for f in found)]
        if found:
            said["enum"] = found
            if len(found) > 1:
                said.pop("const", None)

    def _section(self, made: Made, said: Mapping[str, Any], name: str, section: str) -> str:
        if section or made.link:
            return section
        key = self._fresh(_slug(name), {k for k, _ in made.sections})
        made.sections.append((key, str(said.get("title") or _words(name))))
        return key

    # -- Fields --------------------------------------------------------------------------------------------------------------------------

    def _leaf(self, made: Made, prop: Property, said: Mapping[str, Any], at: str, prefix: str, section: str, shown_when: list[When], *, must: bool) -> str:
        key = self._fresh(prefix + _slug(prop.name), {*made.fields, made.link, "position", *RESERVED_FIELDS})
        spec = self._spec(made, key, said, at, prop.name)
        if section:
            spec["x-section"] = section
        self._register(made, key, spec, at)
        if shown_when:
            made.visible[key] = shown_when
        self._requirements(made, key, prop, must=must)
        if must and prop.must and said.get("nullable"):
            made.always[at] = None
            if key in made.required:
                made.required.remove(key)
        return key

    def _register(self, made: Made, key: str, spec: dict[str, Any], at: str) -> None:
        made.fields[key], made.at[key] = spec, at
        made.known.keys[at], made.known.types[at] = key, spec["x-type"]

    def _requirements(self, made: Made, key: str, prop: Property, *, must: bool) -> None:
        if prop.must and must:
            made.required.append(key)
        elif prop.required and not prop.must and must:
            made.needed[key] = list(prop.required)

    def _spec(self, made: Made, key: str, said: Mapping[str, Any], at: str, name: str) -> dict[str, Any]:
        spec: dict[str, Any] = {"x-type": "text", "x-title": _title(said.get("title") or _words(name))}
        if said.get("description"):
            spec["x-help"] = _title(said["description"])
        kind = said["type"]
        if "enum" in said and kind != "boolean":
            self._options(made, key, spec, said, at)
        elif kind == "boolean":
            spec["x-type"] = "yes_no"
        elif kind in {"integer", "number"}:
            _numbers(spec, said, kind)
        else:
            _texts(spec, said)
        self._default(made, key, spec, said)
        return spec

    def _options(self, made: Made, key: str, spec: dict[str, Any], said: Mapping[str, Any], at: str, kind: str = "choice") -> None:
        titles = said.get("titles", [])
        spec["x-type"] = kind
        options: list[dict[str, Any]] = []
        names: dict[str, Any] = {}
        known: list[tuple[Any, str]] = []
        for value in said["enum"]:
            if value in ("", None):
                continue
            if isinstance(value, dict | list):
                self._refuse(at, "选项只能是文本、数或真假", "Options can only be texts, numbers or truth values")
                return
            text = (
                value
                if isinstance(value, str)
                else {True: "true", False: "false"}[value]
                if isinstance(value, bool)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
            option = text if option_problem(text) is None and text not in {o["key"] for o in options} else f"option {len(options) + 1}"
            title = next((str(t) for v, t in titles if v == value and type(v) is type(value)), text if _is_worded(text) else _words(text))
            options.append({"key": option, "title": _title(title)})
            known.append((value, option))
            if option != value:
                names[option] = value
        if not options:
            self._refuse(at, "没有可选的值", "There is no value to choose")
        spec["x-options"] = options
        made.known.names[at] = known
        if names:
            made.values[key] = names

    def _default(self, made: Made, key: str, spec: dict[str, Any], said: Mapping[str, Any]) -> None:
        value = said.get("default")
        if value is None or isinstance(value, dict):
            return
        if spec["x-type"] in {"choice", "multi_choice"}:
            options = {name: option for option, name in made.values.get(key, {}).items() if not isinstance(name, bool)}
            values = [
                options.get(v, v) for v in (value if isinstance(value, list) else [value]) if isinstance(v, str | int | float) and not isinstance(v, bool)
            ]
            if not values or any(v not in {o["key"] for o in spec["x-options"]} for v in values):
                return
            value = values if spec["x-type"] == "multi_choice" else values[0]
        fits = {"yes_no": bool, "integer": int, "number": int | float, "decimal": int | float}.get(spec["x-type"], str | list)
        if isinstance(value, fits) and (spec["x-type"] == "yes_no" or not isinstance(value, bool)) and value not in ("", []):
            spec["default"] = value

    # -- Lists ----------------------------------------------------------------------------------------------------------------------------

    def _array(
        self, made: Made, prop: Property, said: Mapping[str, Any], at: str, prefix: str, section: str, shown_when: list[When], *, must: bool
    ) -> list[str]:
        items = said.get("items")
        inner = self.flat.value([items]) if isinstance(items, Mapping) else {"type": None}
        if must and prop.must:
            made.always[at] = []
        if "enum" in inner and inner["type"] != "boolean":
            key = self._fresh(prefix + _slug(prop.name), {*made.fields, made.link, "position", *RESERVED_FIELDS})
            spec: dict[str, Any] = {"x-type": "multi_choice", "x-title": _title(said.get("title") or _words(prop.name))}
            if said.get("description"):
                spec["x-help"] = _title(said["description"])
            self._options(made, key, spec, inner, at, "multi_choice")
            self._default(made, key, spec, said)
            if section:
                spec["x-section"] = section
            self._register(made, key, spec, at)
            if shown_when:
                made.visible[key] = shown_when
            if said.get("minItems"):
                self._requirements(made, key, prop, must=must)
            return [key]
        if made.link:
            self._refuse(
                at,
                "行里不能再有列表",
                "A row cannot hold a list of its own",
                Text("把它放到最外层，或改为固定选项的多选", "Move it to the top, or let it be a choice of fixed options"),
            )
            return []
        if not isinstance(inner["type"], str) or inner["type"] in {"array", "null"}:
            zh, en = "列表里是什么没有写明，或是列表的列表", "What the list holds is not said, or is a list again"
            self._refuse(at, zh, en, Text("在 items 里写明一种 type", "Give items one type"))
            return []
        self._rows(prop, said, items, inner, at, must=must)
        return []

    def _rows(self, prop: Property, said: Mapping[str, Any], items: Any, inner: Mapping[str, Any], at: str, *, must: bool) -> None:
        """A list of objects or of plain values: rows of an object of their own."""
        name = _slug(prop.name)
        base = self.top.key.encode()[: MAX_DOCUMENT_BYTES - len(name.encode()) - 4].decode(errors="ignore")
        key = self._fresh(f"{base}_{name}" if _is_latin(base) == _is_latin(name) else name, {child.key for child, _ in self.top.rows} | {self.top.key})
        title = str(said.get("title") or _words(prop.name))
        child = Made(key, title, link="record")
        if inner["type"] == "object":
            self._object(child, [(items, ())], "", "", "", must=True)
        else:
            value = Property("value", [(items, ())], [()])
            self._leaf(child, value, {**inner, "title": inner.get("title") or title}, "", "", "", [], must=True)
        if not child.fields:
            self._refuse(at, "列表的项没有成员", "The items of the list have no members")
        if len(child.fields) > COLUMNS:
            self._refuse(
                at, f"每项 {len(child.fields)} 个字段，行里最多 {COLUMNS} 个", f"An item has {len(child.fields)} fields; a row holds {COLUMNS} at most"
            )
        most = said.get("maxItems", MOST_ROWS)
        if most > MOST_ROWS:
            most = MOST_ROWS
        self.top.rows.append((child, at))
        self.top.subforms.append(
            {
                "object": key,
                "field": "record",
                "title": _title(title),
                "columns": list(child.fields),
                "order_field": "position",
                "max_rows": max(int(most), 1),
                **({"min_rows": min(int(said["minItems"]), MOST_ROWS)} if must and prop.must and said.get("minItems") else {}),
            }
        )

    # -- Conditions -------------------------------------------------------------------------------------------------------------------------

    def _conditions(self, made: Made) -> None:
        writer = Writer(self.flat, made.known)
        for key, whens in made.visible.items():
            text = writer.any_of(whens)
            if text and not re.search(rf"\b{re.escape(key)}\b", text):
                made.fields[key]["x-visible"] = text
        for key, needed in made.needed.items():
            text = writer.any_of([when for when in needed if writer.all_of(when) is not None])
            if text and made.fields[key]["x-type"] != "multi_choice":
                made.fields[key]["x-required"] = text
        for other, key, siblings in self.optional:
            if other is made and "x-required" not in made.fields[key] and len(siblings) <= 12:
                made.fields[key]["x-required"] = " or ".join(f"{s} is not None" for s in siblings)

    # -- The documents -------------------------------------------------------------------------------------------------------------------------

    def _document(self, made: Made, *, contract: bool = False) -> dict[str, Any]:
        fields = dict(made.fields)
        if made.link:
            head = {"x-type": "reference", "x-title": _title(self.top.title), "x-reference": self.top.key}
            fields = {made.link: head, "position": {"x-type": "integer", "x-title": {"zh_CN": "行号", "en": "Line"}}, **fields}
        named = next(
            (
                k
                for k, f in fields.items()
                if f["x-type"] in {"text", "email", "choice", "long_text", "integer", "number", "decimal", "date"} and k != "position"
            ),
            None,
        )
        body: dict[str, Any] = {
            "kind": "object",
            "key": made.key,
            "title": _title(made.title),
            "icon": "list-details" if made.link else "forms",
            "menu": 0 if made.link else 95,
            "name_field": named or ("position" if made.link else next(iter(fields), "")),
        }
        if made.sections:
            loose = [k for k, f in made.fields.items() if "x-section" not in f]
            main = self._fresh("main", {k for k, _ in made.sections})
            for k in loose:
                fields[k] = {**fields[k], "x-section": main}
            listed = ([(main, made.title)] if loose else []) + made.sections
            body["sections"] = [{"key": k, "title": _title(t), "columns": 2} for k, t in listed]
        if not made.link and named is None:  # every record has a name
            name = self._fresh("name", set(fields))
            fields = {
                name: {"x-type": "text", "x-title": {"zh_CN": "名称", "en": "Name"}, **({"x-section": body["sections"][0]["key"]} if made.sections else {})},
                **fields,
            }
            body["name_field"] = name
        body["schema"] = {"type": "object", "required": ([made.link] if made.link else []) + made.required, "properties": fields}
        if made.subforms:
            body["subforms"] = made.subforms
        if contract:
            rows = [{"object": child.key, "at": at, **_places(child)} for child, at in made.rows]
            body["contract"] = {"schema": self.schema, **_places(made), **({"rows": rows} if rows else {})}
        return body

    def _fresh(self, wanted: str, taken: Any) -> str:
        key = wanted.encode()[:44].decode(errors="ignore").strip("_") or "field"
        if key_problem(key) is not None or key in RESERVED_FIELDS:
            key = (f"f_{key}" if key[0].isdigit() else f"{key}_" + ("field" if _is_latin(key) else "项")).replace("_项", "项")
        base, n = key, 2
        while key in taken:
            key, n = f"{base}_{n}" if _is_latin(base) else f"{base}{n}", n + 1
        return key


def _places(made: Made) -> dict[str, Any]:
    found: dict[str, Any] = {"places": made.at}
    found |= {"values": made.values} if made.values else {}
    found |= {"always": made.always} if made.always else {}
    return found


def _numbers(spec: dict[str, Any], said: Mapping[str, Any], kind: str) -> None:
    step = said.get("multipleOf")
    spec["x-type"] = kind
    if kind == "number" and isinstance(step, float) and step in POWERS:
        spec |= {"x-type": "decimal", "x-decimals": POWERS[step]}
    low, high = said.get("minimum"), said.get("maximum")
    if kind == "integer":  # bounds that no whole number reaches move to the next one
        low = None if low is None else math.ceil(low)
        high = None if high is None else math.floor(high)
        above, below = said.get("exclusiveMinimum"), said.get("exclusiveMaximum")
        low = low if above is None else max(math.floor(above) + 1, low if low is not None else math.floor(above) + 1)
        high = high if below is None else min(math.ceil(below) - 1, high if high is not None else math.ceil(below) - 1)
    if low is not None and (high is None or low <= high):
        spec["minimum"] = low
    if high is not None and (low is None or low <= high):
        spec["maximum"] = high


def _texts(spec: dict[str, Any], said: Mapping[str, Any]) -> None:
    form = said.get("format", "")
    if form in {"date", "date-time"}:
        spec["x-type"] = {"date": "date", "date-time": "datetime"}[form]
        return
    if form in {"email", "idn-email"}:
        spec["x-type"] = "email"
    longest = said.get("maxLength")
    if (isinstance(longest, int) and longest > LONG) or form in {"textarea", "multiline"}:
        spec["x-type"] = "long_text"
    if isinstance(longest, int) and 1 <= longest <= 100_000:
        spec["maxLength"] = longest
    if isinstance(said.get("minLength"), int) and 0 < said["minLength"] <= spec.get("maxLength", 100_000):
        spec["minLength"] = said["minLength"]


def _title(text: Any) -> dict[str, str]:
    said = " ".join(str(text).split())[:2000] or "–"
    return {"zh_CN": said, "en": said}


def _is_worded(text: str) -> bool:
    return any(c.isspace() or c.isupper() or ord(c) > 0x7F for c in text) or not any(c.isalpha() for c in text)


def _words(name: str) -> str:
    """firstName, first_name and first-name read "First name"."""
    if not _is_latin(name):
        return name
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\-\s.]+", " ", name).strip()
    return parts[:1].upper() + parts[1:].lower() if parts and not parts.isupper() else parts or name


def _is_latin(text: str) -> bool:
    return all(ord(c) < 0x250 for c in text)


def _slug(name: str) -> str:
    """A property's name as part of a key."""
    text = unicodedata.normalize("NFKC", name)
    if not _is_latin(text):
        han = re.sub(r"[^\u4e00-\u9fff\u3400-\u4dbf0-9]", "", text).lstrip("0123456789")
        if han:
            return han
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", ascii_text)).strip("_") or "field"


def key_of(name: str) -> str:
    """A name of a file or a title as the key of an object."""
    return _slug(name).encode()[: MAX_DOCUMENT_BYTES - 12].decode(errors="ignore").strip("_")
