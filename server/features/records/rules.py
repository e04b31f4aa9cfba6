"""What an object's documents say of its records: expressions, defaults and copies, checked and compiled once a catalog. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.config.catalog import Catalog
from server.errors import Problem
from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.types import BOOLEAN, At, Scope
from server.features.objects.engine import Formula, change_scope, formulas, is_stored, scope
from server.features.objects.kind import Check, Field, ObjectType
from server.fields.base import JSON, Reading
from server.fields.registry import FIELD_TYPES

Values = dict[str, Any]
Run = Callable[[Mapping[str, Any], At], Any]
NOTHING_YET = {"count": 0, "sum": 0}  # of a record that nothing can refer to: it is new
COPY = "copy:"  # before the name of a referenced record's field: its value as it is stored, exact


@dataclass(frozen=True)
class Copy:
    """A snapshot: the field, the reference it is copied through, and the name of the copied value. `live`: the origin is computed, not stored."""

    field: Field
    reference: str
    name: str
    live: bool

    def value(self, references: Mapping[str, Mapping[str, Any]]) -> Any:
        """As it is stored where the record was looked up; a record saved together with this one is known as expressions see it."""
        record = references.get(self.reference, {})
        if COPY + self.name in record and not self.live:
            return record[COPY + self.name]
        return FIELD_TYPES[self.field.type].from_expression(self.field, record.get(COPY + self.name, record.get(self.name)))


@dataclass(frozen=True)
class Rules:
    """An object's expressions, checked and compiled once a catalog. `reads`: reference field -> names of the referenced record they need."""

    computed: tuple[Formula, ...]
    visible: Mapping[str, Run]
    required: Mapping[str, Run]
    default_runs: Mapping[str, Run]
    defaults: Mapping[str, Any]
    checks: tuple[tuple[Check, Run], ...]
    reads: Mapping[str, frozenset[str]]
    names: frozenset[str]
    copies: tuple[Copy, ...]
    rollups: tuple[Field, ...]  # those that some expression reads
    looks_back: bool  # some expression reads what was before the change


def rules(catalog: Catalog, object_type: ObjectType) -> Rules:
    memo = ("records.rules", object_type.key)
    if memo not in catalog.memo:
        catalog.memo[memo] = _rules(catalog, object_type)
    found: Rules = catalog.memo[memo]
    return found


def _rules(catalog: Catalog, object_type: ObjectType) -> Rules:
    names, changing = scope(catalog, object_type.key), change_scope(catalog, object_type.key)
    used, read_before = set[str](), set[str]()

    def compiled(source: str, wants_truth: bool = True, known: Scope = names) -> Run | None:
        """A text with problems (the check refuses to publish it) counts as unknown."""
        checked: Checked | None = check(source, known, BOOLEAN if wants_truth else None)[0] if source else None
        used.update(checked.names if checked else ())
        read_before.update(checked.earlier if checked else ())
        return compile_python(checked) if checked else None

    def runs(texts: Mapping[str, str], wants_truth: bool = True, known: Scope = names) -> dict[str, Run]:
        return {key: compiled(text, wants_truth, known) or _unknown for key, text in texts.items() if text}

    fields = object_type.fields.values()
    computed = tuple(formulas(catalog, object_type.key).values())
    for formula in computed:
        used.update(formula.checked.names)
    visible = runs({f.key: f.visible for f in fields})
    required = runs({f.key: f.required_if for f in fields}, known=changing)
    default_runs = runs({f.key: f.default_expression for f in fields}, wants_truth=False)
    all_checks = [c for f in fields for c in f.checks] + list(object_type.checks)
    checks = tuple((c, compiled(c.when, known=changing) or _unknown) for c in all_checks)
    defaults = {f.key: _literal(f) for f in fields if f.default is not None}
    dotted = [name.split(".", 1) for name in used if "." in name]
    copies = tuple(_copies(catalog, object_type))
    heads = {head for head, _ in dotted} | {c.reference for c in copies}
    reads = {head: frozenset(rest for other, rest in dotted if other == head) for head in heads}
    rollups = tuple(f for f in fields if f.rollup is not None and f.key in used)
    return Rules(computed, visible, required, default_runs, defaults, checks, reads, frozenset(used), copies, rollups, bool(read_before))


def _copies(catalog: Catalog, object_type: ObjectType) -> Iterator[Copy]:
    for f in object_type.fields.values():
        reference, _, name = f.source.partition(".")
        target: ObjectType | None = catalog.get("object", object_type.fields[reference].reference) if reference in object_type.fields else None
        if f.derived == "snapshot" and target is not None and name in target.fields:
            yield Copy(f, reference, name, not is_stored(target.fields[name], target))


def _unknown(values: Mapping[str, Any], at: At) -> None:
    return None


def _literal(field: Field) -> Any:
    value = FIELD_TYPES[field.type].parse(field, field.default, JSON)
    return None if isinstance(value, Problem) else value


def reading_of(channel: str, at: At) -> Reading:
    """How a channel's raw values are read: "api" is strict JSON; forms and imports are text, local times are the organisation's."""
    if channel == "api":
        return JSON
    return Reading(titles=channel == "import", naive=at.zone)
