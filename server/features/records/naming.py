"""Which records a text names: by a field that was said, else by unique fields, else by the name; `#12` is the record of that number."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from server.errors import Problem
from server.feature import Work
from server.features.objects.engine import is_stored, tables
from server.features.objects.kind import Field, ObjectType
from server.features.records.reading import readable
from server.features.records.rights import rights
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES

NUMBER = re.compile(r"#([1-9][0-9]{0,17})")


def named(work: Work, object_key: str, texts: Iterable[str], by: str = "") -> Mapping[str, set[int]]:
    """Text -> ids of the records it may name, of those the actor may read; a text that names none is left out. `by`: a field, or "id"."""
    wanted = {t for t in texts if t}
    target: ObjectType = work.catalog.get("object", object_key)
    if by == "id":
        return {t: {int(t)} if t.isascii() and t.isdigit() and len(t) < 19 else set() for t in wanted}
    covered = rights(work, target.key).covered
    fields = [f for f in target.fields.values() if f.unique] + [f for f in target.fields.values() if f.key == target.name_field and not f.unique]
    if by:
        fields = [target.fields[by]] if by in target.fields else []
    found: dict[str, set[int]] = {}
    source = tables(work.catalog)[target.key]
    for f in fields:
        if f.key in covered or not is_stored(f, target) or f.type == "reference":
            continue
        values: dict[Any, list[str]] = {}
        for text in wanted - found.keys():
            values.setdefault(parsed(f, text), []).append(text)
        values.pop(None, None)
        if values:
            query = sa.select(source.c.id, source.c[f.key]).where(source.c[f.key].in_(list(values)), *readable(work, target.key, source))
            for record_id, value in work.session.execute(query):
                for text in values[value]:
                    found.setdefault(text, set()).add(record_id)
    numbers = {t: {int(match[1])} for t in wanted - found.keys() if (match := NUMBER.fullmatch(t))}
    return {**numbers, **found}


def parsed(field: Field, text: str) -> Any:
    """A cell's value to look for; None when it is none."""
    value = FIELD_TYPES[field.type].parse(field, text, Reading(titles=True))
    return None if isinstance(value, Problem | list) else value
