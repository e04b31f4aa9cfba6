"""Forms from JSON Schema: a meta-schema becomes a tree of nodes, parts/form.html draws it, `read` turns what was posted back into a document.

Names of inputs are JSON pointers ("/factors/2/weight"), so a problem's path is the input's name. Beside the values a form posts:
`<pointer>#` how many items a list or map has, `<pointer>/<i>@` the key of a map's item, `<pointer>!` that a blank value stood there, `<pointer>~` a value
that does not fit its widget, as JSON, `<pointer>?` members the schema does not know, `<pointer>:<option>` that an option is ticked. So opening and
saving a document by form never loses anything.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_ui.posted import whole
from server.config.shape import is_day
from server.errors import Text

Schema = Mapping[str, Any]
Choices = Sequence[tuple[str, Text]]
MISSING: Any = object()

CHOOSING = {"choice", "keys", "ticks"}  # widgets with options

# How many optional members an object shows at once before the unset ones fold away.
FOLD_FROM = 4


@dataclass(frozen=True)
class Node:
    """One part of a form. `widget` names its macro: text long_text expression number date yes_no choice ticks i18n keys json fixed
    object list map grid."""

    path: str
    widget: str
    title: Text
    help: Text | None = None
    value: Any = None
    required: bool = False
    key: str = ""  # member of its object, or key of a map's item
    options: tuple[tuple[str, Text], ...] = ()
    children: tuple["Node", ...] = ()
    folded: tuple["Node", ...] = ()  # optional members that are not set
    summary: Text = Text("", "")  # of a list's item: what stands on its line when it is closed
    extra: str = ""  # JSON of the members the schema does not know
    multiline: bool = False
    misfit: bool = False  # the value does not fit its widget and is shown as JSON

    @property
    def id(self) -> str:
        return "f" + "".join(c if c.isalnum() or c == "-" else "_" for c in self.path)


@dataclass(frozen=True)
class Form:
    """`choices` answers which keys a reference ("x-kind": object, role, field, ...) may have, from the draft's catalog and this document."""

    schema: Schema
    choices: Callable[[str], Choices] = field(default=lambda kind: ())

    def build(self, body: Any) -> Node:
        return self._node(self.schema, body, "", "", True)

    def read(self, form: Mapping[str, str]) -> Any:
        value = self._read(self.schema, form, "", True)
        return {} if value is MISSING else value

    def blank(self) -> Any:
        """A new document: what the schema requires, empty."""
        return self._blank(self.resolve(self.schema))

    def skeleton(self, pointer: str) -> Any:
        """What a new item of the list or map at the pointer looks like."""
        schema = self.resolve(self.at(pointer))
        inner = schema.get("items") or schema.get("additionalProperties") or {}
        return self._blank(self.resolve(inner))

    # the schema

    def resolve(self, schema: Any) -> Schema:
        """Follows local references; a schema of `true` is an empty one. What stands beside a $ref wins."""
        for _ in range(20):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            target: Any = self.schema
            for part in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
                target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if part else target
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema if isinstance(schema, Mapping) else {}

    def at(self, pointer: str) -> Schema:
        schema = self.resolve(self.schema)
        for part in parts(pointer):
            properties = schema.get("properties", {})
            inner = properties[part] if part in properties else schema.get("items") or schema.get("additionalProperties") or {}
            schema = self.resolve(inner)
        return schema

    def widget(self, schema: Schema) -> str:
        hint = str(schema.get("x-widget", ""))
        types = schema.get("type", "")
        if "const" in schema:
            return "fixed"
        if hint in {"i18n", "expression", "long_text", "grid"}:
            return hint
        if types != "array" and (schema.get("enum") or "x-kind" in schema):
            return "choice"
        if types == "object" or "properties" in schema:
            if set(schema.get("properties", {})) == {"zh_CN", "en"}:
                return "i18n"
            return "object" if "properties" in schema else "map"
        if types == "array":
            return self._array_widget(self.resolve(schema.get("items", {})))
        if types == "string" and schema.get("format") == "date":
            return "date"
        simple = {"string": "text", "number": "number", "integer": "number", "boolean": "yes_no"}
        return simple.get(types, "json") if isinstance(types, str) else "json"

    def _array_widget(self, items: Schema) -> str:
        return "ticks" if items.get("enum") else "keys" if self.widget(items) in {"text", "choice"} else "list"

    def _blank(self, schema: Schema) -> Any:
        widget = self.widget(schema)
        if "default" in schema:
            return schema["default"]
        if widget == "object":
            return {key: self._blank(self.resolve(schema["properties"][key])) for key in schema.get("required", ())}
        blanks: Mapping[str, Any] = {
            "list": [],
            "keys": [],
            "ticks": [],
            "grid": [],
            "map": {},
            "i18n": {},
            "yes_no": False,
            "fixed": schema.get("const"),
            "number": None,
        }
        if widget == "choice":
            options = self._options(schema)
            return options[0][0] if options else ""
        return blanks.get(widget, "")

    # from a document to nodes

    def _options(self, schema: Schema) -> tuple[tuple[str, Text], ...]:
        titles = {o["key"]: text_of(o.get("title")) for o in schema.get("x-options", ())}
        if schema.get("enum"):
            return tuple((str(key), titles.get(key) or Text(str(key), str(key))) for key in schema["enum"])
        return tuple(self.choices(str(schema.get("x-kind", ""))))

    def _node(self, schema: Schema, value: Any, path: str, key: str, required: bool, summary: Text = Text("", "")) -> Node:
        schema = self.resolve(schema)
        widget = self.widget(schema)
        options = self._options(self.resolve(schema.get("items", {})) if widget in {"keys", "ticks"} else schema) if widget in CHOOSING else ()
        misfit = not _fits(widget, value) or (widget == "ticks" and not {key for key, _ in options}.issuperset(value or ()))
        if misfit:
            widget = "json"
        title = text_of(schema.get("x-title")) or Text(key, key)
        make = {"object": self._object, "list": self._list, "map": self._map}.get(widget)
        if make:
            return make(schema, value, path, key, required, title, summary)
        shown = _shown(value) if widget == "json" else value
        if widget == "grid":
            options = tuple(self.choices(str(schema.get("x-kind", "level"))))
        multiline = widget in {"long_text"} or (isinstance(shown, str) and (len(shown) > 60 or "\n" in shown))
        return Node(path, widget, title, text_of(schema.get("x-help")), shown, required, key, options, summary=summary, multiline=multiline, misfit=misfit)

    def _object(self, schema: Schema, value: Any, path: str, key: str, required: bool, title: Text, summary: Text) -> Node:
        body = value if isinstance(value, Mapping) else {}
        needed = set(schema.get("required", ()))
        nodes = [
            (name in body or name in needed, self._node(sub, body.get(name), f"{path}/{escape(name)}", name, name in needed))
            for name, sub in schema["properties"].items()
        ]
        unset = tuple(node for here, node in nodes if not here)
        fold = len(unset) >= FOLD_FROM
        children = tuple(node for here, node in nodes if here or not fold)
        extra = {name: v for name, v in body.items() if name not in schema["properties"]}
        return Node(
            path,
            "object",
            title,
            text_of(schema.get("x-help")),
            None,
            required,
            key,
            (),
            children,
            unset if fold else (),
            summary,
            json.dumps(extra, ensure_ascii=False) if extra else "",
        )

    def _list(self, schema: Schema, value: Any, path: str, key: str, required: bool, title: Text, summary: Text) -> Node:
        items = self.resolve(schema.get("items", {}))
        children = tuple(self._node(items, item, f"{path}/{i}", str(i), True, summary_of(item)) for i, item in enumerate(value or ()))
        return Node(path, "list", title, text_of(schema.get("x-help")), [] if value == [] else None, required, key, (), children, summary=summary)

    def _map(self, schema: Schema, value: Any, path: str, key: str, required: bool, title: Text, summary: Text) -> Node:
        inner: Any = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), {})
        children = tuple(self._node(inner, item, f"{path}/{i}", name, True, summary_of(item)) for i, (name, item) in enumerate((value or {}).items()))
        return Node(path, "map", title, text_of(schema.get("x-help")), {} if value == {} else None, required, key, (), children, summary=summary)

    # from what was posted to a document

    def _read(self, schema: Any, form: Mapping[str, str], path: str, required: bool) -> Any:
        schema = self.resolve(schema)
        widget = self.widget(schema)
        if path + "~" in form:  # drawn as JSON because the value did not fit the schema
            return _loads(form[path + "~"])
        if widget == "fixed":
            return schema["const"] if required or path in form else MISSING
        if widget == "object":
            return self._read_object(schema, form, path, required)
        if widget in {"list", "map"}:
            return self._read_items(schema, form, path, widget, required)
        if widget == "i18n":
            pair = {name: text for name in ("zh_CN", "en") if (text := form.get(f"{path}/{name}", "").strip())}
            return pair or ({} if required else MISSING)
        if widget == "grid":
            return _read_grid(form, path, required)
        if widget == "ticks":
            return _read_ticks(form, path, self.resolve(schema["items"])["enum"], required)
        return _read_leaf(widget, form.get(path), required or path + "!" in form)

    def _read_object(self, schema: Schema, form: Mapping[str, str], path: str, required: bool) -> Any:
        needed = set(schema.get("required", ()))
        read = ((name, self._read(sub, form, f"{path}/{escape(name)}", name in needed)) for name, sub in schema["properties"].items())
        body = {name: value for name, value in read if value is not MISSING}
        if form.get(path + "?"):
            unknown = _loads(form[path + "?"])
            body.update(unknown if isinstance(unknown, Mapping) else {})
        real = any(name not in needed or not _is_blank(value) for name, value in body.items())
        return body if required or real else MISSING

    def _read_items(self, schema: Schema, form: Mapping[str, str], path: str, widget: str, required: bool) -> Any:
        count = _count(form, path)
        inner: Any = (
            schema.get("items") if widget == "list" else schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), {})
        )
        values = [self._read(inner, form, f"{path}/{i}", True) for i in range(count)]
        if not values and not required and path + "!" not in form:
            return MISSING
        if widget == "list":
            return values
        return {form.get(f"{path}/{i}@", "").strip() or f"key_{i + 1}": value for i, value in enumerate(values)}


def escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def summary_of(item: Any) -> Text:
    """The line a closed item shows: its title, else its key, else its first words."""
    if not isinstance(item, Mapping):
        return _same(item)
    title = item.get("title") or item.get("x-title")
    if isinstance(title, Mapping):
        return text_of(title) or Text("", "")
    for name in ("key", "when", "value", "to", "through", "x-type"):
        if item.get(name):
            return _same(item[name])
    return next((_same(v) for v in item.values() if isinstance(v, (str, int, float))), Text("", ""))


def _same(value: Any) -> Text:
    return Text(str(value)[:80], str(value)[:80])


def text_of(value: Any) -> Text | None:
    if isinstance(value, str):
        return Text(value, value)
    if not isinstance(value, Mapping):
        return None
    return Text(str(value.get("zh_CN") or value.get("en") or ""), str(value.get("en") or value.get("zh_CN") or ""))


def _fits(widget: str, value: Any) -> bool:
    """Whether the widget can show the value without losing it."""
    if value is None or widget in {"json", "fixed"}:
        return True
    kinds: Mapping[str, Any] = {
        "text": str,
        "date": str,
        "long_text": str,
        "expression": str,
        "choice": (str, int),
        "number": (int, float, str),
        "yes_no": bool,
        "i18n": Mapping,
        "object": Mapping,
        "map": Mapping,
        "list": list,
        "keys": list,
        "ticks": list,
        "grid": list,
    }
    if not isinstance(value, kinds[widget]) or (widget == "number" and isinstance(value, bool)):
        return False
    if widget == "date":
        return value == "" or is_day(value)
    return not (widget in {"keys", "ticks"} and any(not isinstance(item, str) or "," in item for item in value))


