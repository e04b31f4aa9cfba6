"""A document of an outside schema taken apart into the members and rows that records are made of. Nothing in it is silently dropped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.config.names import pointer, shown
from server.errors import Problem, Text
from server.features.objects.contract import Contract, Places, judge, parts, place_of, told

_NOTHING = object()


@dataclass(frozen=True)
class TakenApart:
    """`raw`, `rows`: JSON values for the record and for each row, by the keys of fields. `problems`: what the schema has against the document."""

    raw: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]]
    problems: tuple[Problem, ...]


def take_apart(contract: Contract, document: Any) -> TakenApart:
    tokens = {at: [f"n{i + 1}" for i, _ in enumerate(_list_at(document, at))] for at, _ in contract.rows.values()}
    problems = [Problem(place_of(contract, at, tokens), p.message, p.hint, code=p.code) for error in judge(contract.schema, document) for at, p in told(error)]
    raw = _members(contract.places, document)
    rows = {key: [_members(places, item) for item in _list_at(document, at)] for key, (at, places) in contract.rows.items()}
    problems += [
        Problem(place_of(contract, at, tokens), Text(f"没有字段存放“{shown(at)}”", f"There is no field to hold “{shown(at)}”"), code="unknown_field")
        for at in _unknown(contract, document)
    ]
    return TakenApart(raw, rows, tuple(problems))


def _at(document: Any, at: str) -> Any:
    for part in parts(at):
        if not isinstance(document, Mapping) or part not in document:
            return _NOTHING
        document = document[part]
    return document


def _list_at(document: Any, at: str) -> list[Any]:
    found = _at(document, at)
    return found if isinstance(found, list) else []


def _members(places: Places, document: Any) -> dict[str, Any]:
    found = {}
    for key, at in places.at.items():
        value = _at(document, at)
        if value is not _NOTHING:
            found[key] = _option(places.values.get(key), value)
    return found


def _option(names: Mapping[str, Any] | None, value: Any) -> Any:
    """A value of the schema as the key of its option."""
    if isinstance(value, list):
        return [_option(names, v) for v in value]
    return next((key for key, v in (names or {}).items() if v == value and type(v) is type(value)), value)


def _unknown(contract: Contract, document: Any) -> Iterator[str]:
    yield from _unplaced(document, {*contract.places.at.values(), *(at for at, _ in contract.rows.values())}, "")
    for at, places in contract.rows.values():
        for i, item in enumerate(_list_at(document, at)):
            yield from (f"{at}/{i}{inner}" for inner in _unplaced(item, set(places.at.values()), ""))


def _unplaced(document: Any, places: set[str], at: str) -> Iterator[str]:
    """Members that no place leads to or into."""
    if at in places:
        return
    if not isinstance(document, Mapping):
        if at:
            yield at
        return
    for name, value in document.items():
        yield from _unplaced(value, places, at + pointer(name))
