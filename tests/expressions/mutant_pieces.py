"""The tests of the language in small pieces that run one by one without pytest: for mutation testing, where the first that fails is enough."""

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from server.storage.session import Database
from tests.expressions import (
    test_amount_in_words,
    test_check,
    test_compile,
    test_conditions,
    test_conformance,
    test_examples,
    test_explain,
    test_hostile,
    test_limits,
    test_nearest,
    test_reference,
    test_small,
    test_sql,
    test_units,
)
from tests.expressions.engines import Engines
from tests.expressions.fuzz import Run, texts
from tests.expressions.generate import SCOPE, rows

MODULES: tuple[ModuleType, ...] = (
    test_small,
    test_check,
    test_examples,
    test_compile,
    test_conditions,
    test_explain,
    test_nearest,
    test_reference,
    test_units,
    test_hostile,
    test_amount_in_words,
    test_limits,
    test_sql,
)
# They look at what chance brings, at the clock or at many threads: what they would notice, a line of the others should say.
LEFT_OUT = {
    "test_tree_to_text_to_tree",
    "test_a_text_that_has_a_tree_means_the_same_after_the_way_back",
    "test_never_raises_on_any_text",
    "test_checked_in_many_threads",
    "test_disturbed_texts_for_a_second",
    "test_the_worst_stay_within_time_and_memory",
    "test_the_reference_stays_within_them_too",
    "test_what_is_written_says_the_amount",
    "test_no_text_is_longer_than_foreseen",
}
ROWS = 12  # of a test in one piece
LINES = 25  # of a file of cases in one piece
SEEDS = 8
Piece = Callable[[], None]


class Pieces:
    """Name -> piece, in an order that is the same each time. `databases` and `engines` are what pytest gives as fixtures."""

    def __init__(self, databases: dict[str, Database]) -> None:
        self.databases = databases

    @cache  # noqa: B019 it lives as long as the process
    def engines(self) -> Engines:
        return Engines(self.databases, SCOPE, rows(12, seed=7))

    def all(self) -> dict[str, Piece]:
        return dict(itertools.chain(self._tests(), self._lines(), self._chance()))

    def _tests(self) -> Iterator[tuple[str, Piece]]:
        for module in MODULES:
            for name, function in vars(module).items():
                if name.startswith("test_") and inspect.isfunction(function) and name not in LEFT_OUT and function.__module__ == module.__name__:
                    held = list(rows_of(function))
                    for start in range(0, len(held), ROWS):
                        yield f"{module.__name__.rpartition('.')[2]}.{name}:{start}", partial(self._run, function, held[start : start + ROWS])

    def _run(self, function: Callable[..., None], held: Sequence[Mapping[str, Any]]) -> None:
        wanted = inspect.signature(function).parameters
        fixtures: dict[str, Any] = {"databases": self.databases} if "databases" in wanted else {}
        if "engines" in wanted:
            fixtures["engines"] = self.engines()
        for row in held:
            function(**row, **fixtures)

    def _lines(self) -> Iterator[tuple[str, Piece]]:
        for path in test_conformance.FILES:
            for start in range(0, len(test_conformance.lines(path)), LINES):
                for engine in ("python", *self.databases):
                    yield f"{path.name}:{start + 2} {engine}", partial(self._agree, path, start, engine)

    def _agree(self, path: Path, start: int, engine: str) -> None:
        made = checked_lines(path, start)
        if engine == "python":
            wrong = [text for line, checked in made for text in test_conformance.in_python(line, checked)]
        else:
            groups = itertools.groupby(made, key=lambda m: m[0].at)
            wrong = [text for _, group in groups for text in test_conformance.in_database(engine, self.databases[engine], list(group))]
        assert not wrong, wrong[0]

    def _chance(self) -> Iterator[tuple[str, Piece]]:
        for seed in range(SEEDS):
            yield f"random expressions:{seed}", partial(self._compare, seed)

    def _compare(self, seed: int) -> None:
        totals = Run(self.engines()).all(texts(seed), seed, 24)
        assert not totals.findings, totals.findings[0]


@cache
def checked_lines(path: Path, start: int) -> list[tuple[test_conformance.Line, Any]]:
    return [(line, test_conformance.checked_of(line)) for line in test_conformance.lines(path)[start : start + LINES]]


def rows_of(function: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each row of a parametrised test."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    axes = []
    for mark in marks:
        names, held = mark.args[0], mark.args[1]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        held = [row.values if hasattr(row, "values") and not isinstance(row, Mapping) else (row,) if len(names) == 1 else row for row in held]
        axes.append([dict(zip(names, row)) for row in held])
    for parts in itertools.product(*axes):
        yield {name: value for part in parts for name, value in part.items()}
