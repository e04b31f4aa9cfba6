"""The problems that every kind's check reports, said in one way."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from server.config.catalog import Catalog
from server.config.names import did_you_mean, shown
from server.errors import Problem, Text
from server.expressions.check import check
from server.expressions.types import Scope, Type
from server.expressions.units import unit_problems

TITLES = {
    "field": Text("字段", "field"),
    "section": Text("分组", "section"),
    "state": Text("状态", "state"),
    "group": Text("组", "group"),
    "class": Text("分类", "class"),
    "level": Text("等级", "level"),
}


_placed: ContextVar[dict[str, tuple[Scope, Type | None]] | None] = ContextVar("placed", default=None)


@contextmanager
def expressions_placed() -> Iterator[dict[str, tuple[Scope, Type | None]]]:
    """While documents are checked inside it: where each of their expressions stands, with what it may name and what it must give. An
    editor learns it from the check itself, so that the two cannot differ."""
    found: dict[str, tuple[Scope, Type | None]] = {}
    token = _placed.set(found)
    try:
        yield found
    finally:
        _placed.reset(token)


def formula(path: str, source: str, scope: Scope, expect: Type | None = None) -> list[Problem]:
    """What is wrong with a formula, and where units do not fit; an empty one is for the caller to judge."""
    if (placed := _placed.get()) is not None:
        placed[path] = (scope, expect)
    if not source.strip():
        return []
    checked, problems = check(source, scope, expect)
    return [replace(p, path=path) for p in (*problems, *(unit_problems(checked) if checked else ()))]


def unknown(path: str, what: str, wrong: str, known: Iterable[str], catalog: Catalog | None = None) -> Problem:
    """A name that names nothing. `what`: a word of TITLES or the key of a kind."""
    title = TITLES.get(what) or (catalog.kinds[what].title if catalog and what in catalog.kinds else Text(what, what))
    message = Text(f"没有{title.zh} “{shown(wrong)}”", f"There is no {title.en.lower()} “{shown(wrong)}”")
    return Problem(path, message, did_you_mean(wrong, known), code=f"unknown_{what}")


def expected(path: str, kind: str, key: str, catalog: Catalog) -> Iterator[Problem]:
    """A document that must be there."""
    if catalog.get(kind, key) is None:
        yield unknown(path, kind, key, catalog.parsed.get(kind, {}), catalog)


def twice(paths: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """(path, key) pairs of which each key may stand once."""
    seen: set[str] = set()
    for path, key in paths:
        if key in seen:
            yield Problem(path, Text(f"“{shown(key)}” 重复", f"“{shown(key)}” stands twice"), code="duplicate")
        seen.add(key)


def wrong(path: str, zh: str, en: str, code: str, hint: Text | None = None) -> Problem:
    return Problem(path, Text(zh, en), hint, code=code)


def warning(path: str, zh: str, en: str, code: str, hint: Text | None = None) -> Problem:
    return Problem(path, Text(zh, en), hint, severity="warning", code=code)
