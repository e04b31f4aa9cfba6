"""What a file's columns most likely are: fields by name, date formats by their samples, the key by what is unique."""

import difflib
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from server.features.objects.kind import Field, ObjectType
from server.features.records.mapping import folded, guess

# How people and programs write days, besides 2024-01-05; the one that most samples keep to is taken.
DATE_FORMATS = ("%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
TIME_FORMATS = tuple(f"{day} {clock}" for day in ("%Y/%m/%d", "%Y-%m-%d", "%Y.%m.%d", "%Y年%m月%d日") for clock in ("%H:%M:%S", "%H:%M"))
ALIKE = 0.82  # of 1: names that differ by a letter or two
PLAIN = {"date": ("%Y-%m-%d",), "datetime": ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")}


def formats_of(field: Field) -> tuple[str, ...]:
    return DATE_FORMATS if field.type == "date" else TIME_FORMATS if field.type == "datetime" else ()


def mapping_of(
    object_type: ObjectType, choices: Sequence[Field], header: Sequence[str], samples: Mapping[str, Sequence[str]], remembered: Mapping[str, Any]
) -> dict[str, Any]:
    """Column -> what `plan` takes. What was chosen last time for the same columns comes first; a column nothing is known of is left out."""
    known = {f.key: f for f in choices}
    found: dict[str, Any] = {}
    used: set[str] = set()
    taken = {key for name in header if (key := guess(choices, name))}
    for name in header:
        before = remembered.get(name)
        said = before if isinstance(before, Mapping) and before.get("field") in known else None
        key = said["field"] if said else "" if before == "" else _nearest(choices, name, taken, object_type)
        if not key or key in used:
            found[name] = ""
            continue
        used.add(key)
        found[name] = dict(said) if said else _with_format(known[key], samples.get(name, ()))
    return found


def _nearest(choices: Sequence[Field], name: str, taken: Set[str], object_type: ObjectType) -> str:
    """The field of that name; else the one free field that says the same with more or fewer words ("名称" is "客户名称", "国家" is "国家或地区")."""
    exact = guess(choices, name)
    if exact is not None:
        return exact
    wanted = folded(name)
    free = [f for f in choices if f.key not in taken]
    if len(wanted) < 2:
        return ""
    whole = {folded(object_type.title.zh) + wanted, folded(object_type.title.en) + wanted}
    tests: tuple[Callable[[str], bool], ...] = (
        lambda t: t in whole,
        lambda t: len(t) > 1 and (t.startswith(wanted) or wanted.startswith(t)),
        lambda t: difflib.SequenceMatcher(None, t, wanted).ratio() >= ALIKE,
    )
    for fits in tests:
        found = [f.key for f in free if any(fits(folded(t)) for t in (f.key, *f.title))]
        if len(found) == 1:
            return found[0]
    return ""


def _with_format(field: Field, samples: Sequence[str]) -> dict[str, str]:
    """The way of writing that most samples keep to; a few may be wrong, that is what the trial is for."""
    filled = [s.strip() for s in samples if s.strip()]
    if filled and formats_of(field) and max(_written(filled, f) for f in PLAIN[field.type]) * 2 <= len(filled):
        best = max(formats_of(field), key=lambda f: _written(filled, f))
        if _written(filled, best) * 2 > len(filled):
            return {"field": field.key, "format": best}
    return {"field": field.key}


def _written(samples: Sequence[str], pattern: str) -> int:
    """How many of the samples are written so."""
    count = 0
    for text in samples:
        try:
            datetime.strptime(text, pattern)  # noqa: DTZ007  only its shape is asked for
        except ValueError:
            continue
        count += 1
    return count


def key_of(keys: Sequence[Field], mapping: Mapping[str, Any]) -> str:
    """The unique field that a column goes to; a number given at creation before a name."""
    mapped = {m["field"] for m in mapping.values() if isinstance(m, Mapping)}
    unique = [f for f in keys if f.unique and f.key in mapped]
    return next((f.key for f in sorted(unique, key=lambda f: not f.pattern)), "")
