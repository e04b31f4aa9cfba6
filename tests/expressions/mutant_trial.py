"""One changed language at a time, each in a fork of its own: the tests run there until one fails.

Nothing of the language is imported before the fork, so that what it works out at import (the records of functions, their SQL) is the changed
one too. All else is: a fork is ready in half a second.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

OURS = ("server", "admin_ui", "tests")
MEMORY = 6 * 2**30  # bytes of addresses: a change that eats memory is noticed too
Place = tuple[str, int]  # file, first line of a function


@dataclass
class Clean:
    """What the unchanged language did: seconds of each piece, the functions it ran, and those that ran at import."""

    seconds: dict[str, float] = field(default_factory=dict)
    ran: dict[str, set[Place]] = field(default_factory=dict)
    at_import: set[Place] = field(default_factory=set)
    modules: list[str] = field(default_factory=list)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from another text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, self.path, "exec"), module.__dict__)  # noqa: S102


class Overtime(BaseException):
    """A change without end."""


@contextmanager
def pieces(server: str | None) -> Iterator[Mapping[str, Callable[[], None]]]:
    """The tests, over a database file of their own and a database of the server."""
    from server.storage.session import Database  # noqa: PLC0415 not before the fork
    from tests.expressions.mutant_pieces import Pieces  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="weatherglass-mutant-") as folder:
        databases = {"sqlite": Database(f"sqlite:///{folder}/t.sqlite")}
        if server:
            databases["postgresql"] = Database(server)
        yield Pieces(databases).all()


def clean(folder: Path, server: str | None) -> Clean:
    """In a fork: every piece once, watched."""
    with tempfile.NamedTemporaryFile() as answer:
        child = os.fork()
        if not child:
            _leave_with(lambda: Path(answer.name).write_bytes(pickle.dumps(_watched(folder, server))))
        if os.waitpid(child, 0)[1]:
            raise SystemExit("the tests fail on the unchanged language")
        found: Clean = pickle.loads(Path(answer.name).read_bytes())
    for name in found.modules:
        importlib.import_module(name)
    return found


def _watched(folder: Path, server: str | None) -> Clean:
    found, hits = Clean(), set[CodeType]()

    def called(frame: FrameType, event: str, _: Any) -> None:
        hits.add(frame.f_code)

    def places() -> set[Place]:
        codes = hits.copy()
        hits.clear()
        return {(code.co_filename, code.co_firstlineno) for code in codes if code.co_filename.startswith(str(folder))}

    sys.settrace(called)
    with pieces(server) as all_of_them:
        found.at_import = places()
        for name, run in all_of_them.items():
            began = time.process_time()
            run()
            found.seconds[name] = time.process_time() - began
            found.ran[name] = places()
    sys.settrace(None)
    named = (name for name, module in sys.modules.items() if getattr(module, "__spec__", None) and name == module.__spec__.name)
    found.modules = [name for name in named if name.partition(".")[0] not in (*OURS, "__main__")]
    return found


def try_change(change: Changed, order: Sequence[str], known: Clean, server: str | None) -> int:
    """Forks; the child ends with 0 when no test noticed. Returns its process."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        _leave_with(lambda: _run(change, order, known, server))
    return child


def _run(change: Changed, order: Sequence[str], known: Clean, server: str | None) -> None:
    def late(*_: Any) -> None:
        raise Overtime

    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    sys.meta_path.insert(0, change)
    with pieces(server) as all_of_them:
        for name in order:
            signal.setitimer(signal.ITIMER_VIRTUAL, 10 + 10 * known.seconds[name])
            all_of_them[name]()


def _leave_with(work: Callable[[], Any]) -> None:
    """The end of a fork: 0 when the work was done, 1 when it raised."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 whatever a changed language raises
        if os.environ.get("MUTANTS_TELL"):
            traceback.print_exc()
    finally:
        os._exit(status)
