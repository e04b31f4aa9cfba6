"""A document as a form: its meta-schema with the choices of its references, and where two versions of it differ."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
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

MOST = 200  # places of one document that differ


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
    """What is not the same in two versions of a document, at most MOST places."""
    if old is None or new is None:
        return []
    form, seen = Form(schema_of(kind)), (old.body, new.body)
    changes = islice(_changes(*seen, "", ""), MOST)
    return [Difference(c.path, words(form, seen[c.is_new], c.path), _brief(c.old), _brief(c.new)) for c in changes]


@dataclass(frozen=True)
class _Change:
    """`path` leads to its place in the new version, or in the old one where the new has none."""

    path: str
    is_new: bool
    old: Any
    new: Any


def _changes(old: Any, new: Any, before: str, after: str) -> Iterator[_Change]:
    """`before`, `after`: where the two stand, which in lists need not be the same place."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(n for n in new if n not in old)]:
            yield from _changes(old.get(name), new.get(name), f"{before}/{escape(name)}", f"{after}/{escape(name)}")
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _of_lists(old, new, before, after)
    else:
        yield _Change(after, True, old, new)


def _of_lists(old: list[Any], new: list[Any], before: str, after: str) -> Iterator[_Change]:
    """Line by line: those that are the same, or have the same key, stand opposite each other; what is left was added or taken out."""
    for sort, i, k, j, m in SequenceMatcher(None, _signs(old, new), _signs(new, old), autojunk=False).get_opcodes():
        opposite = min(k - i, m - j) if sort in ("equal", "replace") else 0
        for n in range(opposite):
            yield from _changes(old[i + n], new[j + n], f"{before}/{i + n}", f"{after}/{j + n}")
        for n in range(i + opposite, k):
            yield _Change(f"{before}/{n}", False, old[n], None)
        for n in range(j + opposite, m):
            yield _Change(f"{after}/{n}", True, None, new[n])


def _signs(items: list[Any], others: list[Any]) -> list[str]:
    """What a line is known by: its key where all lines of both lists have one, else all of it."""
    keyed = all(isinstance(item, Mapping) and isinstance(item.get("key"), str) for item in (*items, *others))
    return [item["key"] if keyed else json.dumps(item, ensure_ascii=False, sort_keys=True) for item in items]


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"
