"""What a record may hold: one function for form, API, import and automation; and the state of a form while it is filled in. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.types import BOOLEAN, At, Scope
from server.features.objects.engine import Formula, change_scope, expression_values, formulas, is_stored, scope, values_before
from server.features.objects.kind import Check, Field, ObjectType
from server.fields.base import JSON, Reading
from server.fields.registry import FIELD_TYPES

Values = dict[str, Any]
Run = Callable[[Mapping[str, Any], At], Any]
REQUIRED = Text("必填", "Must be filled in")
UNKNOWN_MEMBER = Text("没有这个字段", "There is no such field")
NOTHING_YET = {"count": 0, "sum": 0}  # of a record that nothing can refer to: it is new
READONLY_MEMBER = Text("此字段不能直接填写", "This field cannot be written directly")


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


def parse(field: Field, raw: Any, before: Any, reading: Reading, channel: str) -> Any:
    """A value or a Problem. What a form shows and gets back untouched is the value it was made from, to the last digit."""
    kind = FIELD_TYPES[field.type]
    if channel == "system" and isinstance(raw, float | int) and not isinstance(raw, bool):
        return kind.from_expression(field, raw) if kind.stepped else kind.parse(field, raw, reading)
    if before is not None and isinstance(raw, str) and not reading.strict and raw == kind.entry(field, before, reading):
        return before
    return kind.parse(field, raw, reading)


def given_values(
    object_type: ObjectType, raw: Mapping[str, Any], before: Mapping[str, Any] | None, at: At, channel: str, locked: frozenset[str] = frozenset()
) -> tuple[Values, list[Problem]]:
    """The members that may be written, parsed. Unknown and read-only ones are problems in JSON and never stored from a form."""
    reading, values, problems = reading_of(channel, at), Values(), list[Problem]()
    for key, value in raw.items():
        field = object_type.fields.get(key)
        if field is None:
            if channel in {"api", "system"}:
                problems.append(Problem(key, UNKNOWN_MEMBER, code="unknown_field"))
        elif field.computed or field.derived or key in locked or (field.readonly and channel != "system"):
            if channel in {"api", "system"}:
                problems.append(Problem(key, READONLY_MEMBER, code="readonly"))
        else:
            parsed = parse(field, value, (before or {}).get(key), reading, channel)
            if isinstance(parsed, Problem):
                problems.append(parsed)
            else:
                values[key] = parsed
    return values, problems


@dataclass(frozen=True)
class Settled:
    """Values with computed fields filled in and hidden ones emptied; `env` is the same as expressions see it."""

    values: Values
    env: Values
    hidden: frozenset[str]


def settle(
    rule: Rules,
    object_type: ObjectType,
    values: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    references: Mapping[str, Mapping[str, Any]],
    at: At,
    refresh: bool = False,
) -> Settled:
    """Visibility may hang on computed fields and on other hidden ones: look again until nothing moves (or every field had its turn).

    A snapshot is taken when its reference is chosen, and anew when `refresh` says so; until then it stays as it is.
    """
    hidden: frozenset[str] = frozenset()
    earlier = values_before(object_type, before) if rule.looks_back else {}
    for _ in range(len(rule.visible) + 2):
        current = {key: None if key in hidden else value for key, value in values.items()}
        for f in rule.rollups:
            current.setdefault(f.key, NOTHING_YET.get(f.rollup.aggregate if f.rollup else ""))
        for copy in rule.copies:
            chosen = current.get(copy.reference)
            is_kept = before is not None and before.get(copy.reference) == chosen and not refresh
            fresh = before.get(copy.field.key) if is_kept and before is not None else None if chosen is None else copy.value(references)
            current[copy.field.key] = None if copy.field.key in hidden else fresh
        env = {**expression_values(object_type, current, references), **earlier}
        for formula in rule.computed:
            key, kind = formula.field.key, FIELD_TYPES[formula.field.type]
            result = None if key in hidden else kind.from_expression(formula.field, formula.run(env, at))
            current[key], env[key] = result, kind.to_expression(formula.field, result)
        found = frozenset(key for key, run in rule.visible.items() if run(env, at) is not True)
        if found == hidden:
            break
        first, hidden = not hidden, found
        if first and all(current.get(key) is None for key in found):
            break  # what is hidden was empty: another look would see the same
    return Settled(current, env, hidden)


def validate(
    catalog: Catalog,
    object_type: ObjectType,
    raw: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    references: Mapping[str, Mapping[str, Any]],
    at: At,
    channel: str = "form",
    locked: frozenset[str] = frozenset(),
    refresh: bool = False,
) -> tuple[Values, tuple[Problem, ...]]:
    """All values the record would have, and what is wrong with them (warnings included: look at `severity`).

    `before`: the stored values, None for a new record. `references`: reference field -> expression values of the record it names.
    `locked`: fields this person may not write. `refresh`: take snapshots anew.
    """
    rule = rules(catalog, object_type)
    given, problems = given_values(object_type, raw, before, at, channel, locked)
    settled = _filled(rule, object_type, given, before, references, at, channel, set(given) | {p.path for p in problems}, refresh)
    bad = {p.path for p in problems}
    problems += [p for p in _missing(rule, object_type, settled, at, channel, before is None) if p.path not in bad]
    bad |= {p.path for p in problems}
    problems += [p for p in _broken(rule, settled, at) if p.path not in bad]
    return {f.key: settled.values.get(f.key) for f in object_type.fields.values()}, tuple(problems)


def _filled(
    rule: Rules,
    object_type: ObjectType,
    given: Values,
    before: Mapping[str, Any] | None,
    references: Mapping[str, Mapping[str, Any]],
    at: At,
    channel: str,
    named: set[str],
    refresh: bool = False,
) -> Settled:
    """Given values over the stored ones; a new record gets its defaults for what was not named (an import's empty cell names nothing)."""
    if before is not None:
        return settle(rule, object_type, {**before, **given}, before, references, at, refresh)
    absent = {key for key, value in given.items() if value is None} if channel == "import" else set()
    values = {**{k: v for k, v in rule.defaults.items() if k not in named or k in absent}, **{k: v for k, v in given.items() if k not in absent}}
    settled = settle(rule, object_type, values, None, references, at)
    empty = [key for key in rule.default_runs if values.get(key) is None and (key not in named or (key in given and channel != "api"))]
    if not empty:
        return settled
    for key in empty:
        field = object_type.fields[key]
        kind = FIELD_TYPES[field.type]
        values[key] = kind.from_expression(field, rule.default_runs[key](settled.env, at))
        settled.env[key] = kind.to_expression(field, values[key])
    if all(values[key] is None for key in empty):
        return settled
    return settle(rule, object_type, values, None, references, at)


def _missing(rule: Rules, object_type: ObjectType, settled: Settled, at: At, channel: str, is_new: bool) -> list[Problem]:
    """Required fields without a value. The system fills what it knows and is not held up by what people still owe."""
    if channel == "system":
        return []
    found = []
    for field in object_type.fields.values():
        if (
            settled.values.get(field.key) is not None
            or field.computed
            or field.derived
            or field.readonly
            or field.key in settled.hidden
            or (is_new and field.pattern)
        ):
            continue
        if is_required(rule, field, settled, at):
            found.append(Problem(field.key, REQUIRED, code="required"))
    return found


def is_required(rule: Rules, field: Field, settled: Settled, at: At) -> bool:
    return field.required or (field.key in rule.required and rule.required[field.key](settled.env, at) is True)


def _broken(rule: Rules, settled: Settled, at: At) -> list[Problem]:
    """Checks that are false. Unknown passes; a hidden field's checks rest."""
    return [
        Problem(check.field, check.message, severity=check.severity, code="check")
        for check, run in rule.checks
        if check.field not in settled.hidden and run(settled.env, at) is False
    ]


# -- The live form -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldState:
    """One field of a form as it stands: `entry` is what the input holds, `placeholder` the default that an empty input will get."""

    visible: bool
    required: bool
    readonly: bool
    value: Any
    entry: str
    placeholder: str = ""


@dataclass(frozen=True)
class FormState:
    fields: Mapping[str, FieldState]
    problems: tuple[Problem, ...]  # of the values given; what is still missing is not held against a form being filled in


def form_state(
    catalog: Catalog,
    object_type: ObjectType,
    raw: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    references: Mapping[str, Mapping[str, Any]],
    at: At,
    channel: str = "form",
    locked: frozenset[str] = frozenset(),
) -> FormState:
    rule, reading = rules(catalog, object_type), reading_of(channel, at)
    given, problems = given_values(object_type, raw, before, at, channel, locked)
    settled = _filled(rule, object_type, given, before, references, at, channel, set(given) | {p.path for p in problems})
    shown = settled
    typed_empty = {key for key, value in given.items() if value is None and key in rule.default_runs}
    if before is None and typed_empty:  # what the user left empty stays empty in the input; the default stands behind it
        shown = settle(rule, object_type, {**settled.values, **dict.fromkeys(typed_empty)}, None, references, at)
    states = {}
    for field in object_type.fields.values():
        kind, key = FIELD_TYPES[field.type], field.key
        value = shown.values.get(key)
        raw_text = raw.get(key)
        is_typed = isinstance(raw_text, str) and not field.computed and key not in locked and not field.readonly
        states[key] = FieldState(
            visible=key not in shown.hidden,
            required=is_required(rule, field, shown, at) and not field.computed,
            readonly=bool(field.computed) or field.readonly or key in locked,
            value=value,
            entry=raw_text if is_typed and isinstance(raw_text, str) else kind.entry(field, value, reading),
            placeholder=kind.entry(field, settled.values.get(key), reading) if key in typed_empty else "",
        )
    bad = {p.path for p in problems}
    if raw:  # an empty form has made no mistake yet
        problems += [p for p in _broken(rule, shown, at) if p.path not in bad]
    return FormState(states, tuple(problems))
