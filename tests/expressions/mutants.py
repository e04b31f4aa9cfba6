"""Mutation testing of the language with mutmut: small changes of its code, each of which a test should notice. `make mutants`.

    python -m tests.expressions.mutants --sample 400 --seed 1

Works on a copy, prints the survivors and how many were killed, and ends with 1 when it is less than 90 %.
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
from pathlib import Path

HOME = Path(__file__).parents[2]
PARTS = ("server", "admin_ui", "schemas", "migrations", "workflows", "tests", "pyproject.toml")
GOAL = 0.9
NOBODY = "server.expressions.nobody"  # no such mutant: all are made, none is tried


def run(folder: Path, names: Sequence[str], workers: int) -> None:
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names]
    environment = {**os.environ, "WEATHERGLASS_TEST_POSTGRES": "none"}
    with (folder / "mutmut.log").open("a") as log:
        subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)


def results(folder: Path) -> dict[str, int | None]:
    """Mutant -> what pytest ended with: 0 when no test noticed."""
    found: dict[str, int | None] = {}
    for path in sorted((folder / "mutants/server/expressions").rglob("*.meta")):
        found |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return found


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
