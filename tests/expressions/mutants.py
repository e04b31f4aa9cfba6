"""Mutation testing of the language: small changes of its code, as mutmut makes them, each of which a test should notice. `make mutants`.

    python -m tests.expressions.mutants --sample 400 --seed 1
    python -m tests.expressions.mutants --sample 0 --only nearest.py

Prints the changes that no test noticed and how many were noticed, and ends with 1 when that is less than 90 %. Changes that cannot be noticed,
because nothing comes out differently, are listed with the reason in tests/cases/expressions/equivalent.toml and counted openly.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import libcst
import sqlalchemy as sa
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, create_mutations

from tests.expressions.mutant_trial import Changed, Clean, clean, try_change
from tests.postgres import NoPostgresError, postgres

HOME = Path(__file__).parents[2]
FOLDER = HOME / "server/expressions"
EQUIVALENT = HOME / "tests/cases/expressions/equivalent.toml"
PARTS = ("server", "tests/expressions", "tests/cases/expressions", "tests/postgres.py", "pyproject.toml")
GOAL = 0.9


@dataclass(frozen=True)
class Mutant:
    """`lines`: first and last line of the function it is in; `was` and `now`: the lines that differ."""

    path: Path
    function: str
    lines: tuple[int, int]
    text: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(FOLDER)} {self.function}\n    - {self.was}\n    + {self.now}"


class Mutants:
    """All changes of one file, not yet written."""

    def __init__(self, path: Path) -> None:
        self.path, self.source = path, path.read_text("utf-8")
        self.module, found, _, _ = create_mutations(str(path), self.source)
        self.found = [m for m in found if isinstance(m.contained_by_top_level_function, libcst.FunctionDef)]

    @cached_property
    def lines(self) -> dict[libcst.CSTNode, tuple[int, int]]:
        """The first and the last line of each function."""
        places = MetadataWrapper(self.module, unsafe_skip_copy=True).resolve(PositionProvider)
        return {node: (at.start.line, at.end.line) for node, at in places.items() if isinstance(node, libcst.FunctionDef)}

    def lots(self, seed: int) -> Iterator[bytes]:
        """One for each change. It depends on the change alone, so that a sample stays the same but for what is written anew."""
        seen = Counter[str]()
        for mutation in self.found:
            function = mutation.contained_by_top_level_function
            assert function is not None
            sides = (self.module.code_for_node(node) for node in (mutation.original_node, mutation.mutated_node))
            change = "\0".join((str(seed), self.path.name, function.name.value, *sides))
            seen[change] += 1
            yield sha256(f"{change}\0{seen[change]}".encode()).digest()

    def write(self, mutation: Mutation) -> Mutant:
        function = mutation.contained_by_top_level_function
        assert function is not None
        text = self.module.deep_replace(mutation.original_node, mutation.mutated_node).code  # type: ignore[arg-type]
        return Mutant(self.path, function.name.value, self.lines[function], text, *differing(self.source.splitlines(), text.splitlines()))


def differing(a: list[str], b: list[str]) -> Iterator[str]:
    """Of two texts the lines in the middle, without what both begin and end with."""
    head = len(os.path.commonprefix([a, b]))
    tail = len(os.path.commonprefix([a[head:][::-1], b[head:][::-1]]))
    return (" ".join(line.strip() for line in lines[head : len(lines) - tail]) for lines in (a, b))


def sample(only: str, count: int, seed: int) -> tuple[list[Mutant], int]:
    """So many changes (0: all), and how many there are."""
    files = [Mutants(path) for path in sorted(FOLDER.rglob("*.py")) if only in str(path.relative_to(FOLDER))]
    found = [(lot, file, mutation) for file in files for lot, mutation in zip(file.lots(seed), file.found, strict=True)]
    picked = sorted(found, key=lambda f: f[0])[: count or None]
    return [file.write(mutation) for _, file, mutation in picked], len(found)


def order(mutant: Mutant, known: Clean) -> list[str]:
    """The pieces that can notice: those that run the function. What it did at import may be anywhere: then all, those near to it first."""
    first, last = mutant.lines

    def near(name: str) -> bool:
        return any(path == str(mutant.path) and first <= line <= last for path, line in known.ran[name])

    def akin(name: str) -> bool:
        return name.startswith(f"{mutant.path.stem}.csv") or any(path == str(mutant.path) for path, _ in known.ran[name])

    cheap = sorted(known.seconds, key=lambda name: known.seconds[name])
    hit = [name for name in cheap if near(name)]
    if hit and not any(path == str(mutant.path) and first <= line <= last for path, line in known.at_import):
        return hit
    return sorted(cheap, key=lambda name: (not near(name), not akin(name)))


def tried(mutants: Sequence[Mutant], known: Clean, servers: Sequence[str | None]) -> Iterator[tuple[Mutant, bool]]:
    """Each, and whether a test noticed it. As many at a time as there are servers' databases."""
    free, running = list(servers), dict[int, tuple[Mutant, str | None]]()
    for number, mutant in enumerate(mutants):
        name = ".".join(mutant.path.relative_to(HOME).with_suffix("").parts)
        server = free.pop()
        running[try_change(Changed(name, mutant.path, mutant.text), order(mutant, known), known, server)] = (mutant, server)
        while running and (not free or number == len(mutants) - 1):
            ended, status = os.wait()
            done, server = running.pop(ended)
            free.append(server)
            yield done, bool(status)


