"""Finds what is wrong with a role: objects and fields that are not there, conditions that are none."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.findings import formula, unknown, warning
from server.config.names import pointer
from server.errors import Problem
from server.expressions.types import BOOLEAN
from server.features.access.conditions import role_scope
from server.features.access.kind import Grant, Role

EVERY = "*"


def check(role: Role, catalog: Catalog) -> Iterator[Problem]:
    objects = catalog.parsed.get("object", {})
    for key, grant in role.grants.items():
        if key != EVERY and key not in objects:
            yield unknown(pointer("objects", key), "object", key, [*objects, EVERY], catalog)
            continue
        for action in ("read", "create", "edit", "delete"):
            yield from formula(pointer("objects", key, action), getattr(grant, action), role_scope(catalog, key), BOOLEAN)
        yield from _fields(key, grant, catalog)


def _fields(key: str, grant: Grant, catalog: Catalog) -> Iterator[Problem]:
    object_type = catalog.get("object", key)
    known = object_type.fields if object_type else {f for o in catalog.all("object") for f in o.fields}
    for member in ("hidden", "readonly", "unmasked"):
        for i, field in enumerate(getattr(grant, member)):
            if field not in known:
                yield unknown(pointer("objects", key, member, i), "field", field, known)
            elif member == "unmasked" and object_type and not object_type.fields[field].mask:
                yield warning(pointer("objects", key, member, i), f"“{field}” 本来就不遮盖", f"“{field}” is not masked anyway", "not_masked")
            elif member == "hidden" and object_type and field == object_type.name_field:
                yield warning(
                    pointer("objects", key, member, i),
                    f"“{field}” 是名称字段，隐藏后记录没有名字",
                    f"“{field}” names the records; hidden, they have no name",
                    "hidden_name",
                )
