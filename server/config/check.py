"""Finds every problem of a set of documents: SHAPE here, then NAMES, TYPES and MEANING by each kind. Never raises on a document."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from server.config.catalog import Catalog
from server.config.document import Document
from server.config.kind import Kind
from server.config.names import MAX_DOCUMENT_BYTES, key_problem
from server.config.shape import check_shape
from server.errors import Problem

_WORD = re.compile(r"\w+")


def check(catalog: Catalog, kinds: Mapping[str, Kind], previous: Catalog | None = None) -> list[Problem]:
    """Problems in the order of kinds and keys. `file` is the document's file, or kind/key when it came from nowhere.

    A document with a broken shape is left out of the later passes, and so is each that names it: what it would report about the
    missing one is noise until the shape is mended.
    """
    problems: list[Problem] = []
    broken: set[tuple[str, str]] = set()
    for identity, document in sorted(catalog.documents.items()):
        found = check_document(document)
        problems += found
        if any(p.severity == "error" for p in found):
            broken.add(identity)
    sound = catalog if not broken else Catalog(catalog.release, {i: d for i, d in catalog.documents.items() if i not in broken}, kinds)
    skipped = _mentioning(sound.documents.values(), {key for _, key in broken})
    for kind in kinds.values():
        for key, value in sound.parsed.get(kind.key, {}).items():
            document = sound.documents[kind.key, key]
            if (kind.key, key) not in skipped:
                problems += _placed(kind.check(value, sound), document)
                problems += _placed(_changes(kind, key, value, sound, previous), document)
    return problems


def errors(problems: Iterable[Problem]) -> list[Problem]:
    return [p for p in problems if p.severity == "error"]


def check_document(document: Document) -> list[Problem]:
    """What can be said of one document alone."""
    return _placed(_alone(document.kind, document.key, document.text), document)


@lru_cache(2048)
def _alone(kind: str, key: str, text: str) -> tuple[Problem, ...]:
    """Remembered by content: of a whole draft mostly one document is new."""
    found = check_shape(Document(kind, key, json.loads(text)))
    why = key_problem(key, MAX_DOCUMENT_BYTES)
    if why and not any(p.path == "/key" for p in found):
        found.append(Problem("/key", why, code="format"))
    return tuple(found)


def _changes(kind: Kind, key: str, value: Any, catalog: Catalog, previous: Catalog | None) -> Iterable[Problem]:
    old = previous.get(kind.key, key) if previous else None
    return () if old is None else kind.check_change(old, value, catalog)


def _placed(problems: Iterable[Problem], document: Document) -> list[Problem]:
    file = document.file or f"{document.kind}/{document.key}"
    return [p if p.file else replace(p, file=file) for p in problems]


def _mentioning(documents: Iterable[Document], names: set[str]) -> set[tuple[str, str]]:
    """Documents that name one of `names`, or one that does."""
    if not names:
        return set()
    words = {(d.kind, d.key): set(_WORD.findall(d.text)) for d in documents}
    names, found = set(names), set[tuple[str, str]]()
    while True:
        more = {i for i, w in words.items() if i not in found and w & names}
        if not more:
            return found
        found |= more
        names |= {key for _, key in more}
