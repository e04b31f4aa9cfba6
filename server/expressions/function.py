"""What a function or an operator of the language is: one record with its types, both sides, its help and its examples.

A side in SQL is a template. `{0}`, `{1}` are the arguments by position, `{0:key}` what comparison of numbers looks at,
`{*}` all arguments, `{rest}` all but the first, `{rest:key}` their keys, `{1:up} {1:down}` the scales of a literal number of decimals.
`{today} {now} {zone}` are the moment of evaluation. Upper case names are constants of the writer (sqlwriter.py). Operands are put in
brackets where needed; a large operand that is mentioned twice is computed once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import Text
from server.expressions import limits


@dataclass(frozen=True)
class Size:
    """How small (when not 0) and how large a number can be: tells the checker where a result must be brought back into range."""

    small: float
    large: float


BASE = Size(limits.QUANTUM, limits.NUMBER)


CHOICE = "choice"


@dataclass(frozen=True)
class Param:
    """`type`: a type's name, or T (any one type), N (integer or number) - the same for all parameters of a form - or A (any type, each its own).
    `literal`: must be written as a literal whole number within the range. `option`: compared with the other such ones, so that a literal which
    the choice among them does not have is a mistake."""

    name: str
    type: str
    literal: tuple[int, int] | None = None
    option: bool = False


@dataclass(frozen=True)
class Form:
    """One way to call: parameter types, result, both sides.

    `python` is called with non-null values, and null comes out when one is null; with `sees_null` it is called always.
    `inline`: with {0} {1}; {rest}: all but the first, where they are literals; CHOICE: pairs of condition and value. Where the last of two parameters
    repeats, it is applied from left to right.
    Forms are tried in their order; a moment also fits a date (its local day), so that a form of moments stands before that of dates.
    With `at` its first argument is the moment. `repeat`: how many of the last parameters may be repeated; `least`: fewest arguments.
    `registered`: where SQLite's SQL cannot say it, its connections get the Python side as the function weatherglass_<registered>.
    """

    params: tuple[Param, ...]
    result: str
    python: Callable[..., Any]
    sql: str | Callable[[int], str] = ""
    postgresql: str | Callable[[int], str] = ""
    sees_null: bool = False
    at: bool = False
    repeat: int = 0
    least: int = -1
    size: Size | Callable[..., Size] = BASE
    limit: float = limits.INTEGER
    may_be_null: bool = False  # null can come out of values that are not null
    cause: Text | None = None  # why null came out then
    registered: str = ""
    earlier: bool = False  # the engines add the field's value before the change as last argument; without a parameter: whether the record is new
    inline: str = ""  # Python source of the same, for the generated function
    unguarded: str = ""  # like inline, where the sizes show that nothing can leave the range

    def template(self, count: int, postgresql: bool) -> str:
        if self.registered and not postgresql:
            return f"weatherglass_{self.registered}({'{zone}, ' if self.at else ''}{{*}})"
        side = (self.postgresql or self.sql) if postgresql else self.sql
        return side if isinstance(side, str) else side(count)

    def param(self, index: int, count: int) -> Param:
        """The parameter that the argument number `index` of `count` is for. Where pairs repeat, a single last argument is a value (the else)."""
        if self.repeat == 2 and index == count - 1 and (count - len(self.params)) % 2:
            return self.params[-1]
        if index < len(self.params) or not self.repeat:
            return self.params[min(index, len(self.params) - 1)]
        first = len(self.params) - self.repeat
        return self.params[first + (index - first) % self.repeat]

    @property
    def fewest(self) -> int:
        return self.least if self.least >= 0 else len(self.params)

    @property
    def most(self) -> int | None:
        return None if self.repeat else len(self.params)


@dataclass(frozen=True)
class Function:
    """`examples`: expressions over no names with what must come out, on every engine at 2024-03-15 10:30 UTC."""

    name: str
    family: str
    doc: Text
    forms: tuple[Form, ...]
    examples: tuple[tuple[str, Any], ...] = ()
    null: str = "propagates"  # "propagates": null when an argument is null; "handles": see the doc
    aliases: tuple[str, ...] = ()  # what other products call it, in their spelling, and Chinese words people search for

    def is_timed(self, count: int) -> bool:
        """With so many arguments it reads the day or the moment of the evaluation: its value changes without anything being saved."""
        fitting = (f for f in self.forms if f.fewest <= count and (f.most is None or count <= f.most))
        return any(word in form.template(count, True) for form in fitting for word in ("{today}", "{now}"))

    @property
    def signature(self) -> str:
        form = self.forms[0]
        names = [p.name for p in form.params]
        if form.repeat:
            names.append("...")
        return f"{self.name}({', '.join(names)})"


def params(**types: str) -> tuple[Param, ...]:
    return tuple(Param(name, kind) for name, kind in types.items())


def by_name(functions: tuple[Function, ...]) -> Mapping[str, Function]:
    found: dict[str, Function] = {}
    for function in functions:
        if function.name in found:
            raise ValueError(f"two functions are called {function.name}")
        found[function.name] = function
    return found


def by_alias(functions: Mapping[str, Function]) -> Mapping[str, Function]:
    """Foreign names in small letters. One name means one function; a function's own name is never a foreign name of another."""
    found: dict[str, Function] = {}
    for function in functions.values():
        for alias in (a.lower() for a in function.aliases):
            if alias in functions or alias in found:
                raise ValueError(f"{alias} is another name of two functions")
            found[alias] = function
    return found


def scales(digits: int) -> tuple[float, float]:
    """What rounding to so many decimals multiplies and divides by; one of the two is 1."""
    return 10.0 ** max(digits, 0), 10.0 ** max(-digits, 0)
