"""What the select boxes of the editor offer: documents of a kind, or parts of this document and of the objects it is about."""

from collections.abc import Mapping
from typing import Any

from admin_ui.forms import Choices
from server.config.catalog import Catalog
from server.config.kind import title_of
from server.errors import Text
from server.features.indicators.ways import ways
from server.features.objects.results import scope


def choices(catalog: Catalog, of: str, body: Any) -> Choices:
    """Key and title of each; none where `of` or the document as it stands names nothing. `of`: a kind, section, group, level, grouping, way or field."""
    if of in catalog.kinds:
        return [(key, title_of(d.body, key)) for (kind, key), d in sorted(catalog.documents.items()) if kind == of]
    if not isinstance(body, Mapping):
        return []
    parts: Mapping[str, str] = {"section": "sections", "group": "groups", "level": "levels"}
    if of in parts:
        return [(str(item.get("key", "")), title_of(item)) for item in body.get(parts[of]) or () if isinstance(item, Mapping)]
    if of == "grouping":
        return _grouping(catalog, str(body.get("object")))
    if of == "way":
        return ways(catalog, str(body.get("source")), str(body.get("object")))
    if of == "field":
        owner = body if body.get("kind") == "object" else getattr(catalog.document("object", str(body.get("source") or body.get("object"))), "body", {})
        schema = owner.get("schema")
        fields = schema.get("properties") if isinstance(schema, Mapping) else None
        return [(key, title_of({"title": spec.get("x-title")}, key)) for key, spec in (fields or {}).items() if isinstance(spec, Mapping)]
    return []


def _grouping(catalog: Catalog, object_key: str) -> Choices:
    """Classes and choice fields of a subject."""
    if catalog.get("object", object_key) is None:
        return []
    return [(name, known.title or Text(name, name)) for name, known in scope(catalog, object_key).names.items() if known.options and "." not in name]
