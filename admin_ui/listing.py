"""What a list shows of an object: its columns, its conditions in words, and what one may filter by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from admin_ui.address import EMPTIES, Address
from admin_ui.posted import whole
from admin_ui.subjects import Subject
from server.config.output import Output
from server.errors import Text
from server.expressions.types import Name
from server.feature import Work
from server.features.access import people
from server.features.access.departments import department_titles, departments
from server.features.objects.kind import Field, ObjectType
from server.features.records.liststate import Condition
from server.features.records.reading import reference_names
from server.features.records.rights import Rights, rights
from server.features.records.totals import EXACT
from server.fields.region import ways
from server.fields.registry import FIELD_TYPES

OPERATORS: Mapping[str, Text] = {
    "eq": Text("是", "is"),
    "ne": Text("不是", "is not"),
    "lt": Text("小于", "under"),
    "le": Text("至多", "at most"),
    "gt": Text("大于", "over"),
    "ge": Text("至少", "at least"),
    "in": Text("属于", "is one of"),
    "contains": Text("包含", "contains"),
    "between": Text("介于", "is between"),
    "is_empty": Text("为空", "is empty"),
    "not_empty": Text("不为空", "is not empty"),
}
DATE_OPERATORS: Mapping[str, Text] = {"lt": Text("早于", "before"), "le": Text("不晚于", "by"), "gt": Text("晚于", "after"), "ge": Text("不早于", "from")}
ORDERED = ("ge", "le", "gt", "lt", "eq", "ne")
BY_TYPE = {
    "text": ("contains", "eq", "ne"),
    "number": ORDERED,
    "integer": ORDERED,
    "date": ORDERED,
    "datetime": ("ge", "le", "gt", "lt"),
    "boolean": ("eq",),
    "list": ("contains",),
}
SYSTEM_TITLES = {
    "id": Text("编号", "Id"),
    "created_at": Text("创建时间", "Created"),
    "created_by": Text("创建人", "Created by"),
    "updated_at": Text("更新时间", "Updated"),
    "updated_by": Text("更新人", "Updated by"),
    "version": Text("版本", "Version"),
}


@dataclass(frozen=True)
class Column:
    """One column: a field, a stamp every record has, or a result of the assessment."""

    name: str
    title: Text
    kind: str  # name, field, stamp, class, score, number, text
    sort: str = ""  # the address's sort for a click on its head; "" cannot be sorted
    aria: str = ""  # ascending, descending or ""
    url: str = ""
    right: bool = False
    field: Field | None = None
    source: Any = None  # the classification or score
    unit: str = ""
    decimals: int | None = None
    width: int = 0
    frozen: bool = False
    total: str = ""
    chosen: bool = False  # by the person: it stays on a narrow screen
    editable: bool = False
    folded: bool = False  # not on the card of a phone

    @property
    def optional(self) -> bool:
        """Gives way on a narrow screen: the record's number, which its page shows beside the name."""
        return self.field is not None and bool(self.field.pattern) and self.kind != "name" and not self.chosen

    @property
    def numeric(self) -> bool:
        return self.kind in {"score", "number"} or (self.field is not None and self.field.type in RIGHT)

    @property
    def labelled(self) -> bool:
        """On the card of a phone its value says nothing without its title."""
        return self.kind != "score" and (self.numeric or (self.field is not None and self.field.type == "yes_no"))


@dataclass(frozen=True)
class Chip:
    """One condition in words; `edit` opens it, `remove` is the address without it."""

    title: Text
    op: Text
    value: str
    remove: str
    condition: Condition


LEADING = frozenset({"name", "class", "score"})  # always on the card of a phone
RIGHT = frozenset({"integer", "number", "decimal", "percent", "duration"})


def columns(work: Work, object_type: ObjectType, subject: Subject, outputs: Mapping[str, Output], address: Address) -> tuple[Column, ...]:
    """The chosen ones; without a choice the name, what the assessment says, then the document's columns. What the person may not see is left out."""
    allowed, state = rights(work, object_type.key), address.state
    chosen = [n for n in state.columns if n != object_type.name_field]
    order = [object_type.name_field, *(chosen or default_columns(object_type, subject))]
    sort = state.sort or object_type.list_sort
    widths, totals = dict(state.widths), dict(state.totals)
    made: list[Column] = []
    for name in order:
        column = _column(name, object_type, subject, outputs)
        if column is None or name in allowed.hidden:
            continue
        column = replace(
            column,
            width=widths.get(name, 0),
            frozen=len(made) < state.frozen,
            total=totals.get(name, "") if name not in allowed.masked else "",
            chosen=bool(chosen),
            editable=is_editable(column.field, allowed),
            folded=column.kind not in LEADING and sum(c.kind not in LEADING for c in made) >= (2 if subject.main else 4),
        )
        made.append(column if name in allowed.masked else _sortable(column, sort, address))
    return tuple(made)


