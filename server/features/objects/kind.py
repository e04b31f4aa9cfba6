"""The kind `object`: what records of one sort have. JSON Schema with x- annotations, read into frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text

# Every record has these besides its fields; expressions and lists may name them.
SYSTEM_FIELDS = ("id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at")
DERIVED = frozenset({"lookup", "snapshot", "rollup"})  # fields that take their value, and its type, from other records


@dataclass(frozen=True)
class Option:
    key: str
    title: Text
    color: str = ""
    parent: str = ""  # region: the option it lies in


@dataclass(frozen=True)
class Check:
    """A rule that a record must not break: it fails only when `when` is false (unknown passes)."""

    when: str
    message: Text
    severity: str = "error"  # or "warning": shown, does not block
    field: str = ""


@dataclass(frozen=True)
class Rollup:
    """What a roll-up counts: `aggregate` of `field` over the records of `object` whose reference `by` names this record and which meet `filter`."""

    object: str
    aggregate: str  # count sum avg min max
    by: str = ""
    field: str = ""
    filter: str = ""


@dataclass(frozen=True)
class Field:
    """One field. Of a lookup, a snapshot or a roll-up `type` is that of the value it shows, once all objects are read (see derived.py)."""

    key: str
    type: str  # a key of server.fields.registry
    title: Text
    help: Text | None = None
    section: str = ""
    required: bool = False  # the schema's "required" list
    required_if: str = ""  # x-required: expression
    visible: str = ""  # x-visible: expression; hidden is stored as null
    computed: str = ""  # x-computed: expression; never entered
    default: Any = None  # literal
    default_expression: str = ""  # x-default: expression over the other fields
    checks: tuple[Check, ...] = ()
    options: tuple[Option, ...] = ()  # choice, multi_choice, region
    reference: str = ""  # object key, for type reference
    part: bool = False  # reference: the record is a part of the one it names, and is deleted and brought back with it
    decimals: int = 0  # decimal: digits after the point, stored as scaled integer
    unit: str = ""  # shown behind the number: "CNY", "%", "days"
    duration_unit: str = "minutes"  # duration: what expressions and plain numbers count in
    placeholder: Text | None = None  # an example in the empty input
    prefix: Text | None = None  # stands inside the input, before the value
    suffix: Text | None = None  # after the value, instead of the unit
    wide: bool = False  # takes the whole row of its section
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_files: int = 1  # file, image: how many one record may have
    unique: bool = False
    indexed: bool = False
    readonly: bool = False  # written by workflows and the system, never through a form or an import
    pattern: str = ""  # serial: of the number given at creation when left empty, "C-{seq:5}", "HT{year}{month}-{seq:4}"
    derived: str = ""  # lookup: another record's present value; snapshot: a copy of it; rollup: of the records that refer here
    source: str = ""  # lookup, snapshot: "reference.field"
    rollup: Rollup | None = None
    mask: str = ""  # "" | "name" | "last4" | "ends4" (first and last 4) | "phone": for those without the right to see it


@dataclass(frozen=True)
class Section:
    key: str
    title: Text
    columns: int = 2
    help: Text | None = None


@dataclass(frozen=True)
class Duplicates:
    """A field in which two records may be the same. `by`: same, phone or name."""

    field: str
    by: str


@dataclass(frozen=True)
class Total:
    """The sum of a column under its rows. `into`: the parent's field that holds it as long as there are rows."""

    column: str
    into: str = ""


@dataclass(frozen=True)
class Subform:
    """Records of another object that are edited as rows inside this one's form. Their field `link` refers to this object."""

    object: str
    link: str
    title: Text | None = None
    columns: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()
    order: str = ""  # the rows' whole number field that keeps their order; "" by the order of making
    at_least: int = 0
    at_most: int = 200


@dataclass(frozen=True)
class Timeline:
    """How records of an object (visits, calls, surveys) stand in the timeline of the records they refer to."""

    at: str  # field of type date or datetime
    text: str  # field that says what happened


