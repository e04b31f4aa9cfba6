"""Conditions of a schema (`if`, discriminators, dependencies) as expressions over the fields that were made of it; None where the language cannot say it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.config.names import pointer
from server.features.objects.outside.flat import Condition, Flat, When

SILENT = frozenset({"type", "title", "description", "$comment", "examples", "default", "required", "properties", "$ref", "allOf"})
COMPARED = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


@dataclass
class Known:
    """The fields made so far, by their pointers. `names`: pointer -> what the schema calls a value -> key of the option."""

    keys: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[tuple[Any, str]]] = field(default_factory=dict)


class Writer:
    def __init__(self, flat: Flat, known: Known) -> None:
        self.flat, self.known = flat, known

    def any_of(self, whens: list[When]) -> str | None:
        """One of several conjunctions; None when one of them cannot be said."""
        texts = [self.all_of(when) for when in whens]
        if not texts or None in texts or "True" in texts:
            return None
        return _plain(_joined("or", list(dict.fromkeys(t for t in texts if t))))

    def all_of(self, when: When) -> str | None:
        texts = [self.condition(c) for c in when]
        return None if None in texts else _joined("and", [t for t in texts if t and t != "True"])

    def condition(self, c: Condition) -> str | None:
        if c.present:
            text = self.filled(c.at)
        elif c.schema is None:
            return None
        else:
            text = self.fits(c.schema, c.at)
        return text if text is None or not c.negated else f"not {_wrapped(text)}"

    def filled(self, at: str) -> str | None:
        """Something stands at the pointer: in the field, or in one of the fields below."""
        keys = [key for where, key in self.known.keys.items() if where == at or where.startswith(at + "/")]
        return _joined("or", [f"{key} is not None" for key in keys]) if 0 < len(keys) <= 8 else None

    def fits(self, schema: Any, at: str) -> str | None:
        """The value at the pointer fits the schema. Never unknown, so that it may be negated."""
        if schema is True or schema == {}:
            return "True"
        if not isinstance(schema, Mapping):
            return None
        texts: list[str | None] = []
        for part in self.flat.spread(schema):
            texts += self._part(part, at)
        if None in texts:
            return None
        return _joined("and", [t for t in texts if t and t != "True"])

    def _part(self, part: Mapping[str, Any], at: str) -> list[str | None]:
        texts: list[str | None] = []
        required = set(part.get("required", ()))
        for name, inner in part.get("properties", {}).items():
            text = self.fits(inner, at + pointer(name))
            filled = self.filled(at + pointer(name))
            if text is None or filled is None:
                return [None]
            if text != "True":
                empty = filled.replace(" is not None", " is None") if filled.count(" is not None") == 1 else f"not {_wrapped(filled)}"
                texts.append(f"({filled} and {_wrapped(text)})" if name in required else f"({empty} or {_wrapped(text)})")
                required.discard(name)
        texts += [self.filled(at + pointer(name)) for name in sorted(required)]
        for word, value in part.items():
            if word not in SILENT:
                texts.append(self._keyword(word, value, at))
        return texts

    def _keyword(self, word: str, value: Any, at: str) -> str | None:
        if word in ("anyOf", "oneOf"):
            return None if word == "oneOf" and len(value) > 1 else self._several("or", value, at)
        if word == "not":
            text = self.fits(value, at)
            return None if text is None else f"not {_wrapped(text)}"
        key, kind = self.known.keys.get(at, ""), self.known.types.get(at, "")
        if not key:
            return None
        if word == "const":
            return self._equals(at, key, kind, [value])
        if word == "enum":
            return self._equals(at, key, kind, value)
        if word in COMPARED and kind in {"integer", "number", "decimal"}:
            return f"{key} {COMPARED[word]} {value}"
        if word == "contains" and kind == "multi_choice":
            wanted = self.flat.value([value]).get("enum")
            options = [self._option(at, v) for v in wanted or ()]
            return _joined("or", [f"has({key}, {json.dumps(o, ensure_ascii=False)})" for o in options if o]) if options and all(options) else None
        return None

    def _several(self, word: str, schemas: Any, at: str) -> str | None:
        texts = [self.fits(s, at) for s in schemas]
        return None if None in texts else _joined(word, [t for t in texts if t])

    def _equals(self, at: str, key: str, kind: str, values: list[Any]) -> str | None:
        texts = []
        for value in values:
            if value is None:
                texts.append(f"{key} is None")
            elif kind == "yes_no" and isinstance(value, bool):
                texts.append(key if value else f"not {key}")
            elif kind in {"choice", "multi_choice"}:
                option = self._option(at, value) if kind == "choice" else None
                if option is None:
                    return None
                texts.append(f"{key} == {json.dumps(option, ensure_ascii=False)}")
            elif kind in {"integer", "number", "decimal"} and isinstance(value, int | float) and not isinstance(value, bool):
                texts.append(f"{key} == {value}")
            elif kind in {"text", "long_text", "email"} and isinstance(value, str):
                texts.append(f"{key} == {json.dumps(value, ensure_ascii=False)}")
            else:
                return None
        return _joined("or", texts)

    def _option(self, at: str, value: Any) -> str | None:
        return next((key for v, key in self.known.names.get(at, ()) if v == value and type(v) is type(value)), None)


def _plain(text: str) -> str:
    """Shorter where unknown and false come to the same: nothing is negated, so what compares a field need not ask first whether it is filled in."""
    if "not " not in text.replace("is not None", ""):
        text = re.sub(r"\((\w+) is not None and \((\1 [=<>]{1,2} [^()]*|has\(\1, [^()]*\))\)\)", r"(\2)", text)
        text = re.sub(r"\((\w+) is not None and \1\)", r"\1", text)
    while text.startswith("(") and text.endswith(")") and _one_pair(text):
        text = text[1:-1]
    return text


def _joined(word: str, texts: list[str]) -> str:
    if not texts:
        return "True"
    return texts[0] if len(texts) == 1 else f" {word} ".join(_wrapped(t) for t in texts)


def _wrapped(text: str) -> str:
    return text if text.isidentifier() or (text.startswith("(") and text.endswith(")") and _one_pair(text)) else f"({text})"


def _one_pair(text: str) -> bool:
    depth = 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0 and i < len(text) - 1:
            return False
    return True
