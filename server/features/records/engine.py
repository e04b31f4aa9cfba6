"""What a record may hold: one function for form, API, import and automation; and the state of a form while it is filled in. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import At
from server.features.objects.engine import expression_values, values_before
from server.features.objects.kind import Field, ObjectType
from server.features.records.accepting import acceptor
from server.features.records.rules import NOTHING_YET, Rules, Values, reading_of, rules
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES

REQUIRED = Text("必填", "Must be filled in")
UNKNOWN_MEMBER = Text("没有这个字段", "There is no such field")
READONLY_MEMBER = Text("此字段不能直接填写", "This field cannot be written directly")


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


Judge = Callable[[Mapping[str, Any], Mapping[str, Any] | None, Mapping[str, Mapping[str, Any]]], tuple[Values, tuple[Problem, ...]]]


def judge(catalog: Catalog, object_type: ObjectType, at: At, channel: str, locked: frozenset[str] = frozenset(), refresh: bool = False) -> Judge:
    """A function that gives all values a record would have, and what is wrong with them (warnings included: look at `severity`), of

    the raw members, the stored values (None for a new record), and reference field -> expression values of the record it names.
    `locked`: fields this person may not write. `refresh`: take snapshots anew.
    """
    rule = rules(catalog, object_type)
    accept = acceptor(catalog, object_type, channel, reading_of(channel, at), locked) if channel != "system" else None

    def judged(raw: Mapping[str, Any], before: Mapping[str, Any] | None, references: Mapping[str, Mapping[str, Any]]) -> tuple[Values, tuple[Problem, ...]]:
        if before is None and accept is not None:
            values = accept(raw, references, at)
            if values is not None:
                return values, ()
        return examined(rule, object_type, raw, before, references, at, channel, locked, refresh)

    return judged


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
    """The same for one record."""
    return judge(catalog, object_type, at, channel, locked, refresh)(raw, before, references)


def examined(
    rule: Rules,
    object_type: ObjectType,
    raw: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    references: Mapping[str, Mapping[str, Any]],
    at: At,
    channel: str,
    locked: frozenset[str] = frozenset(),
    refresh: bool = False,
) -> tuple[Values, tuple[Problem, ...]]:
    """The same rule by rule, with the words for what is wrong."""
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