def default_columns(object_type: ObjectType, subject: Subject) -> tuple[str, ...]:
    listed = [n for n in object_type.list_columns if n != object_type.name_field]
    return (*subject.names, *(n for n in listed if n not in subject.names))


def every_column(work: Work, object_type: ObjectType, subject: Subject, outputs: Mapping[str, Output], shown: Sequence[Column]) -> tuple[Column, ...]:
    """All there is to choose from: those shown in their order, then the others by title."""
    hidden, known = rights(work, object_type.key).hidden, {c.name for c in shown}
    names = [*object_type.fields, *(o.name for o in outputs.values() if not o.part), *(n for n in SYSTEM_TITLES if n != "version")]
    others = [c for n in dict.fromkeys(names) if n not in known | hidden and (c := _column(n, object_type, subject, outputs)) is not None]
    return (*shown, *sorted(others, key=lambda c: c.title.of(work.actor.locale)))


FORM_ONLY = frozenset({"file", "image", "rich_text", "region"})  # too large for a cell


def is_editable(field: Field | None, allowed: Rights) -> bool:
    """Whether the field may be written from a list."""
    if field is None or field.computed or field.derived or field.readonly or field.type in FORM_ONLY:
        return False
    return field.key not in allowed.covered | allowed.readonly


def total_text(work: Work, column: Column, value: Any) -> str:
    """A total as people read it; "" for what the template writes as a plain number."""
    if value is None or column.field is None or column.total == "count" or column.field.type not in EXACT:
        return ""
    return FIELD_TYPES[column.field.type].text(column.field, value, work.actor.locale, work.zone)


def _column(name: str, object_type: ObjectType, subject: Subject, outputs: Mapping[str, Output]) -> Column | None:
    for classification in subject.classifications:
        if classification.key == name:
            return Column(name, classification.title, "class", source=classification)
    for score in subject.scores:
        if score.key == name:
            return Column(name, score.title, "score", right=True, source=score, decimals=score.decimals)
    field = object_type.fields.get(name)
    if field:
        kind = "name" if name == object_type.name_field else "field"
        return Column(name, field.title, kind, right=field.type in RIGHT, field=field, unit=field.unit)
    output = outputs.get(name)
    if output:
        number = output.type.name in {"number", "integer"}
        return Column(name, output.title, "number" if number else "text", source=output, right=number, unit=output.unit, decimals=output.decimals)
    return Column(name, SYSTEM_TITLES[name], "stamp", right=name == "id") if name in SYSTEM_TITLES else None


def _sortable(column: Column, sort: str, address: Address) -> Column:
    """The first click on a number shows the highest, on anything else the beginning; the next click turns it round."""
    name = column.name
    aria = "descending" if sort == "-" + name else "ascending" if sort == name else ""
    if aria:
        following = name if aria == "descending" else "-" + name
    else:
        following = "-" + name if column.right else name
    return replace(column, sort=following, aria=aria, url=address.showing(sort=following).url)


def chips(work: Work, object_type: ObjectType, outputs: Mapping[str, Output], address: Address) -> tuple[Chip, ...]:
    return tuple(
        Chip(title_of(c.name, object_type, outputs), op_title(c, object_type, outputs), value_text(work, c, object_type, outputs), address.without(c).url, c)
        for c in address.state.conditions
    )


def title_of(name: str, object_type: ObjectType, outputs: Mapping[str, Output]) -> Text:
    if name in object_type.fields:
        return object_type.fields[name].title
    if name in outputs:
        return outputs[name].title
    return SYSTEM_TITLES.get(name, Text(name, name))


def op_title(condition: Condition, object_type: ObjectType, outputs: Mapping[str, Output]) -> Text:
    field = object_type.fields.get(condition.name)
    output = outputs.get(condition.name)
    kind = field.type if field else output.type.name if output else "datetime"
    if kind in {"date", "datetime"} and condition.op in DATE_OPERATORS:
        return DATE_OPERATORS[condition.op]
    return OPERATORS.get(condition.op, Text(condition.op, condition.op))


def value_text(work: Work, condition: Condition, object_type: ObjectType, outputs: Mapping[str, Output]) -> str:
    """The value as people know it: an option's title, a person's name, a record's name."""
    if condition.op in EMPTIES:
        return ""
    field = object_type.fields.get(condition.name)
    parts = condition.value.split(",") if condition.op in {"in", "between"} else [condition.value]
    return ", ".join(_part_text(work, part, field, outputs.get(condition.name)) for part in parts)


