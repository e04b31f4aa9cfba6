"""Which documents name which: where-used, asked before something is removed or renamed."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from server.config.catalog import Catalog
from server.config.names import pointer
from server.config.shape import meta_schema
from server.expressions.tree import tree_of

_EXPRESSION, _KEY = "expression", "key"


def where_used(catalog: Catalog, kind: str, key: str) -> list[tuple[str, str, str]]:
    """(kind, key, JSON pointer) of each place that names the document: as a key, or in a formula."""
    found = []
    for identity, document in sorted(catalog.documents.items()):
        if identity != (kind, key):
            found += [(*identity, path) for path, names in _uses(document.kind, document.body) if (kind, key) in names or ("", key) in names]
    return found


def _uses(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    """Places and the (kind, key) pairs they name; kind "" where the meta-schema does not say which kind (formulas, receivers)."""
    schema = meta_schema(kind)
    if schema is not None:
        yield from _walk(schema, schema.get("$defs", {}), body, ())


def _walk(schema: Mapping[str, Any], defs: Mapping[str, Any], value: Any, path: tuple[object, ...]) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    target = schema.get("$ref", "").removeprefix("#/$defs/")
    if isinstance(value, str) and target == _EXPRESSION:
        yield pointer(*path), frozenset(("", name) for name in _names(value))
    elif isinstance(value, str) and target == _KEY and path[-1:] != ("key",):
        yield pointer(*path), frozenset({(schema.get("x-kind", ""), value)})
    elif target in defs:
        yield from _walk(defs[target], defs, value, path)
    elif isinstance(value, Mapping):
        named, other = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            sub = named.get(name, other)
            if isinstance(other, Mapping) and name not in named and "x-kind" in schema:
                yield pointer(*path, name), frozenset({(schema["x-kind"], name)})
            if isinstance(sub, Mapping):
                yield from _walk(sub, defs, inner, (*path, name))
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for i, inner in enumerate(value):
            yield from _walk(schema["items"], defs, inner, (*path, i))


def _names(source: str) -> set[str]:
    """Names a formula mentions, each part of a dotted one by itself; broken text mentions nothing."""
    try:
        nodes = list(ast.walk(tree_of(source.strip())))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}
