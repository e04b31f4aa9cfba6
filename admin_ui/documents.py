"""A document as a form: its meta-schema with the choices of its references, and where two versions of it differ."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from admin_ui.choices import choices
from admin_ui.forms import Form, escape
from admin_ui.places import words
from server.config import drafts
from server.config.document import Document
from server.config.kind import Kind
from server.config.shape import meta_schema
from server.errors import NotFound, Text
from server.feature import Work


def document_url(kind: str, key: str) -> str:
    return f"/studio/doc/{quote(kind, safe='')}/{quote(key, safe='')}"


def schema_of(kind: Kind) -> Mapping[str, Any]:
    schema = meta_schema(kind.key)
    if schema is None:
        raise NotFound(Text(f"“{kind.key}”没有元模式", f"The kind “{kind.key}” has no meta-schema"))
    return schema


def form_of(work: Work, kind: Kind, body: Any) -> Form:
    catalog = drafts.draft_catalog(work)
    return Form(schema_of(kind), lambda of: choices(catalog, of, body))


@dataclass(frozen=True)
class Difference:
    """One value that differs. `place` in words, `path` as a JSON pointer."""

    path: str
    place: Text
    old: str
    new: str


def differences(kind: Kind, old: Document | None, new: Document | None) -> list[Difference]:
    """What is not the same in two versions of a document, at most 200 places."""
    if old is None or new is None:
        return []
    found: list[tuple[str, Any, Any]] = []
    _differ(old.body, new.body, "", found)
    form = Form(schema_of(kind))
    return [Difference(path, words(form, new.body, path), _brief(a), _brief(b)) for path, a, b in found[:200]]


def _differ(old: Any, new: Any, path: str, found: list[tuple[str, Any, Any]]) -> None:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(n for n in new if n not in old)]:
            _differ(old.get(name), new.get(name), f"{path}/{escape(name)}", found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            _differ(a, b, f"{path}/{i}", found)
    else:
        found.append((path, old, new))


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"
