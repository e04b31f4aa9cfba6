"""New records whose values are good, recognised by one generated function an object and channel: most rows of a file, most forms.

It is sure or silent. What it accepts has the values that `engine.validate` would give and no problem, not even a warning; for everything else it
gives None, and `validate` finds the values and the words. tests/features/records compares the two.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from server.config.catalog import Catalog
from server.errors import Problem
from server.expressions.functions.change import IS_NEW
from server.expressions.generated import NO_BUILTINS, function_of
from server.expressions.types import At
from server.features.objects.engine import AS_STORED, SYSTEM_NAMES
from server.features.objects.kind import Field, ObjectType
from server.features.records.rules import NOTHING_YET, Rules, Values, rules
from server.fields.base import FieldType, Reading
from server.fields.registry import FIELD_TYPES

Accept = Callable[[Mapping[str, Any], Mapping[str, Mapping[str, Any]], At], Values | None]
_NAMES: Mapping[str, Any] = {
    **NO_BUILTINS, "str": str, "int": int, "float": float, "bool": bool, "len": len, "ValueError": ValueError, "Problem": Problem, "absent": object(),
}  # fmt: skip


def acceptor(catalog: Catalog, object_type: ObjectType, channel: str, reading: Reading, locked: frozenset[str]) -> Accept:
    """A function of (raw members, references, at), made once a catalog."""
    memo = ("records.acceptor", object_type.key, channel, reading.naive, locked)
    if memo not in catalog.memo:
        writer = _Writer(rules(catalog, object_type), object_type, channel, reading, locked)
        source = "\n".join(writer.function())
        catalog.memo[memo] = function_of(source, "accept", f"records of {object_type.key}", writer.names)
    found: Accept = catalog.memo[memo]
    return found


class _Writer:
    """Each field is a variable `v0`, `v1`, ...; what it needs has its number too."""

    def __init__(self, rule: Rules, object_type: ObjectType, channel: str, reading: Reading, locked: frozenset[str]) -> None:
        self.rule, self.object_type, self.channel, self.reading = rule, object_type, channel, reading
        self.names: dict[str, Any] = dict(_NAMES)
        self.fields = list(object_type.fields.values())
        self.at = {f.key: i for i, f in enumerate(self.fields)}
        self.entered = [f for f in self.fields if not (f.computed or f.derived or f.readonly or f.key in locked)]

    def function(self) -> Iterator[str]:
        yield "def accept(raw, references, at):"
        yield "  get = raw.get"
        if self.channel == "api":
            self.names["members"] = frozenset(f.key for f in self.entered)
            yield "  if not raw.keys() <= members: return None"
        yield "  try:"
        for f in self.fields:
            yield from (f"    {line}" for line in (self._read(f) if f in self.entered else self._unread(f)))
        yield "  except ValueError: return None"
        if self.rule.default_runs:
            yield f"  if {' or '.join(self._wanting(key) for key in self.rule.default_runs)}:"
            yield from (f"    {line}" for line in self._settle())
            yield from (f"    {line}" for line in self._defaults())
        yield from (f"  {line}" for line in self._settle())
        yield from (f"  {line}" for line in self._judge())
        yield f"  return {{{', '.join(f'{f.key!r}: v{i}' for i, f in enumerate(self.fields))}}}"

    # -- What was entered

    def _read(self, field: Field) -> Iterator[str]:
        """A member that is not named gets the default, and an import's empty cell names nothing."""
        i, kind = self.at[field.key], FIELD_TYPES[field.type]
        parse, spec, reading = kind.parse, field, self.reading
        self.names[f"parse{i}"] = lambda raw: parse(spec, raw, reading)
        quick = kind.quick(field, self.reading)
        default = self._default(field)
        yield f"r = get({field.key!r}, absent)"
        yield f"if r is absent: v{i} = {default}"
        if quick is not None:
            test, value, names = quick.written("r", f"q{i}")
            self.names |= names
            yield f"elif {test}: v{i} = {value}"
        if not self.reading.strict:
            yield f"elif r == '': v{i} = None"
        yield "else:"
        yield f"  v{i} = parse{i}(r)"
        yield f"  if v{i}.__class__ is Problem: return None"
        if field.key in self.rule.default_runs:
            yield f"a{i} = r is absent"
        if self.channel == "import" and default != "None":
            yield f"if v{i} is None: v{i} = {default}"

    def _unread(self, field: Field) -> Iterator[str]:
        i = self.at[field.key]
        if field in self.rule.rollups:
            self.names[f"d{i}"] = NOTHING_YET.get(field.rollup.aggregate if field.rollup else "")
            yield f"v{i} = d{i}"
        else:
            yield f"v{i} = {self._default(field)}"
        if field.key in self.rule.default_runs:
            yield f"a{i} = True"

    def _default(self, field: Field) -> str:
        if self.rule.defaults.get(field.key) is None:
            return "None"
        self.names[f"d{self.at[field.key]}"] = self.rule.defaults[field.key]
        return f"d{self.at[field.key]}"

    # -- What follows from it

    def _settle(self) -> Iterator[str]:
        """Snapshots, what expressions see, computed fields; a hidden field is empty, or the long way finds out what that changes."""
        for n, copy in enumerate(self.rule.copies):
            self.names[f"copy{n}"] = copy.value
            yield f"v{self.at[copy.field.key]} = None if v{self.at[copy.reference]} is None else copy{n}(references)"
        for formula in self.rule.computed:
            yield f"v{self.at[formula.field.key]} = {self._default(formula.field)}"
        seen = [f"{name!r}: {self._seen(name)}" for name in sorted(self.rule.names) if name in self.at or name in SYSTEM_NAMES]
        yield f"env = {{{', '.join([*seen, f'{IS_NEW!r}: True'] if self.rule.looks_back else seen)}}}"
        yield "for head, record in references.items():"
        yield "  for name in record: env[head + '.' + name] = record[name]"
        for formula in self.rule.computed:
            i = self.at[formula.field.key]
            kind, spec = FIELD_TYPES[formula.field.type], formula.field
            self.names[f"run{i}"], self.names[f"from{i}"] = formula.run, partial(kind.from_expression, spec)
            yield f"v{i} = run{i}(env, at)"
            if type(kind).from_expression is not FieldType.from_expression:
                yield f"if v{i} is not None: v{i} = from{i}(v{i})"
            yield f"env[{spec.key!r}] = {self._seen(spec.key)}"
        for key, run in self.rule.visible.items():
            i = self.at[key]
            self.names[f"visible{i}"] = run
            yield f"h{i} = visible{i}(env, at) is not True"
            yield f"if h{i} and v{i} is not None: return None"

    def _seen(self, name: str) -> str:
        """A variable as expressions see it."""
        if name not in self.at:
            return "None"  # the id and the stamps of what is not stored yet
        i, field = self.at[name], self.object_type.fields[name]
        if field.type in AS_STORED:
            return f"v{i}"
        kind = FIELD_TYPES[field.type]
        self.names[f"to{i}"] = partial(kind.to_expression, field)
        return f"None if v{i} is None else to{i}(v{i})"

    def _wanting(self, key: str) -> str:
        """JSON that says null means it."""
        i = self.at[key]
        return f"(v{i} is None and a{i})" if self.channel == "api" else f"v{i} is None"

    def _defaults(self) -> Iterator[str]:
        """Those that are worked out, in the order of the fields; each sees the ones before it."""
        for key, run in self.rule.default_runs.items():
            i, field = self.at[key], self.object_type.fields[key]
            self.names[f"default{i}"], self.names[f"from{i}"] = run, partial(FIELD_TYPES[field.type].from_expression, field)
            yield f"if {self._wanting(key)}:"
            yield f"  v{i} = from{i}(default{i}(env, at))"
            yield f"  env[{key!r}] = {self._seen(key)}"

    # -- What is wrong with it: then this is not the place to say so

    def _judge(self) -> Iterator[str]:
        for f in self.fields:
            if f.computed or f.derived or f.readonly or f.pattern:
                continue
            i, shown = self.at[f.key], f" and not h{self.at[f.key]}" if f.key in self.rule.visible else ""
            if f.required:
                yield f"if v{i} is None{shown}: return None"
            elif f.key in self.rule.required:
                self.names[f"required{i}"] = self.rule.required[f.key]
                yield f"if v{i} is None{shown} and required{i}(env, at) is True: return None"
        for n, (check, run) in enumerate(self.rule.checks):
            self.names[f"check{n}"] = run
            shown = f"not h{self.at[check.field]} and " if check.field in self.rule.visible else ""
            yield f"if {shown}check{n}(env, at) is False: return None"