def _part_text(work: Work, part: str, field: Field | None, output: Output | None) -> str:
    locale = work.actor.locale
    options = {o.key: o.title for o in field.options} if field else dict(output.options) if output else {}
    if part in options:
        return options[part].of(locale)
    if field and field.type == "user":
        return people.user_names(work).get(part, part)
    if field and field.type == "department":
        title = department_titles(work).get(part)
        return title.of(locale) if title else part
    if field and field.type == "reference" and (number := whole(part)) is not None:
        return reference_names(work, field.reference, [number]).get(number, part)
    if field and field.type == "yes_no":
        return (Text("是", "yes") if part in {"true", "True", "1", "yes", "是"} else Text("否", "no")).of(locale)
    return part


@dataclass(frozen=True)
class Choice:
    """A name one can filter by, in the builder."""

    name: str
    title: Text
    group: Text


OWN, ASSESSED = Text("字段", "Fields"), Text("评估结果", "Assessment")


def filterable(work: Work, object_type: ObjectType, outputs: Mapping[str, Output]) -> tuple[Choice, ...]:
    covered = rights(work, object_type.key).covered
    own = [Choice(f.key, f.title, OWN) for f in object_type.fields.values() if f.key not in covered]
    own += [Choice(k, SYSTEM_TITLES[k], OWN) for k in ("created_at", "updated_at")]
    results = [Choice(o.name, o.title, ASSESSED) for o in outputs.values() if not o.part]
    return (*own, *sorted(results, key=lambda c: c.title.of(work.actor.locale)))


def searchable(work: Work, object_type: ObjectType) -> tuple[Choice, ...]:
    """The fields one may search in."""
    covered = rights(work, object_type.key).covered
    return tuple(
        Choice(f.key, f.title, OWN)
        for f in object_type.fields.values()
        if f.key not in covered and (FIELD_TYPES[f.type].searchable or f.type == "reference") and not f.computed
    )


@dataclass(frozen=True)
class Builder:
    """The builder's second half, once the name is chosen: operators and how the value is entered."""

    name: str
    operators: tuple[tuple[str, Text], ...]
    widget: str  # options, user, date, datetime, number, yes_no, reference, text
    options: tuple[tuple[str, Text], ...] = ()
    field: Field | None = None
    op: str = ""
    value: str = ""


def builder(work: Work, object_type: ObjectType, outputs: Mapping[str, Output], names: Mapping[str, Name], chosen: Condition) -> Builder | None:
    what = names.get(chosen.name)
    if what is None:
        return None
    field, output = object_type.fields.get(chosen.name), outputs.get(chosen.name)
    options = _places(field) if field else output.options if output else ()
    if field and field.type == "department":
        options = tuple((d.key, _indented(d.title, d.depth)) for d in departments(work))
    kinds: tuple[str, ...] = BY_TYPE.get(what.type.name, ("eq",))
    if options:
        kinds = ("in", "ne") if what.type.name != "list" else ("in",)
    elif field and field.type in {"reference", "user"}:
        kinds = ("eq", "ne")
    widget = "options" if options else field.type if field and field.type in {"user", "reference"} else _WIDGETS.get(what.type.name, "text")
    if widget == "user":
        options = tuple((u.username, Text(u.name, u.name)) for u in people.users(work) if u.active)
        widget = "options"
        kinds = ("in", "ne")
    titles = {**OPERATORS, **(DATE_OPERATORS if widget in {"date", "datetime"} else {})}
    operators = tuple((op, titles[op]) for op in (*kinds, *EMPTIES))
    op = "in" if chosen.op == "eq" and "eq" not in kinds else chosen.op
    return Builder(chosen.name, operators, widget, options, field, op if op in dict(operators) else operators[0][0], chosen.value)


def _places(field: Field) -> tuple[tuple[str, Text], ...]:
    """The options; those of a region stand below the one they lie in."""
    if field.type != "region":
        return tuple((o.key, o.title) for o in field.options)
    found = ways(field)
    place = {o.key: i for i, o in enumerate(field.options)}
    order = sorted(field.options, key=lambda o: [place[key] for key in found[o.key]])
    return tuple((o.key, _indented(o.title, len(found[o.key]) - 1)) for o in order)


def _indented(title: Text, depth: int) -> Text:
    return Text("\u3000" * depth + title.zh, "\u3000" * depth + title.en)


_WIDGETS = {"date": "date", "datetime": "datetime", "number": "number", "integer": "number", "boolean": "yes_no"}
