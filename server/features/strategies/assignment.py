"""Whose task it is: a field of the subject that holds a user, or a role."""

from collections.abc import Mapping

from server.config.catalog import Catalog


def user_fields(catalog: Catalog, object_key: str) -> tuple[str, ...]:
    """Fields of an object that hold a user."""
    object_type = catalog.get("object", object_key)
    return tuple(f.key for f in object_type.fields.values() if f.type == "user") if object_type else ()


def resolve(to: str, people: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    """(assignee, role). `people`: the subject's user fields. An empty field leaves the task to whoever may handle tasks of the subject."""
    if to in people:
        return people[to], None
    return None, to or None