@contextmanager
def servers(count: int) -> Iterator[list[str | None]]:
    """A database for each worker; None where there is no PostgreSQL."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres())
        except NoPostgresError as error:
            print(f"without PostgreSQL: {error}")
            yield [None] * count
            return
        admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        names = [f"mutants_{os.getpid()}_{number}" for number in range(count)]
        with admin.connect() as connection:
            for name in names:
                connection.execute(sa.DDL(f'CREATE DATABASE "{name}" TEMPLATE template0'))
        yield [sa.make_url(server).set(database=name).render_as_string(hide_password=False) for name in names]
        with admin.connect() as connection:
            for name in names:
                connection.execute(sa.DDL(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


def equivalent(mutant: Mutant, known: Sequence[Mapping[str, str]]) -> bool:
    written = (str(mutant.path.relative_to(FOLDER)), mutant.function, mutant.was, mutant.now)
    return any((row["file"], row["function"], row["was"], row["now"]) == written for row in known)


def in_a_copy(arguments: Sequence[str]) -> int:
    """So that one may go on working while it runs."""
    with tempfile.TemporaryDirectory(prefix="weatherglass-mutants-") as folder:
        for part in PARTS:
            Path(folder, part).parent.mkdir(parents=True, exist_ok=True)
            if (HOME / part).is_dir():
                shutil.copytree(HOME / part, Path(folder, part))
            else:
                shutil.copy(HOME / part, Path(folder, part))
        process = subprocess.Popen([sys.executable, "-m", "tests.expressions.mutants", "--here", *arguments], cwd=folder)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process, which tells what it knows by then
        return process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.expressions.mutants")
    parser.add_argument("--sample", type=int, default=400, help="0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="of files whose path has this")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--here", action="store_true", help="without a copy: touch no file while it runs")
    chosen = parser.parse_args()
    if not chosen.here:
        raise SystemExit(in_a_copy(sys.argv[1:]))
    began = time.monotonic()
    picked, there_are = sample(chosen.only, chosen.sample, chosen.seed)
    print(f"{len(picked):,} of {there_are:,} changes", flush=True)
    with servers(chosen.workers) as databases:
        known = clean(FOLDER, databases[0])
        print(f"{len(known.seconds):,} pieces of tests, {sum(known.seconds.values()):.0f} s of computing while watched", flush=True)
        listed = tomllib.loads(EQUIVALENT.read_text("utf-8"))["mutant"]
        count = Counter[str]()
        with suppress(KeyboardInterrupt):  # what is known by then is told
            for mutant, was_noticed in tried(picked, known, databases):
                verdict = "noticed" if was_noticed else "equivalent" if equivalent(mutant, listed) else "survives"
                count[verdict] += 1
                if verdict != "noticed":
                    print(f"{verdict}: {mutant}", flush=True)
    total, noticed, same = count.total(), count["noticed"], count["equivalent"]
    print(f"{noticed} of {total} noticed ({noticed / max(total, 1):.1%}); {same} of the others change nothing (equivalent.toml): ", end="")
    print(f"{noticed / max(total - same, 1):.1%} without them; seed {chosen.seed}; {time.monotonic() - began:.0f} s")
    if total < len(picked) or noticed < GOAL * total:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
