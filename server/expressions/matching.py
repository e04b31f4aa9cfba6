"""Finding the form of a function for the types at hand, and keeping numbers in range."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.expressions import limits
from server.expressions.checked import Fact, Missing
from server.expressions.function import BASE, Form, Size
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NULL, NUMBER, TEXT, TEXTS, Type

_TYPES = {t.name: t for t in (TEXT, INTEGER, NUMBER, BOOLEAN, DATE, DATETIME, TEXTS)}


@dataclass(frozen=True)
class Matched:
    forms: tuple[Form, ...]
    type: Type
    size: Size


def unify(types: Iterable[Type]) -> Type | None:
    """The one type of all: integer among numbers is a number, null is anything. None when they do not go together."""
    found: Type = NULL
    for kind in types:
        if kind in (found, NULL):
            continue
        if found == NULL:
            found = kind
        elif {found, kind} == {INTEGER, NUMBER}:
            found = NUMBER
        else:
            return None
    return found


def convert(fact: Fact, wanted: Type) -> None:
    """Note that the part's value is wanted as another type."""
    if fact.given == wanted:
        return
    fact.to = wanted
    if wanted == NUMBER:
        fact.size = Size(1, max(fact.size.large, 1)) if fact.type == INTEGER and fact.literal is Missing else fact.size


def join_sizes(facts: Sequence[Fact]) -> Size:
    return Size(min(f.size.small for f in facts), max(f.size.large for f in facts))


def settle_into(fact: Fact) -> None:
    """The value must be in the range of stored numbers from here on."""
    if fact.given == NUMBER and (fact.size.small < BASE.small or fact.size.large > BASE.large):
        fact.settle = True
        fact.size = BASE


def match(forms: Sequence[Form], facts: Sequence[Fact]) -> Matched | int:
    """The first form that takes these arguments, with the arguments converted; else the index of the argument that fits worst."""
    furthest = 0
    for form in forms:
        if len(facts) < form.fewest or (form.most is not None and len(facts) > form.most):
            continue
        kinds = _kinds(form, facts)
        if isinstance(kinds, int):
            furthest = max(furthest, kinds)
            continue
        result = _result_type(form, kinds)
        size = _size(form, result, facts, kinds)
        if result == INTEGER and callable(form.size) and size.large > limits.INTEGER:
            if form is not forms[-1] and not form.may_be_null:
                continue  # the next form guards against overflow
            size = Size(1, limits.INTEGER)
        for fact, kind in zip(facts, kinds):
            convert(fact, kind)
        if result == NUMBER:
            size = _in_range(form, facts)
        elif form.result == TEXT.name:
            _settle(facts)  # what is written out in digits is a number that exists
        return Matched((form,), result, size)
    return furthest


def _kinds(form: Form, facts: Sequence[Fact]) -> list[Type] | int:
    """The type each argument is wanted as, or the index of the first that cannot be."""
    wanted = [form.param(i, len(facts)) for i in range(len(facts))]
    generic = [f.given for f, p in zip(facts, wanted) if p.type in ("T", "N")]
    one = unify(generic) if generic else NULL
    if one is None:
        return next(i for i in range(len(facts)) if unify(generic[: i + 1]) is None) if len(generic) == len(facts) else len(facts) - 1
    kinds: list[Type] = []
    for index, (fact, param) in enumerate(zip(facts, wanted)):
        pattern = param.type
        if param.literal and not (isinstance(fact.literal, int) and param.literal[0] <= fact.literal <= param.literal[1]):
            return index
        kind = one if pattern in ("T", "N") else fact.given if pattern == "A" else _TYPES[pattern]
        if (pattern == "N" and one not in (INTEGER, NUMBER)) or not _fits(fact.given, kind):
            return index
        kinds.append(kind)
    return kinds


def _fits(given: Type, wanted: Type) -> bool:
    return given in (wanted, NULL) or (wanted == NUMBER and given == INTEGER) or (wanted == DATE and given == DATETIME)


def _result_type(form: Form, kinds: Sequence[Type]) -> Type:
    if form.result not in ("T", "N"):
        return _TYPES[form.result]
    return kinds[-1]


def _size(form: Form, result: Type, facts: Sequence[Fact], kinds: Sequence[Type]) -> Size:
    if result != INTEGER:
        return BASE
    if callable(form.size):
        return form.size(*(f.size for f in facts))
    if form.result in ("T", "N"):
        return join_sizes([f for f, k in zip(facts, kinds) if k == INTEGER])
    return Size(1, form.limit)


def _settle(facts: Sequence[Fact]) -> None:
    for fact in facts:
        settle_into(fact)


def _in_range(form: Form, facts: Sequence[Fact]) -> Size:
    """The size of a number result; arguments are settled where it could leave the range that every engine can hold."""
    numbers = [f for f in facts if f.given == NUMBER]
    if form.result == "T":
        return join_sizes(numbers)
    if not callable(form.size):
        _settle(facts)
        return form.size
    size = form.size(*(f.size for f in numbers))
    for fact in sorted(numbers, key=lambda f: max(f.size.large, 1 / f.size.small), reverse=True):
        if size.small >= limits.SAFE_SMALL and size.large <= limits.SAFE_LARGE:
            break
        settle_into(fact)
        size = form.size(*(f.size for f in numbers))
    return size
