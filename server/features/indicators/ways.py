"""The way from a source to its subjects: a field that references them, or a chain of references such as "order.customer"."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Text
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType

MOST_LINKS = 4


def way(catalog: Catalog, source: str, join: str) -> tuple[tuple[str, str], ...]:
    """(object, its reference field) for each step; the last one references the subject. Cut off where a name is wrong: the check says so."""
    found: list[tuple[str, str]] = []
    object_key = source
    for field in join.split("."):
        found.append((object_key, field))
        object_type = catalog.get("object", object_key)
        known = object_type.fields.get(field) if object_type is not None else None
        if known is None or known.type != "reference":
            break
        object_key = known.reference
    return tuple(found)


def references(catalog: Catalog, object_key: str, target: str = "") -> dict[str, str]:
    """Stored reference fields of an object (those to `target`) with the object each leads to."""
    object_type: ObjectType | None = catalog.get("object", object_key)
    if object_type is None:
        return {}
    found = (f for f in object_type.fields.values() if f.type == "reference" and objects.is_stored(f, object_type))
    return {f.key: f.reference for f in found if not target or f.reference == target}


def ways(catalog: Catalog, source: str, target: str) -> list[tuple[str, Text]]:
    """Every way from a source to a subject that passes no object twice, the shortest first, with its titles."""
    return sorted(_ways(catalog, source, target, (source,)), key=lambda found: (found[0].count("."), found[0]))


def _ways(catalog: Catalog, source: str, target: str, passed: tuple[str, ...]) -> Iterator[tuple[str, Text]]:
    for field, other in references(catalog, source).items():
        title = catalog.get("object", source).fields[field].title
        if other == target:
            yield field, title
        if other in passed or len(passed) == MOST_LINKS:
            continue
        for rest, words in _ways(catalog, other, target, (*passed, other)):
            yield f"{field}.{rest}", Text(f"{title.zh} · {words.zh}", f"{title.en} · {words.en}")