def _shown(value: Any) -> str | None:
    """A value as it stands in a JSON input; text that would read back as something else is quoted."""
    if value is None:
        return None
    if isinstance(value, str) and _loads(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False, indent=1 if isinstance(value, (dict, list)) else None)


def _is_blank(value: Any) -> bool:
    return value in ("", None, False) or value == [] or value == {}


def _loads(text: str) -> Any:
    """A JSON value; what is not JSON is kept as the text that was typed, the check says what is wrong with it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_ticks(form: Mapping[str, str], path: str, options: Sequence[str], required: bool) -> Any:
    """Those that were there keep their order, new ones follow."""
    before = [key for key in form.get(path, "").split(",") if key]
    ticked = [key for key in options if f"{path}:{key}" in form]
    chosen = [key for key in before if key in ticked] + [key for key in ticked if key not in before]
    return chosen or ([] if required or path + "!" in form else MISSING)


def _read_leaf(widget: str, text: str | None, required: bool) -> Any:
    if widget == "yes_no":
        return True if text == "true" else False if required or text == "false" else MISSING
    if text is None:
        return MISSING
    text = text.replace("\r\n", "\n").strip()
    if widget == "keys":
        keys = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
        return keys if keys or required else MISSING
    if text == "":
        return "" if required and widget not in {"number", "json"} else MISSING
    if widget == "number":
        return _number(text)
    return _loads(text) if widget == "json" else text


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text  # kept as typed: the check names it
    return value if value - value == 0 else text


def _count(form: Mapping[str, str], path: str) -> int:
    """How many items a list says it has; never more than the form has inputs."""
    return min(whole(form.get(path + "#", "")) or 0, len(form))


def _read_grid(form: Mapping[str, str], path: str, required: bool) -> Any:
    rows = _count(form, path)
    grid = []
    for i in range(rows):
        columns = _count(form, f"{path}/{i}")
        grid.append([form.get(f"{path}/{i}/{j}", "") for j in range(columns)])
    return grid if grid or required else MISSING
