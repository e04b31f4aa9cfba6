"""Finds what is wrong with an object beyond its shape: names that are not there, formulas of the wrong type, circles, what does not fit a type."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from server.config.catalog import Catalog
from server.config.findings import formula, twice, unknown, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.expressions.parse import parse
from server.expressions.types import BOOLEAN, Scope
from server.features.objects import derived, results
from server.features.objects.contract_check import check_contract
from server.features.objects.engine import change_scope, is_stored, live_fields, names_read, scope
from server.features.objects.kind import SYSTEM_FIELDS, Check, Field, ObjectType
from server.features.objects.subforms import check_subforms
from server.fields.base import JSON
from server.fields.rating import MOST
from server.fields.region import ways
from server.fields.registry import FIELD_TYPES
from server.fields.serial import pattern_problem

RESERVED_FIELDS = (*SYSTEM_FIELDS, "subject", "current_user", "record_id", "previous")  # names that formulas and results use for something else
RESERVED_OBJECTS = ("alert", "task", "population")  # what metrics count, and the table of the population's scalars
TEXTS = {"text", "long_text", "rich_text", "serial", "email", "phone", "link"}
NUMBERS = {"integer", "number", "decimal", "percent", "rating", "duration"}
CHOICES = {"choice", "multi_choice", "region"}
FILES = {"file", "image"}
# A published field may become one of these and keep its values; any other change needs a new field.
KEEPS_VALUES: Mapping[str, frozenset[str]] = {
    "text": frozenset({"long_text", "serial"}),
    "serial": frozenset({"text", "long_text"}),
    "decimal": frozenset({"percent"}),
    "percent": frozenset({"decimal"}),
    "integer": frozenset({"rating"}),
    "rating": frozenset({"integer"}),
    "email": frozenset({"text", "long_text"}),
    "phone": frozenset({"text", "long_text"}),
    "link": frozenset({"text", "long_text"}),
    "choice": frozenset({"text", "long_text"}),
    "image": frozenset({"file"}),
}


def check(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    names, changing, live = scope(catalog, it.key), change_scope(catalog, it.key), live_fields(it)
    yield from _identity(it, catalog)
    for field in it.fields.values():
        yield from _field(field, it, catalog, names, changing, live)
    yield from _checks("/checks", it.checks, it, changing)
    yield from _required(it, catalog)
    yield from _layout(it, catalog)
    yield from _keys(it, live)
    yield from _duplicates(it)
    yield from formula("/assess/when", it.assessed_when, names, BOOLEAN)
    yield from circles(it)
    yield from circles_between(it, catalog)
    yield from check_subforms(it, catalog)
    yield from check_contract(it, catalog)


def check_change(old: ObjectType, new: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    """Values that are stored keep their type: a change of it is a new field."""
    for key, field in new.fields.items():
        before = old.fields.get(key)
        if before is None or not (is_stored(before, old) and is_stored(field, new)) or not _loses_values(before, field):
            continue
        place = "x-type" if before.type != field.type else "x-decimals" if before.decimals != field.decimals else "x-reference"
        was, will = (str(getattr(f, place.removeprefix("x-"))) for f in (before, field))
        yield wrong(
            _at(key, place),
            f"字段 “{key}” 已发布为 {was}，不能改为 {will}：已有的值会丢失",
            f"The field “{key}” is published as {was} and cannot become {will}: values would be lost",
            "type_change",
            Text(
                "改回原样，另建一个新键的字段；旧字段可以删除，其数据会保留",
                "Keep it and add a field with a new key; the old one may be removed, its data are kept aside",
            ),
        )


def _loses_values(before: Field, after: Field) -> bool:
    if before.type != after.type and after.type not in KEEPS_VALUES.get(before.type, frozenset()):
        return True
    return (after.type in {"decimal", "percent"} and before.decimals != after.decimals) or before.reference != after.reference


def _at(key: str, *member: object) -> str:
    return pointer("schema", "properties", key, *member)


# -- The object ----------------------------------------------------------------------------------------------------------------


def _identity(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    base = it.key.removesuffix("_history")
    if it.key in RESERVED_OBJECTS or (base != it.key and catalog.get("object", base)):
        yield wrong("/key", f"“{it.key}” 是系统使用的名称", f"“{it.key}” is a name the system uses", "reserved", Text("换一个键", "Choose another key"))


def _required(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    document = catalog.document("object", it.key)
    listed = document.body["schema"].get("required", []) if document else []
    for i, key in enumerate(listed):
        if key not in it.fields:
            yield unknown(pointer("schema", "required", i), "field", key, it.fields)
        elif it.fields[key].computed or it.fields[key].derived:
            yield wrong(pointer("schema", "required", i), f"“{key}” 由公式算出，不能必填", f"“{key}” is computed and cannot be required", "required_computed")
        elif it.fields[key].readonly and it.fields[key].default is None and not it.fields[key].default_expression:
            yield wrong(
                pointer("schema", "required", i),
                f"“{key}” 不能由人填写，又没有默认值，不能必填",
                f"“{key}” is not filled in by people and has no default; it cannot be required",
                "required_readonly",
            )


def _layout(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    document = catalog.document("object", it.key)
    body = document.body if document else {}
    yield from twice((pointer("sections", i, "key"), s.key) for i, s in enumerate(it.sections))
    known = [*it.fields, *SYSTEM_FIELDS]
    if it.name_field not in it.fields:
        yield unknown("/name_field", "field", it.name_field, it.fields)
    elif it.fields[it.name_field].type in {"multi_choice", "region", "yes_no", "reference", "rich_text"} | FILES:
        yield wrong(
            "/name_field",
            f"“{it.name_field}” 不能作为名称",
            f"“{it.name_field}” cannot name a record",
            "name_type",
            Text("选一个文本字段", "Choose a text field"),
        )
    columns = {*known, *(results.outputs(catalog, it.key) if it.assessed else ())}
    for i, key in enumerate(body.get("list", {}).get("columns", ())):
        if key not in columns:
            yield unknown(pointer("list", "columns", i), "field", key, sorted(columns))
    if it.list_sort.removeprefix("-") not in columns:
        yield unknown("/list/sort", "field", it.list_sort.removeprefix("-"), sorted(columns))
    for i, key in enumerate(it.search_fields):
        if key not in it.fields:
            yield unknown(pointer("list", "search", i), "field", key, it.fields)
        elif it.fields[key].type not in TEXTS | {"reference"}:  # a reference is searched by its record's name
            yield wrong(pointer("list", "search", i), f"“{key}” 不是文本，不能搜索", f"“{key}” is not a text and cannot be searched", "search_type")
    if it.owner_field and it.owner_field not in it.fields:
        yield unknown("/owner_field", "field", it.owner_field, [f.key for f in it.fields.values() if f.type == "user"])
    elif it.owner_field and it.fields[it.owner_field].type != "user":
        yield wrong("/owner_field", f"“{it.owner_field}” 不是人员字段", f"“{it.owner_field}” is not a field of type user", "owner_type")
    yield from _timeline(it)


def _timeline(it: ObjectType) -> Iterator[Problem]:
    if it.timeline is None:
        return
    for member, key, types in (("at", it.timeline.at, {"date", "datetime"}), ("text", it.timeline.text, TEXTS | {"choice"})):
        if key not in it.fields:
            yield unknown(pointer("timeline", member), "field", key, [f.key for f in it.fields.values() if f.type in types])
        elif it.fields[key].type not in types or it.fields[key].computed:
            yield wrong(pointer("timeline", member), f"“{key}” 不能用在动态里", f"“{key}” cannot stand in a timeline", "timeline_type")


def _duplicates(it: ObjectType) -> Iterator[Problem]:
    for i, rule in enumerate(it.duplicates):
        path = pointer("duplicates", i, "field")
        if rule.field not in it.fields:
            yield unknown(path, "field", rule.field, it.fields)
        elif it.fields[rule.field].type not in TEXTS - {"long_text"} or it.fields[rule.field].computed:
            yield wrong(path, f"“{rule.field}” 不是填写的单行文本，不能用来查重", f"“{rule.field}” is not a text that is filled in", "duplicate_type")


def _keys(it: ObjectType, live: frozenset[str]) -> Iterator[Problem]:
    for i, columns in enumerate(it.keys):
        for j, key in enumerate(columns):
            if key not in it.fields:
                yield unknown(pointer("keys", i, j), "field", key, it.fields)
            elif key in live or it.fields[key].type in {"multi_choice", "region", "long_text", "rich_text"} | FILES:
                yield wrong(pointer("keys", i, j), f"“{key}” 不能用于唯一键", f"“{key}” cannot be part of a unique key", "key_type")


# -- One field -----------------------------------------------------------------------------------------------------------------


def _field(field: Field, it: ObjectType, catalog: Catalog, names: Scope, changing: Scope, live: frozenset[str]) -> Iterator[Problem]:
    if field.key in RESERVED_FIELDS:
        yield wrong(
            _at(field.key),
            f"“{field.key}” 是系统字段的名称",
            f"“{field.key}” is the name of a system field",
            "reserved",
            Text("换一个键", "Choose another key"),
        )
    if field.section and field.section not in {s.key for s in it.sections}:
        yield unknown(_at(field.key, "x-section"), "section", field.section, [s.key for s in it.sections])
    if field.derived:
        child = field.rollup.object if field.rollup is not None else ""
        yield from derived.problems(field, it, catalog, scope(catalog, child) if child and catalog.get("object", child) else None)
        yield from formula(_at(field.key, "x-visible"), field.visible, names, BOOLEAN)
        yield from _checks(_at(field.key, "x-checks"), field.checks, it, changing)
        return
    yield from _fitting(field)
    yield from _options(field)
    if field.type == "reference":
        if not field.reference:
            yield wrong(_at(field.key, "x-reference"), "没有说明关联哪个对象", "Which object it refers to is not said", "required")
        elif catalog.get("object", field.reference) is None:
            yield unknown(_at(field.key, "x-reference"), "object", field.reference, catalog.parsed.get("object", {}), catalog)
    yield from formula(_at(field.key, "x-visible"), field.visible, names, BOOLEAN)
    yield from formula(_at(field.key, "x-required"), field.required_if, changing, BOOLEAN)
    kind = FIELD_TYPES[field.type].expression_type(field)
    yield from formula(_at(field.key, "x-computed"), field.computed, names, kind)
    yield from formula(_at(field.key, "x-default"), field.default_expression, names, kind)
    yield from _entered(field, live)
    yield from _default(field)
    yield from _checks(_at(field.key, "x-checks"), field.checks, it, changing)


# Which members mean something for which types: (member, what it is when set, types, says)
_ONLY: tuple[tuple[str, Callable[[Field], bool], set[str]], ...] = (
    ("x-options", lambda f: bool(f.options), CHOICES),
    ("x-reference", lambda f: bool(f.reference), {"reference"}),
    ("x-part", lambda f: f.part, {"reference"}),
    ("x-decimals", lambda f: bool(f.decimals), {"decimal", "number", "percent"}),
    ("minimum", lambda f: f.minimum is not None, NUMBERS),
    ("maximum", lambda f: f.maximum is not None, NUMBERS),
    ("minLength", lambda f: f.min_length is not None, TEXTS),
    ("maxLength", lambda f: f.max_length is not None, TEXTS),
    ("x-pattern", lambda f: bool(f.pattern), {"serial"}),
    ("x-duration-unit", lambda f: f.duration_unit != "minutes", {"duration"}),
    ("x-from", lambda f: bool(f.source), set()),
    ("x-rollup", lambda f: f.rollup is not None, set()),
    ("x-unit", lambda f: bool(f.unit), set(FIELD_TYPES) - {"percent", "duration"}),
    ("x-mask", lambda f: bool(f.mask), (TEXTS - {"rich_text"}) | {"user"}),
    ("x-unique", lambda f: f.unique, set(FIELD_TYPES) - {"long_text", "rich_text", "multi_choice", "region", "yes_no"} - FILES),
    ("x-indexed", lambda f: f.indexed, set(FIELD_TYPES) - FILES),
    ("x-max-files", lambda f: f.max_files > 1, FILES),
    ("x-computed", lambda f: bool(f.computed), set(FIELD_TYPES) - FILES),
    ("default", lambda f: f.default is not None, set(FIELD_TYPES) - FILES),
    ("x-default", lambda f: bool(f.default_expression), set(FIELD_TYPES) - FILES),
)


def _fitting(field: Field) -> Iterator[Problem]:
    for member, is_set, types in _ONLY:
        if is_set(field) and field.type not in types:
            hint = Text("用于：" + "、".join(sorted(types)), "It is for: " + ", ".join(sorted(types))) if len(types) < 9 else None
            yield wrong(_at(field.key, member), f"{member} 对 {field.type} 没有意义", f"{member} means nothing for {field.type}", "not_for_type", hint)
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield wrong(_at(field.key, "minimum"), "最小值大于最大值", "The minimum is more than the maximum", "range")
    if field.min_length is not None and field.max_length is not None and field.min_length > field.max_length:
        yield wrong(_at(field.key, "minLength"), "最短大于最长", "The shortest is longer than the longest", "range")
    if field.type == "serial" and not field.derived:
        why = pattern_problem(field.pattern)
        if why is not None:
            yield wrong(_at(field.key, "x-pattern"), *why, "pattern", Text("例如 HT{year}-{seq:4}", "For example HT{year}-{seq:4}"))
    if field.type == "rating" and not field.derived and field.maximum is not None and field.maximum not in range(2, MOST + 1):
        yield wrong(_at(field.key, "maximum"), f"星级最多 {MOST} 颗，至少 2 颗", f"A rating has 2 to {MOST} stars", "range")


def _options(field: Field) -> Iterator[Problem]:
    yield from twice((_at(field.key, "x-options", i, "key"), o.key) for i, o in enumerate(field.options))
    if field.type in CHOICES and not field.options:
        yield wrong(_at(field.key, "x-options"), "没有选项", "There are no options", "required")
    known = {o.key: o.parent for o in field.options}
    for i, option in enumerate(field.options):
        place = _at(field.key, "x-options", i, "parent")
        if option.parent and field.type != "region":
            yield wrong(place, f"parent 对 {field.type} 没有意义", f"parent means nothing for {field.type}", "not_for_type")
        elif option.parent and option.parent not in known:
            yield unknown(place, "field", option.parent, known)
        elif option.parent and ways(field)[option.key][0] not in {k for k, parent in known.items() if not parent}:
            yield wrong(place, "上级成了一个圈，或超过 8 层", "The parents go in a circle, or deeper than 8 levels", "cycle")


def _entered(field: Field, live: frozenset[str]) -> Iterator[Problem]:
    """What a computed field cannot be, since nobody enters it."""
    if not field.computed:
        if field.default is not None and field.default_expression:
            yield wrong(_at(field.key, "x-default"), "默认值和默认公式只能有一个", "There can be one default, a value or a formula", "two_defaults")
        return
    for member, is_set in (
        ("default", field.default is not None),
        ("x-default", bool(field.default_expression)),
        ("x-required", bool(field.required_if)),
        ("x-pattern", bool(field.pattern)),
    ):
        if is_set:
            yield wrong(_at(field.key, member), f"由公式算出的字段不能有 {member}", f"A computed field cannot have {member}", "computed")
    if field.key in live:
        for member, is_set in (("x-unique", field.unique), ("x-indexed", field.indexed)):
            if is_set:
                yield wrong(
                    _at(field.key, member),
                    f"公式取决于时间或其他记录，不存储，不能有 {member}",
                    f"The formula depends on time or on other records, so it is not stored and cannot have {member}",
                    "computed_live",
                )


def _default(field: Field) -> Iterator[Problem]:
    if field.default is None:
        return
    value = FIELD_TYPES[field.type].parse(field, field.default, JSON)
    if isinstance(value, Problem):
        yield Problem(_at(field.key, "default"), value.message, value.hint, code=value.code or "default")


def _checks(path: str, checks: Iterable[Check], it: ObjectType, names: Scope) -> Iterator[Problem]:
    for i, rule in enumerate(checks):
        yield from formula(f"{path}/{i}/when", rule.when, names, BOOLEAN)
        if not rule.when.strip():
            yield wrong(f"{path}/{i}/when", "缺少条件", "The condition is missing", "required")
        if rule.field and rule.field not in it.fields:
            yield unknown(f"{path}/{i}/field", "field", rule.field, it.fields)


# -- Circles -------------------------------------------------------------------------------------------------------------------


def circles(it: ObjectType) -> Iterator[Problem]:
    """A field must not depend on itself by way of formulas, defaults and visibility."""
    reads = {f.key: frozenset().union(*(names_read(source)[0] for _, source in _sources(f))) & it.fields.keys() for f in it.fields.values()}
    reported: set[str] = set()
    for key in reads:
        circle = _circle(key, reads.__getitem__)
        if circle and not reported & set(circle):
            reported |= set(circle)
            way = " → ".join([*circle, key])
            member = next(m for m, source in _sources(it.fields[key]) if names_read(source)[0] & set(circle))
            yield wrong(_at(key, member), f"字段互相依赖，成了一个圈：{way}", f"The fields depend on one another in a circle: {way}", "cycle")


def _sources(field: Field) -> list[tuple[str, str]]:
    return [(m, s) for m, s in (("x-computed", field.computed), ("x-default", field.default_expression), ("x-visible", field.visible)) if s]


def _circle(start: str, reads: Callable[[str], Iterable[str]]) -> list[str]:
    """The shortest way from `start` back to it, or nothing."""
    ways, seen = [[start]], set[str]()
    while ways:
        way = ways.pop(0)
        for key in sorted(reads(way[-1])):
            if key == start:
                return way
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return []


def circles_between(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    """Computed fields that read one another across references never come to an end."""
    if any(circles(it)):
        return
    reads = cache(lambda name: frozenset(_computed_reads(name, catalog)))
    for field in it.fields.values():
        start = f"{it.key}.{field.key}"
        circle = _circle(start, reads) if field.computed or field.rollup is not None else []
        if circle:
            way = " → ".join([*circle, start])
            member = {"lookup": "x-from", "rollup": "x-rollup"}.get(field.derived, "x-computed")
            yield wrong(_at(field.key, member), f"公式跨记录成了一个圈：{way}", f"The formula comes back to itself by way of other records: {way}", "cycle")


def _computed_reads(name: str, catalog: Catalog) -> Iterator[str]:
    """The computed fields, as object.field, that the formula of object.field reads. A roll-up reads its field and filter."""
    object_key, _, key = name.partition(".")
    object_type: ObjectType = catalog.get("object", object_key)
    rollup = object_type.fields[key].rollup
    if rollup is not None:
        object_type = catalog.get("object", rollup.object) or object_type
        texts = (rollup.field, rollup.filter)
    else:
        texts = (object_type.fields[key].computed, "")
    for head, rest in {pair for text in texts if text for pair in _dotted_names(text)}:
        field = object_type.fields.get(head)
        target: ObjectType | None = catalog.get("object", field.reference) if rest and field else object_type
        inner = target.fields.get(rest or head) if target else None
        if target and inner and (inner.computed or inner.rollup is not None):
            yield f"{target.key}.{inner.key}"


def _dotted_names(source: str) -> set[tuple[str, str]]:
    """(name, "") and (reference, field) pairs that a formula reads."""
    tree, _, _ = parse(source)
    if tree is None:
        return set()
    nodes = list(ast.walk(tree))
    pairs = {(n.value.id, n.attr) for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    return pairs | {(n.id, "") for n in nodes if isinstance(n, ast.Name)}