@dataclass(frozen=True)
class ObjectType:
    key: str
    title: Text
    plural: Text
    fields: Mapping[str, Field]  # in the order of the form
    sections: tuple[Section, ...]
    name_field: str  # the field that names a record in lists and references
    checks: tuple[Check, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()  # composite unique keys
    list_columns: tuple[str, ...] = ()
    list_sort: str = "-updated_at"
    search_fields: tuple[str, ...] = ()
    assessed: bool = False  # a subject of indicators, scores, classes: has results
    assessed_when: str = ""  # expression: which records belong to the population
    icon: str = "file"
    menu: int = 0  # place in the side bar; 0: not shown there
    owner_field: str = ""  # field of type user that "my records" means
    timeline: Timeline | None = None  # its records stand in the timeline of those they refer to
    layout: str = "page"  # of its form: page, tabs or steps
    duplicates: tuple[Duplicates, ...] = ()
    subforms: tuple[Subform, ...] = ()
    contract: Mapping[str, Any] | None = None  # an outside JSON Schema that records must fit, see contract.py


def parse(document: Document) -> ObjectType:
    body = document.body
    schema = body["schema"]
    required = set(schema.get("required", ()))
    fields = {key: _field(key, spec, key in required) for key, spec in schema["properties"].items()}
    listing = body.get("list", {})
    plural = text_of(body.get("plural"))
    title = title_of(body)
    return ObjectType(
        key=document.key,
        title=title,
        plural=plural or title,
        fields=fields,
        sections=tuple(Section(s["key"], title_of(s), s.get("columns", 2), text_of(s.get("help"))) for s in body.get("sections", ())),
        name_field=body.get("name_field") or next(iter(fields), "id"),
        checks=tuple(_check(c) for c in body.get("checks", ())),
        keys=tuple(tuple(k) for k in body.get("keys", ())),
        list_columns=tuple(listing.get("columns", ())) or tuple(fields)[:6],
        list_sort=listing.get("sort", "-updated_at"),
        search_fields=tuple(listing.get("search", ())),
        assessed="assess" in body,
        assessed_when=body.get("assess", {}).get("when", ""),
        icon=body.get("icon", "file"),
        menu=body.get("menu", 0),
        owner_field=body.get("owner_field", ""),
        timeline=Timeline(body["timeline"]["at"], body["timeline"]["text"]) if "timeline" in body else None,
        layout=body.get("layout", "page"),
        duplicates=tuple(Duplicates(d["field"], d["by"]) for d in body.get("duplicates", ())),
        subforms=tuple(_subform(s) for s in body.get("subforms", ())),
        contract=body.get("contract"),
    )


def _subform(s: Mapping[str, Any]) -> Subform:
    return Subform(
        object=s["object"],
        link=s["field"],
        title=text_of(s.get("title")),
        columns=tuple(s["columns"]),
        totals=tuple(Total(t["column"], t.get("into", "")) for t in s.get("totals", ())),
        order=s.get("order_field", ""),
        at_least=s.get("min_rows", 0),
        at_most=s.get("max_rows", 200),
    )


def _check(c: Mapping[str, Any], field: str = "") -> Check:
    return Check(c["when"], text_of(c["message"]) or Text("", ""), c.get("severity", "error"), c.get("field", field))


def _rollup(spec: Mapping[str, Any]) -> Rollup:
    return Rollup(spec.get("object", ""), spec.get("aggregate", "count"), spec.get("by", ""), spec.get("field", ""), spec.get("filter", ""))


def _field(key: str, spec: Mapping[str, Any], required: bool) -> Field:
    kind = spec["x-type"]
    return Field(
        key=key,
        type=kind,
        title=title_of({"title": spec.get("x-title")}, key),
        help=text_of(spec.get("x-help")),
        section=spec.get("x-section", ""),
        required=required,
        required_if=spec.get("x-required", ""),
        visible=spec.get("x-visible", ""),
        computed=spec.get("x-computed", ""),
        default=spec.get("default"),
        default_expression=spec.get("x-default", ""),
        checks=tuple(_check(c, key) for c in spec.get("x-checks", ())),
        options=tuple(Option(o["key"], title_of(o), o.get("color", ""), o.get("parent", "")) for o in spec.get("x-options", ())),
        reference=spec.get("x-reference", ""),
        part=spec.get("x-part", False),
        decimals=spec.get("x-decimals", 0),
        unit=spec.get("x-unit", ""),
        duration_unit=spec.get("x-duration-unit", "minutes"),
        placeholder=text_of(spec.get("x-placeholder")),
        prefix=text_of(spec.get("x-prefix")),
        suffix=text_of(spec.get("x-suffix")),
        wide=spec.get("x-wide", False),
        minimum=spec.get("minimum"),
        maximum=spec.get("maximum"),
        min_length=spec.get("minLength"),
        max_length=spec.get("maxLength"),
        max_files=spec.get("x-max-files", 1),
        unique=spec.get("x-unique", kind == "serial"),
        indexed=spec.get("x-indexed", False),
        readonly=kind in DERIVED or spec.get("x-readonly", False),
        pattern=spec.get("x-pattern", ""),
        derived=kind if kind in DERIVED else "",
        source=spec.get("x-from", ""),
        rollup=_rollup(spec.get("x-rollup", {})) if kind == "rollup" else None,
        mask=spec.get("x-mask", ""),
    )


KIND = Kind("object", Text("对象", "Object"), "schemas/objects", parse)
