"""A schema's parts laid side by side: references followed, `allOf` joined, alternatives seen through; and which properties an object has, and when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.config.names import pointer
from server.features.objects.outside.schema import Schema, resolve

NULL = "null"


@dataclass(frozen=True)
class Condition:
    """Holds when the object at the pointer fits the schema; or, `present`, when something stands there. A schema of None: nobody can tell."""

    at: str
    schema: Any = None
    present: bool = False
    negated: bool = False


When = tuple[Condition, ...]  # all of them


@dataclass
class Property:
    """One property of an object, from wherever the schema speaks of it."""

    name: str
    parts: list[tuple[Any, When]] = field(default_factory=list)
    required: list[When] = field(default_factory=list)

    @property
    def always(self) -> bool:
        return any(not when for _, when in self.parts)

    @property
    def must(self) -> bool:
        return any(not when for when in self.required)


class Flat:
    """Reads the parts of one schema."""

    def __init__(self, root: Schema) -> None:
        self.root = root

    def spread(self, schema: Any) -> list[Schema]:
        """The schema with its references and its allOf, as one list of plain parts."""
        if not isinstance(schema, Mapping):
            return []
        found: list[Schema] = [{k: v for k, v in schema.items() if k not in {"$ref", "allOf"}}]
        if "$ref" in schema:
            found += self.spread(resolve(self.root, schema["$ref"]))
        for part in schema.get("allOf", ()):
            found += self.spread(part)
        return found

    # -- One value --------------------------------------------------------------------------------------------------------------------

    def value(self, schemas: Sequence[Any]) -> dict[str, Any]:
        """What a value is, from all that is said of it: the first word on each keyword counts. `enum` holds all values it may have, `titles` their
        names, `nullable` that null is one of them. `type` is a list when it can be several."""
        merged: dict[str, Any] = {}
        for part in (p for s in schemas for p in self.spread(s)):
            for key, value in part.items():
                merged.setdefault(key, value)
        for word in ("oneOf", "anyOf"):
            if word in merged:
                self._alternatives(merged, [self.value([b]) for b in merged[word]])
        if "const" in merged and "enum" not in merged:
            merged["enum"] = [merged["const"]]
        if isinstance(merged.get("enum"), list) and None in merged["enum"]:
            merged["enum"], merged["nullable"] = [v for v in merged["enum"] if v is not None], True
        kinds = merged.get("type")
        if isinstance(kinds, list):
            merged["nullable"] = merged.get("nullable", False) or NULL in kinds
            rest = [k for k in kinds if k != NULL]
            merged["type"] = "number" if sorted(rest) == ["integer", "number"] else rest[0] if len(rest) == 1 else rest
        elif kinds is None:
            merged["type"] = _guess(merged)
        return merged

    def _alternatives(self, merged: dict[str, Any], branches: list[dict[str, Any]]) -> None:
        real = [b for b in branches if b["type"] != NULL]
        if len(real) < len(branches):
            merged["nullable"] = True
        if not real:
            return
        if all("enum" in b for b in real):
            merged.setdefault("enum", [v for b in real for v in b["enum"]])
            titles = [(v, b["title"]) for b in real for v in b["enum"] if "title" in b and len(b["enum"]) == 1]
            merged.setdefault("titles", titles)
        if len(real) == 1:
            for key, value in real[0].items():
                merged.setdefault(key, value)
            merged["nullable"] = merged.get("nullable", False) or real[0].get("nullable", False)
        elif "type" not in merged:
            kinds = {str(b["type"]) for b in real if b["type"]}
            if len(kinds) == 1:
                merged["type"] = real[0]["type"]
            elif kinds == {"integer", "number"}:
                merged["type"] = "number"
            elif kinds:
                merged["type"] = sorted(kinds)

    # -- One object --------------------------------------------------------------------------------------------------------------------

    def properties(self, schemas: Sequence[tuple[Any, When]], at: str) -> dict[str, Property]:
        """Of an object that is described by several schemas, each of which may count at times only."""
        found: dict[str, Property] = {}
        for schema, at_times in schemas:
            for name, part, when in self._speaking(schema, at, at_times):
                prop = found.setdefault(name, Property(name))
                if part is None:
                    prop.required.append(when)
                elif part is not False:
                    prop.parts.append((part, when))
        return {name: p for name, p in found.items() if p.parts}

    def _speaking(self, schema: Any, at: str, when: When) -> Iterator[tuple[str, Any, When]]:
        """(property, its schema, when it counts); a schema of None says that it is required then."""
        if not isinstance(schema, Mapping):
            return
        for name, part in schema.get("properties", {}).items():
            yield name, part, when
        for name in schema.get("required", ()):
            yield name, None, when
        for inner in [resolve(self.root, schema["$ref"])] if "$ref" in schema else []:
            yield from self._speaking(inner, at, when)
        for inner in schema.get("allOf", ()):
            yield from self._speaking(inner, at, when)
        if "if" in schema:
            yield from self._speaking(schema.get("then"), at, (*when, Condition(at, schema["if"])))
            yield from self._speaking(schema.get("else"), at, (*when, Condition(at, schema["if"], negated=True)))
        for cause, names in schema.get("dependentRequired", {}).items():
            yield from ((name, None, (*when, Condition(at + pointer(cause), present=True))) for name in names)
        for cause, inner in schema.get("dependentSchemas", {}).items():
            yield from self._speaking(inner, at, (*when, Condition(at + pointer(cause), present=True)))
        for word in ("oneOf", "anyOf"):
            yield from self._choice(schema.get(word, ()), at, when)

    def _choice(self, branches: Sequence[Any], at: str, when: When) -> Iterator[tuple[str, Any, When]]:
        """Alternatives of an object. What all of them have is always there; the rest follows the values that tell them apart."""
        said = [list(self._speaking(b, at, ())) for b in branches]
        if not said:
            return
        props = [{name for name, part, w in one if part is not None and not w} for one in said]
        musts = [{name for name, part, w in one if part is None and not w} for one in said]
        everywhere, required = set.intersection(*props), set.intersection(*musts)
        tells = {n for n in everywhere if all(any(m == n and p is not None and "enum" in self.value([p]) for m, p, _ in one) for one in said)}
        yield from ((name, None, when) for name in sorted(required))
        for name in dict.fromkeys(n for n, part, w in said[0] if n in everywhere and part is not None and not w):
            yield name, {"anyOf": [p for one in said for n, p, w in one if n == name and p is not None and not w]}, when
        for one in said:
            fixed = {name: part for name, part, w in one if name in tells and part is not None and not w}
            mine: When = (Condition(at, {"properties": {n: {"enum": self.value([p])["enum"]} for n, p in fixed.items()}, "required": sorted(fixed)}),)
            mine = mine if fixed else (Condition(at),)
            for name, part, inner in one:
                if part is None:
                    if name not in required:
                        yield name, None, (*when, *mine, *inner)
                elif name not in everywhere or inner:
                    yield name, part, (*when, *mine, *inner)


def _guess(merged: Mapping[str, Any]) -> Any:
    """The type that keywords without `type` speak of."""
    if "enum" in merged:
        kinds = {type(v) for v in merged["enum"] if v is not None}
        return {str: "string", bool: "boolean", int: "integer", float: "number"}.get(kinds.pop()) if len(kinds) == 1 else "string" if kinds else None
    for word, kind in (
        ("properties", "object"),
        ("items", "array"),
        ("pattern", "string"),
        ("format", "string"),
        ("minLength", "string"),
        ("maxLength", "string"),
    ):
        if word in merged:
            return kind
    return "number" if {"minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"} & merged.keys() else None
