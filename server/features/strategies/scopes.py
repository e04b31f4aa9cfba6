"""The names conditions over a subject may use."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.expressions.types import Scope
from server.features.objects import results
from server.features.objects.engine import scope as object_scope


def subject_scope(catalog: Catalog, object_key: str) -> Scope:
    """Fields, fields of referenced records, and results where the object is assessed."""
    assessed = catalog.get("object", object_key).assessed
    return results.scope(catalog, object_key) if assessed else object_scope(catalog, object_key)


def deep_scope(catalog: Catalog, object_key: str) -> Scope:
    """As `subject_scope`, and the results of referenced records too ("customer.risk_level")."""
    names = dict(subject_scope(catalog, object_key).names)
    for reference, target in assessed_references(catalog, object_key):
        names |= {f"{reference}.{name}": output.as_name for name, output in results.outputs(catalog, target).items()}
    return Scope(names)


def assessed_references(catalog: Catalog, object_key: str) -> Iterator[tuple[str, str]]:
    """(reference field, object) of the references to assessed objects."""
    for field in catalog.get("object", object_key).fields.values():
        target = catalog.get("object", field.reference) if field.type == "reference" else None
        if target is not None and target.assessed:
            yield field.key, target.key
