"""Rows inside a form: what their columns are, and what is wrong with how a document describes them."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.findings import expected, twice, unknown, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.features.objects.engine import live_fields
from server.features.objects.kind import ObjectType, Subform

SUMMED = frozenset({"integer", "number", "decimal"})


def subform_of(object_type: ObjectType, key: str) -> Subform | None:
    return next((s for s in object_type.subforms if s.object == key), None)


def title_of_rows(subform: Subform, child: ObjectType) -> Text:
    return subform.title or child.plural


def parents_of(catalog: Catalog, object_key: str) -> list[tuple[ObjectType, Subform]]:
    """The objects in whose forms records of this one are rows."""
    memo = ("objects.parents", object_key)
    if memo not in catalog.memo:
        found = [(t, s) for t in catalog.all("object") for s in t.subforms if s.object == object_key and catalog.get("object", object_key)]
        catalog.memo[memo] = found
    parents: list[tuple[ObjectType, Subform]] = catalog.memo[memo]
    return parents


def check_subforms(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    yield from twice((pointer("subforms", i, "object"), s.object) for i, s in enumerate(it.subforms))
    for i, subform in enumerate(it.subforms):
        child: ObjectType | None = catalog.get("object", subform.object)
        if child is None:
            yield from expected(pointer("subforms", i, "object"), "object", subform.object, catalog)
        elif child.key == it.key:
            yield wrong(pointer("subforms", i, "object"), "行不能是本对象自己", "The rows cannot be records of the same object", "subform_self")
        elif child.subforms:
            zh, en = f"“{child.title.zh}”自己也有子表，子表里不能再有子表", f"“{child.title.en}” has rows of its own; there are no rows inside rows"
            yield wrong(pointer("subforms", i, "object"), zh, en, "subform_nested")
        else:
            yield from _subform(i, subform, it, child)


def _subform(i: int, subform: Subform, it: ObjectType, child: ObjectType) -> Iterator[Problem]:
    link = child.fields.get(subform.link)
    linking = [f.key for f in child.fields.values() if f.type == "reference" and f.reference == it.key]
    if link is None:
        yield unknown(pointer("subforms", i, "field"), "field", subform.link, linking)
    elif subform.link not in linking or link.computed:
        yield wrong(pointer("subforms", i, "field"), f"“{subform.link}” 不引用本对象", f"“{subform.link}” does not refer to this object", "subform_link")
    yield from _columns(i, subform, child)
    yield from _totals(i, subform, it, child)
    order = child.fields.get(subform.order)
    if subform.order and order is None:
        yield unknown(pointer("subforms", i, "order_field"), "field", subform.order, [f.key for f in child.fields.values() if f.type == "integer"])
    elif order is not None and (order.type != "integer" or order.computed):
        place = pointer("subforms", i, "order_field")
        yield wrong(place, f"“{order.key}” 不是可填写的整数字段", f"“{order.key}” is not a whole number that can be written", "subform_order")
    if subform.at_least > subform.at_most:
        yield wrong(pointer("subforms", i, "min_rows"), "最少行数多于最多行数", "The fewest rows are more than the most", "range")


def _columns(i: int, subform: Subform, child: ObjectType) -> Iterator[Problem]:
    for j, key in enumerate(subform.columns):
        place = pointer("subforms", i, "columns", j)
        if key not in child.fields:
            yield unknown(place, "field", key, child.fields)
        elif key in (subform.link, subform.order):
            yield wrong(place, f"“{key}” 由系统填写，不是列", f"“{key}” is filled in by the form itself and is no column", "subform_column")
    for field in child.fields.values():
        filled = field.default is not None or field.default_expression or field.computed or field.readonly or field.pattern
        if field.required and not filled and field.key not in (*subform.columns, subform.link, subform.order):
            zh, en = f"必填的“{field.title.zh}”不在列中，行无法保存", f"“{field.title.en}” is required and not among the columns; no row could be saved"
            yield wrong(pointer("subforms", i, "columns"), zh, en, "subform_required")


def _totals(i: int, subform: Subform, it: ObjectType, child: ObjectType) -> Iterator[Problem]:
    for j, total in enumerate(subform.totals):
        column = child.fields.get(total.column)
        if column is None or total.column not in subform.columns:
            yield unknown(pointer("subforms", i, "totals", j, "column"), "field", total.column, subform.columns)
            continue
        if column.type not in SUMMED:
            yield wrong(pointer("subforms", i, "totals", j, "column"), f"“{column.key}” 不是数字", f"“{column.key}” is not a number", "subform_total")
        if not total.into:
            continue
        place, into = pointer("subforms", i, "totals", j, "into"), it.fields.get(total.into)
        if into is None:
            yield unknown(place, "field", total.into, it.fields)
        elif into.computed or into.derived or into.type != column.type or into.decimals < column.decimals:
            zh, en = f"“{into.key}” 放不下“{column.key}”的合计", f"“{into.key}” cannot hold the total of “{column.key}”"
            yield wrong(place, zh, en, "subform_total", Text("用同一类型、小数位不少的字段", "Take a field of the same type with as many decimals"))
        elif column.key in live_fields(child):
            zh, en = f"“{column.key}” 随时间或其他记录变化，合计不能存储", f"“{column.key}” changes with time or other records; its total cannot be kept"
            yield wrong(place, zh, en, "subform_total")
