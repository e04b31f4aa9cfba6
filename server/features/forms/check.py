"""Finds what is wrong with a form: names that are not there, what can never be saved, what a public form must not show."""

import ast
from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.findings import expected, twice, unknown, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.expressions.tree import tree_of
from server.features.forms.kind import FormType, Item
from server.features.objects.kind import Field, ObjectType
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES

# What a visitor can fill in without learning names of people or reaching files.
PUBLIC_TYPES = frozenset(
    {"text", "long_text", "integer", "number", "decimal", "percent", "duration", "date", "datetime"}
    | {"yes_no", "choice", "multi_choice", "reference", "email", "phone", "link", "rating"}
)


def check(it: FormType, catalog: Catalog) -> Iterator[Problem]:
    object_type: ObjectType | None = catalog.get("object", it.object)
    for i, role in enumerate(it.roles):
        yield from expected(pointer("roles", i), "role", role, catalog)
    yield from twice((pointer("sections", i, "key"), g.key) for i, g in enumerate(it.groups))
    if object_type is None:
        yield unknown("/object", "object", it.object, catalog.parsed.get("object", {}), catalog)
        return
    places = [(pointer("sections", i, "fields", j), item) for i, g in enumerate(it.groups) for j, item in enumerate(g.items)]
    yield from twice((f"{path}/field", item.field) for path, item in places)
    for path, item in places:
        if item.field not in object_type.fields:
            yield unknown(f"{path}/field", "field", item.field, object_type.fields)
            continue
        field = object_type.fields[item.field]
        if item.required and (field.computed or field.readonly):
            yield wrong(
                f"{path}/required", f"“{item.field}” 不由人填写，不能必填", f"“{item.field}” is not filled in by people; it cannot be required", "required"
            )
        if item.offer and field.type != "reference":
            yield wrong(f"{path}/offer", f"“{item.field}” 不是关联", f"“{item.field}” is not a reference", "not_for_type")
        if it.public is not None:
            yield from _public(path, item, field)
    known = [sub.object for sub in object_type.subforms]
    for i, key in enumerate(it.rows):
        if key not in known:
            yield unknown(pointer("subforms", i), "object", key, known, catalog)
        elif it.public is not None:
            yield wrong(pointer("subforms", i), "公开表单不能有子表", "A public form cannot have rows of another object", "public_rows")
    yield from _preset(it, object_type)
    yield from _left_out(it, object_type)


def _preset(it: FormType, object_type: ObjectType) -> Iterator[Problem]:
    for key, value in it.preset.items():
        path = pointer("preset", key)
        if key not in object_type.fields:
            yield unknown(path, "field", key, object_type.fields)
            continue
        field = object_type.fields[key]
        if field.computed or field.readonly:
            yield wrong(path, f"“{key}” 不由人填写，不能预先填好", f"“{key}” is not filled in by people and cannot be filled in beforehand", "preset")
            continue
        parsed = FIELD_TYPES[field.type].parse(field, value, JSON)
        if isinstance(parsed, Problem):
            yield Problem(path, parsed.message, parsed.hint, code=parsed.code or "preset")


def _left_out(it: FormType, object_type: ObjectType) -> Iterator[Problem]:
    """A form for creating that leaves out a required field could never be saved. A public link may bring the value of a reference along."""
    if it.use == "edit":
        return
    for field in object_type.fields.values():
        given = field.key in it.fields or field.key in it.preset or field.default is not None or field.default_expression or field.pattern
        if not field.required or given or field.computed or field.readonly:
            continue
        if it.public is not None and field.type == "reference":
            continue
        yield wrong(
            "/sections",
            f"必填字段“{field.title.zh}”({field.key}) 不在表单里，也没有默认值或预填值，这样的表单存不了",
            f"The required field “{field.title.en}” ({field.key}) is not in the form and has no default or preset value; such a form can never be saved",
            "left_out",
            Text("把它加入一个分组，或写进预先填好的值", "Add it to a section, or give it a preset value"),
        )


def _public(path: str, item: Item, field: Field) -> Iterator[Problem]:
    if field.type not in PUBLIC_TYPES:
        yield wrong(
            f"{path}/field", f"公开表单不能有“{field.key}”：{field.type} 类型", f"A public form cannot have “{field.key}”: it is a {field.type}", "public_type"
        )
    elif field.type == "reference" and not item.offer:
        yield wrong(
            f"{path}/field",
            f"“{field.key}” 关联其他记录，访客不能查看",
            f"“{field.key}” refers to other records, which visitors may not see",
            "public_reference",
            Text("去掉它，在链接里指定；或者打开“公开时可选择记录”", "Leave it out and let the link name the record, or turn on “Offered in public”"),
        )
    if field.derived:
        yield wrong(
            f"{path}/field",
            f"“{field.key}” 取自其他记录，公开表单会泄露",
            f"“{field.key}” comes from other records, which a public form would give away",
            "public_reads",
        )
    sources = [("x-computed", field.computed), ("x-visible", field.visible), ("x-required", field.required_if), ("x-default", field.default_expression)]
    for member, source in sources:
        if source and _reads_others(source):
            yield wrong(
                f"{path}/field",
                f"“{field.key}” 的 {member} 读取其他记录，公开表单会泄露",
                f"{member} of “{field.key}” reads another record, which a public form would give away",
                "public_reads",
            )


def _reads_others(source: str) -> bool:
    """Broken text is for the object's own check to report."""
    try:
        return any(isinstance(n, ast.Attribute) for n in ast.walk(tree_of(source.strip())))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
