"""Mutation testing of the language with mutmut: small changes of its code, each of which a test should notice. `make mutants`.

    python -m tests.expressions.mutants --sample 400 --seed 1

Works on a copy, prints the survivors and how many were killed, and ends with 1 when it is less than 90 %. mutmut imports the language once and
tries each change in a fork: what is worked out at import (the records of functions, their SQL) is the unchanged one there. So what survives is
tried again in a process of its own, and on PostgreSQL too.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.postgres import NoPostgresError, postgres

HOME = Path(__file__).parents[2]
PARTS = ("server", "admin_ui", "schemas", "migrations", "workflows", "tests", "pyproject.toml")
GOAL = 0.9
PATIENCE = 600  # seconds for the tests of one change
NOBODY = "server.expressions.nobody"  # no such mutant: all are made, none is tried


def run(folder: Path, names: Sequence[str], workers: int) -> None:
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names]
    environment = {**os.environ, "WEATHERGLASS_TEST_POSTGRES": "none"}
    with (folder / "mutmut.log").open("a") as log:
        subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)


def noticed_afresh(folder: Path, name: str, server: str) -> bool:
    """Whether a test fails in a new process that knows nothing but the changed code."""
    command = [sys.executable, "-m", "pytest", "-n0", "-x", "-q", "-p", "no:cacheprovider", "tests/expressions/mutant_rows.py"]
    environment = {**os.environ, "MUTANT_UNDER_TEST": name, "WEATHERGLASS_TEST_POSTGRES": server}
    try:
        ended = subprocess.run(command, cwd=folder / "mutants", env=environment, capture_output=True, timeout=PATIENCE, check=False).returncode
    except subprocess.TimeoutExpired:
        return True
    return ended != 0


def results(folder: Path) -> dict[str, int | None]:
    """Mutant -> what pytest ended with: 0 when no test noticed."""
    found: dict[str, int | None] = {}
    for path in sorted((folder / "mutants/server/expressions").rglob("*.meta")):
        found |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return found


def _server(stack: ExitStack) -> str:
    try:
        return stack.enter_context(postgres())
    except NoPostgresError as error:
        print(f"without PostgreSQL: {error}")
        return "none"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.expressions.mutants")
    parser.add_argument("--sample", type=int, default=400, help="0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where to work, kept afterwards")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weatherglass-mutants-") as temporary:
        folder = chosen.folder or Path(temporary)
        for part in PARTS:
            source, target = HOME / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
            else:
                target.write_bytes(source.read_bytes())
        run(folder, [NOBODY], chosen.workers)
        names = list(results(folder))
        picked = names if not chosen.sample else random.Random(chosen.seed).sample(names, min(chosen.sample, len(names)))
        run(folder, picked, chosen.workers)
        ended = results(folder)
        tried = [name for name in picked if ended.get(name) is not None]
        survivors = [name for name in tried if ended[name] in (0, 33)]  # 33: no test comes by
        print(f"{len(survivors)} of {len(tried)} to be tried in processes of their own", flush=True)
        with ExitStack() as stack:
            server = _server(stack)
            with ThreadPoolExecutor(chosen.workers) as pool:
                noticed = list(pool.map(lambda name: noticed_afresh(folder, name, server), survivors))
        survivors = [name for name, was in zip(survivors, noticed) if not was]
        for name in survivors:
            print("survives:", name)
        killed = len(tried) - len(survivors)
        print(f"{killed} of {len(tried)} killed ({killed / max(len(tried), 1):.1%}); {len(names):,} mutants in all; seed {chosen.seed}")
        if not tried:
            print((folder / "mutmut.log").read_text("utf-8")[-3000:])
        if killed < GOAL * len(tried) or not tried:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
