"""Fields that take their value from other records, and with it their type: lookup (the other record's present value), snapshot (a copy made at
save) and roll-up (a count or a sum over the records that refer here). Resolved once all objects are read, so that everything else sees a field of
an ordinary type."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from server.config.catalog import Catalog
from server.config.findings import formula, unknown, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, Scope
from server.features.objects.kind import DERIVED, Field, ObjectType, Rollup

Types = Mapping[str, ObjectType]
# What each aggregate makes of the type of the field it runs over; a type that is not here cannot be aggregated so.
NUMBERS = ("integer", "number", "decimal", "percent", "duration", "rating")
ORDERED = (*NUMBERS, "date", "datetime")
MAKES: Mapping[str, Mapping[str, str]] = {
    "sum": {t: "integer" if t == "rating" else t for t in NUMBERS},
    "avg": {t: "number" if t in {"integer", "rating"} else t for t in NUMBERS},
    "min": {t: t for t in ORDERED},
    "max": {t: t for t in ORDERED},
}
BOUND = frozenset({"reference", "file", "image"})  # what belongs to its own record, rights and all
# Members that mean something for a derived field besides those that say where its value comes from.
COMMON = frozenset({"x-type", "x-title", "x-help", "x-section", "x-visible", "x-mask", "x-checks"})
MEMBERS: Mapping[str, frozenset[str]] = {
    "lookup": COMMON | {"x-from"},
    "snapshot": COMMON | {"x-from", "x-indexed"},
    "rollup": (COMMON - {"x-mask"}) | {"x-rollup", "x-unit", "x-decimals"},
}


def resolve(types: Types) -> Types:
    """All objects with the types of their derived fields. A field whose source is not there stays what it is: the check says why."""
    if not any(f.derived for t in types.values() for f in t.fields.values()):
        return types
    return {
        key: replace(t, fields={k: shaped(types, t, f) for k, f in t.fields.items()}) if any(f.derived for f in t.fields.values()) else t
        for key, t in types.items()
    }


def shaped(types: Types, it: ObjectType, field: Field, seen: frozenset[tuple[str, str]] = frozenset()) -> Field:
    if not field.derived or (it.key, field.key) in seen:
        return field
    origin = origin_of(types, it, field)
    if field.rollup is not None and field.rollup.aggregate == "count":
        return replace(field, type="integer", unit=field.unit or "count", rollup=joined(types, it, field.rollup))
    if origin is None:
        return field
    inner = shaped(types, *origin, seen | {(it.key, field.key)})
    if field.rollup is not None:
        return _rolled(field, joined(types, it, field.rollup), inner)
    if inner.type in BOUND | DERIVED:
        return field
    return replace(
        field,
        type=inner.type,
        options=inner.options,
        decimals=inner.decimals,
        unit=inner.unit,
        duration_unit=inner.duration_unit,
        maximum=inner.maximum if inner.type == "rating" else None,
        max_length=inner.max_length,
        mask=field.mask or inner.mask,
        computed=field.source if field.derived == "lookup" else "",
    )


def origin_of(types: Types, it: ObjectType, field: Field) -> tuple[ObjectType, Field] | None:
    """The object and the field that the value comes from."""
    if field.rollup is not None:
        target, key = types.get(field.rollup.object), field.rollup.field
    else:
        head, _, key = field.source.partition(".")
        reference = it.fields.get(head)
        target = types.get(reference.reference) if reference is not None and reference.type == "reference" else None
    found = target.fields.get(key) if target is not None else None
    return None if target is None or found is None else (target, found)


def _turns(types: Types, it: ObjectType, field: Field) -> bool:
    """Whether the way to the value comes back to where it began."""
    start, at, seen = (it.key, field.key), origin_of(types, it, field), set[tuple[str, str]]()
    while at is not None and (at[0].key, at[1].key) not in seen:
        if (at[0].key, at[1].key) == start:
            return True
        seen.add((at[0].key, at[1].key))
        at = origin_of(types, *at) if at[1].derived else None
    return False


def joined(types: Types, it: ObjectType, rollup: Rollup) -> Rollup:
    """With the reference that was not said because there is one alone."""
    ways = joins(types, it, rollup.object)
    return replace(rollup, by=ways[0]) if not rollup.by and len(ways) == 1 else rollup


def joins(types: Types, it: ObjectType, object_key: str) -> list[str]:
    child = types.get(object_key)
    return [f.key for f in child.fields.values() if f.type == "reference" and f.reference == it.key and not f.derived] if child else []


def _rolled(field: Field, rollup: Rollup, inner: Field) -> Field:
    made = MAKES.get(rollup.aggregate, {}).get(inner.type)
    if made is None:
        return field
    decimals = inner.decimals if made in {"decimal", "percent"} else field.decimals
    unit = field.unit or ("" if made in {"date", "datetime"} else inner.unit)
    return replace(field, type=made, decimals=decimals, unit=unit, duration_unit=inner.duration_unit, maximum=None, rollup=rollup)


# -- What may be wrong -----------------------------------------------------------------------------------------------------------


def problems(field: Field, it: ObjectType, catalog: Catalog, child_scope: Scope | None) -> Iterator[Problem]:
    """`child_scope`: the names of a record of the object that a roll-up runs over."""
    document = catalog.document("object", it.key)
    body = document.body["schema"]["properties"][field.key] if document else {}
    for member in body:
        if member not in MEMBERS[field.derived]:
            yield wrong(_at(field, member), f"{member} 对 {field.derived} 没有意义", f"{member} means nothing for {field.derived}", "not_for_type")
    types: Types = catalog.parsed.get("object", {})
    yield from (_rollup_problems(field, it, types, catalog, child_scope) if field.rollup is not None else _source_problems(field, it, types, catalog))


def _source_problems(field: Field, it: ObjectType, types: Types, catalog: Catalog) -> Iterator[Problem]:
    place = _at(field, "x-from")
    head, dot, key = field.source.partition(".")
    references = [f.key for f in it.fields.values() if f.type == "reference" and not f.derived]
    if not dot or not key:
        example = f"{references[0] if references else 'customer'}.name"
        yield wrong(
            place,
            "没有说明取哪条记录的哪个字段",
            "Which field of which record it shows is not said",
            "required",
            Text(f"写作 引用字段.字段，例如 {example}", f"Write reference.field, such as {example}"),
        )
        return
    if head not in references:
        yield unknown(place, "field", head, references)
        return
    target = types.get(it.fields[head].reference)
    if target is None:
        return  # the reference's own problem
    inner = target.fields.get(key)
    if inner is None:
        yield unknown(place, "field", key, target.fields)
    elif inner.type in BOUND:
        more = Text(f"在“{target.title.zh}”上加一个取其名称的字段，再取那个字段", f"Give {target.title.en} a field of that record's name, and take that")
        yield wrong(
            place,
            f"“{key}” 是{'引用' if inner.type == 'reference' else '附件'}，不能直接取",
            f"“{key}” is a {'reference itself' if inner.type == 'reference' else 'file'} and cannot be shown from here",
            "reference_type",
            more if inner.type == "reference" else None,
        )
    elif _turns(types, it, field):
        yield wrong(place, f"字段互相取值，成了一个圈：{field.source}", f"The fields take their values from one another in a circle: {field.source}", "cycle")


def _rollup_problems(field: Field, it: ObjectType, types: Types, catalog: Catalog, child_scope: Scope | None) -> Iterator[Problem]:
    rollup, place = field.rollup, _at(field, "x-rollup")
    assert rollup is not None
    child = types.get(rollup.object)
    if not rollup.object:
        yield wrong(place, "没有说明汇总哪个对象", "Which object it counts is not said", "required")
        return
    if child is None:
        yield unknown(place + pointer("object"), "object", rollup.object, types, catalog)
        return
    ways = joins(types, it, child.key)
    if not ways:
        yield wrong(
            place + pointer("object"), f"“{child.title.zh}”没有引用“{it.title.zh}”的字段", f"{child.title.en} has no reference to {it.title.en}", "no_reference"
        )
    elif rollup.by not in ways:
        if rollup.by:
            yield unknown(place + pointer("by"), "field", rollup.by, ways)
        else:
            listed = ", ".join(ways)
            yield wrong(place + pointer("by"), f"有几个引用字段，请选一个：{listed}", f"There are several references; choose one: {listed}", "required")
    if rollup.aggregate != "count":
        inner = child.fields.get(rollup.field)
        if not rollup.field:
            yield wrong(place + pointer("field"), "没有说明汇总哪个字段", "Which field it adds up is not said", "required")
        elif inner is None:
            yield unknown(place + pointer("field"), "field", rollup.field, child.fields)
        elif inner.type not in MAKES.get(rollup.aggregate, {}) and not _turns(types, it, field):
            wanted = ", ".join(MAKES.get(rollup.aggregate, {}))
            yield wrong(
                place + pointer("field"),
                f"“{rollup.field}” 的类型 {inner.type} 不能这样汇总",
                f"“{rollup.field}” is of type {inner.type} and cannot be rolled up so",
                "aggregate_type",
                Text(f"可用类型：{wanted}", f"Types that can be: {wanted}"),
            )
    elif rollup.field and rollup.field not in child.fields:
        yield unknown(place + pointer("field"), "field", rollup.field, child.fields)
    if child_scope is not None:
        yield from formula(place + pointer("filter"), rollup.filter, child_scope, BOOLEAN)


def _at(field: Field, member: str) -> str:
    return pointer("schema", "properties", field.key, member)
