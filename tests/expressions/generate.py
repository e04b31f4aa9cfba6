"""Random well-typed expressions and the rows they are run on."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.expressions import limits
from server.expressions.function import Form, Param
from server.expressions.functions.change import IS_NEW, earlier
from server.expressions.registry import FUNCTIONS
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, TEXTS, Name, Scope, Type

KINDS = ("boolean", "number", "integer", "text", "date", "datetime")
KEYS = ("tools", "safety", "电气", "hydraulics")
NAMES = {
    "count_a": Name(INTEGER),
    "count_b": Name(INTEGER),
    "amount": Name(NUMBER),
    "ratio": Name(NUMBER),
    "name": Name(TEXT, length=100),
    "customer.region": Name(TEXT, length=100),
    "等级": Name(TEXT, length=100),
    "active": Name(BOOLEAN),
    "held": Name(BOOLEAN),
    "ordered_on": Name(DATE),
    "due_on": Name(DATE),
    "created_at": Name(DATETIME),
    "closed_at": Name(DATETIME),
    "lines": Name(TEXTS),
    "flags": Name(TEXTS),
}
SCOPE = Scope(NAMES, before=frozenset(name for name in NAMES if "." not in name))
# What a row holds: the names, their values before the change, and whether the record is new.
HELD: dict[str, Type] = {name: known.type for name, known in NAMES.items()}
HELD |= {earlier(name): NAMES[name].type for name in sorted(SCOPE.before or ())} | {IS_NEW: BOOLEAN}
_BIG = limits.INTEGER
INTEGERS = (0, 1, -1, 2, 3, 7, 12, -5, 90, 365, 1000, -1000, _BIG, -_BIG, _BIG - 1, 2**53 + 1, 3037000500, 2147483647, -2147483648, 2147483648)
NUMBERS = (
    0.0,
    0.1,
    0.2,
    0.3,
    -0.1,
    0.5,
    1.5,
    2.5,
    -2.5,
    2.675,
    1.005,
    100.0,
    -40.0,
    99.995,
    1e-9,
    5e-10,
    4.9e-10,
    1e15,
    123456789.125,
    9.9e99,
    -9.9e99,
    1e-99,
    1e50,
    -1e-60,
)
NUMBERS += (0.1 + 0.2, 4503599627370497.0, 2251799813685249.5, 9007199254740993.0, 1e18, 9.223372036854776e18, 230.0, -231.0, 1 / 3)
TEXTS_ = (
    "",
    " ",
    "a",
    "A",
    "ab",
    "客户",
    "客户编号",
    "Äpfel",
    "äpfel",
    "straße",
    "ΣΑΣ",
    "😀x",
    "经",
    "纪",
    "C-00001",
    "%",
    "_",
    "it's",
    'say "x"',
    "back\\slash",
    "　全角 ",
    "z",
    "Z",
    "é",
    "tools",
    "2024-02-29",
    "2023-02-29",
    " 2024-12-31",
    "0000-01-01",
    "-12.50",
    " 7 ",
    "1e3",
    "0.0000000005",
    "a,b,,c",
    "aaa",
    "ǆ",
    "e\u0301",
    ",",
    "x\u2028y",
)
DATES = tuple(
    date.fromisoformat(d)
    for d in ("2024-02-29", "2023-02-28", "2024-01-31", "2024-03-31", "2024-12-31", "2025-01-01", "2000-02-29", "1900-03-01", "0001-01-01")
)
DATES += tuple(
    date.fromisoformat(d)
    for d in (
        "9999-12-31",
        "9999-12-26",
        "9999-12-27",
        "2024-03-15",
        "2024-03-16",
        "2024-03-17",
        "0999-05-05",
        "2024-02-28",
        "2020-12-31",
        "2024-03-10",
        "2024-11-03",
    )
)
MOMENTS = tuple(
    datetime(2024, m, d, h, 30, s, us, tzinfo=UTC)
    for m, d, h, s, us in ((2, 29, 23, 59, 999999), (3, 15, 10, 0, 0), (3, 15, 16, 0, 1), (1, 1, 0, 0, 0), (12, 31, 20, 1, 500000))
)
MOMENTS += (
    datetime(1900, 1, 1, 12, tzinfo=UTC),
    datetime(2199, 7, 1, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2024, 3, 10, 7, 0, tzinfo=UTC),
    datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
    datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
    datetime(2024, 3, 10, 6, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 4, 6, 15, 0, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Values with their extremes, a sixth of them null."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        row = {key: _value(kind.name, chance) if chance.random() > 0.16 else None for key, kind in HELD.items()}
        row |= {earlier(name): row[name] for name in SCOPE.before or () if chance.random() < 0.3}
        made.append(row)
    made[0] = dict.fromkeys(HELD)
    return made


def _value(kind: str, chance: random.Random) -> Any:
    if kind == "integer":
        return chance.choice((*INTEGERS, -_BIG - 1)) if chance.random() < 0.7 else chance.randint(-200, 200)
    if kind == "number":
        picked = chance.choice(NUMBERS) if chance.random() < 0.7 else round(chance.uniform(-500, 500), chance.randint(0, 4))
        return float(picked)
    if kind == "text":
        return chance.choice(TEXTS_)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "date":
        return chance.choice(DATES) if chance.random() < 0.7 else date(2020, 1, 1) + timedelta(days=chance.randint(0, 2500))
    if kind == "datetime":
        return chance.choice(MOMENTS)
    return chance.sample(KEYS, chance.randint(1, 3)) if chance.random() < 0.8 else None


# What an expression of a kind can be. <kind> is a part of that kind, <a|b> one of several words, <same> a part of the kind compared here.
CHOICES = (
    "(<{0}> if <boolean> else <{0}>)",
    "coalesce(<{0}>, <{0}>)",
    "case(<boolean>, <{0}>, <boolean>, <{0}>)",
    "case(<boolean>, <{0}>, <{0}>)",
    "(<{0}> if <boolean> else None)",
)
# The operators; calls of functions are made from the functions' own records.
FORMS: dict[str, tuple[str, ...]] = {
    "integer": (
        "(<integer> <+|-|*|//|%> <integer>)",
        "(<integer> <+|-|*> <integer>)",
        "-(<integer>)",
        "clamp(<integer>, <integer>, <100|count_b>)",
        "days_between(<date>, <moment>)",
        "band(<number>, 1, 20.5, <number>)",
    ),
    "number": (
        "(<any_number> <+|-|*|/> <number>)",
        "(<any_number> <+|-|*|/> <number>)",
        "(<any_number> <//|%> <number>)",
        "(<any_number> ** <ratio|amount|count_b|7.25|-0.75>)",
        "(<number> ** <2|3|-1|0.5|0>)",
        "-(<number>)",
        "scale(<number>, <0|20|-5.5>, <100|0.5>, <number>, <number>)",
    ),
    "text": (),
    "boolean": (
        "(<same> <compare> <same>)",
        "(<same> <compare> <same>)",
        "(<same> <order> <same> <compare> <same>)",
        "(<number> <compare> <literal>)",
        "(<boolean> and <boolean>)",
        "(<boolean> or <boolean>)",
        "(<boolean> and <boolean> or <boolean>)",
        "(not <boolean>)",
        "(<boolean> <==|!=> <boolean>)",
        "(<same> <is|is not> None)",
        "(<same> <in|not in> [<same>, <same>])",
        "(<boolean> <in|not in> [<boolean>, <boolean>])",
        "(<key> <in|not in> <list>)",
    ),
    "date": ("date(<2023|2024>, <2|12>, <small>)", "date(<small>, <small>, <29|31>)"),
    "datetime": (),
    "list": (),
}
_SLOT = re.compile(r"<([^<>]+)>")
BEFORE = {kind: [name for name, known in NAMES.items() if known.type.name == kind and name in (SCOPE.before or ())] for kind in (*KINDS, "list")}
OF_MOMENTS = {f.name for f in FUNCTIONS.values() for form in f.forms if form.params and form.params[0].type == "datetime"}
# What makes a value of a kind: the name and a form of it.
CALLS: dict[str, tuple[tuple[str, Form], ...]] = {
    kind: tuple(
        (function.name, form)
        for function in FUNCTIONS.values()
        for form in function.forms
        if kind == form.result or form.result == "T" or (form.result == "N" and kind in ("integer", "number"))
    )
    for kind in (*KINDS, "list")
}


class Maker:
    """One random expression; `draw` gives a whole number below its argument, so that hypothesis can shrink it."""

    def __init__(self, draw: Callable[[int], int]) -> None:
        self.draw = draw

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.draw(len(choices))]

    def make(self, kind: str, depth: int) -> str:
        if depth <= 0 or kind == "list" or self.draw(6) == 0:
            return self.leaf(kind)
        picked = self.draw(10)
        if picked < 5 and CALLS[kind]:
            return self.call(*self.pick(CALLS[kind]), kind, depth)
        form = self.pick(FORMS[kind] + tuple(c.format(kind) for c in CHOICES) if picked < 9 or not FORMS[kind] else FORMS[kind])
        same = self.pick(("integer", "number", "number", "text", "date", "datetime")) if "<same>" in form else ""
        return _SLOT.sub(lambda found: self.part(found[1], same, depth - 1), form)

    def call(self, name: str, form: Form, kind: str, depth: int) -> str:
        """A call that a form of a function takes; T and N stand for the kind wanted."""
        if form.earlier:
            wanted = kind if form.result == "T" else form.params[0].type if form.params and form.params[0].type != "T" else self.pick((*KINDS, "list"))
            return f"{name}({self.pick(BEFORE[wanted]) if form.params else ''})"
        count = max(form.fewest, len(form.params)) + (self.draw(3) * form.repeat if form.repeat else 0) + (self.draw(2) if form.repeat == 2 else 0)
        kind = kind if form.result in ("T", "N") else self.pick(("integer", "number", "text", "date", "datetime", "boolean"))
        parts = [self.argument(form.param(i, count), kind, depth - 1) for i in range(count)]
        if form.params and form.params[0].type == "date" and name not in OF_MOMENTS and not self.draw(6):
            parts[0] = self.make("datetime", depth - 1)  # its local day is meant
        return f"{name}({', '.join(parts)})"

    def argument(self, param: Param, kind: str, depth: int) -> str:
        if param.literal:
            return str(param.literal[0] + self.draw(param.literal[1] - param.literal[0] + 1))
        if param.type == "N":
            return self.make("integer" if kind == "integer" else self.pick(("number", "number", "integer")), depth)
        if param.type == "A":
            return self.make(self.pick(("integer", "number", "text", "date", "datetime", "boolean", "list")), depth)
        if param.type == "T":
            return self.make(kind, depth)
        if param.type == "integer" and self.draw(3):
            return self.small()
        if param.type == "number" and not self.draw(5):
            return self.make("integer", depth)
        return self.make(param.type, depth)

    def small(self) -> str:
        """Such numbers as places, counts and hours have."""
        return self.pick(("0", "1", "2", "3", "count_b", f"({self.draw(60) - 12})"))

    def part(self, name: str, same: str, depth: int) -> str:
        if name in FORMS:
            return self.make(name, depth)
        if name == "same":
            return self.make(same, depth)
        if name == "small":
            return self.small()
        if name == "any_number":
            return self.make(self.pick(("number", "integer")), depth)
        if name == "moment":
            return self.make(self.pick(("date", "datetime")), depth)
        if name == "literal":
            return repr(float(self.pick([v for v in NUMBERS if v >= 0])))
        if name == "key":
            return self.pick([*map(repr, KEYS), "name"])
        if name == "compare":
            return self.pick(("<", "<=", ">", ">=", "==", "!="))
        if name == "order":
            return self.pick(("<", "<="))
        return self.pick(name.split("|"))

    def leaf(self, kind: str) -> str:
        day = self.pick(DATES)
        day_text = f"date({day.year}, {day.month}, {day.day})"
        leaves: dict[str, Sequence[str]] = {
            "integer": ("count_a", "count_b", "count_a", f"({self.pick(INTEGERS)})", f"({self.draw(400) - 200})"),
            "number": ("amount", "ratio", "amount", f"({float(self.pick(NUMBERS))!r})", f"{self.draw(1000) / 8}"),
            "text": ("name", "customer.region", "等级", repr(self.pick(TEXTS_))),
            "boolean": ("active", "held", "True", "False", "(amount > 3)", "(count_a <= count_b)", "(name == '客户')"),
            "date": ("ordered_on", "due_on", "today()", day_text),
            "datetime": (
                "created_at",
                "closed_at",
                "now()",
                "created_at",
                f"moment(date({day.year}, {day.month}, {day.day}), {self.draw(25)}, {self.draw(61)})",
            ),
            "list": ("lines", "flags", "lines", repr([self.pick(KEYS)]), repr([self.pick(KEYS), self.pick(KEYS)])),
        }
        return self.pick(leaves[kind])
