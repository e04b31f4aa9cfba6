"""Files of rows as records: with every rule, history and audit, beside what only copies cells. In processor seconds: neighbours do not count."""

import csv
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from bench.account import IMPORTED, account, csv_file, xlsx_file
from bench.row import Row
from bench.setup import open_bench, peak_memory
from server.features.records.importing import CHUNK, import_file

SQLITE_UTILS = Path(sys.executable).with_name("sqlite-utils")


def spent() -> float:
    """Processor seconds of this process and of those it waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def seconds(run: Callable[[], Any]) -> float:
    start = spent()
    run()
    return spent() - start


def ours(folder: Path, file: Path, expected: int, *, assessed: bool = False) -> float:
    """A new database each time; making it is not measured."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        bench = open_bench(f"sqlite:///{name}/ours.sqlite", account("account", assessed=assessed))
        found: list[int] = []
        took = seconds(lambda: found.append(import_file(partial(bench.work, write=True, cause="import"), "account", file).created))
        bench.database.close()
        assert found == [expected]
    return took


def floor(folder: Path, file: Path) -> float:
    """csv.reader + executemany into an untyped table, nothing looked at."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        database = sqlite3.connect(f"{name}/floor.sqlite", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            database.execute(f"PRAGMA {pragma}")
        database.execute(f"CREATE TABLE account(id INTEGER PRIMARY KEY, {', '.join(f.key for f in IMPORTED)})")

        def run() -> None:
            with file.open(newline="", encoding="utf-8") as text:
                reader = csv.reader(text)
                columns = next(reader)
                database.execute("BEGIN IMMEDIATE")
                database.executemany(f"INSERT INTO account({', '.join(columns)}) VALUES({', '.join('?' * len(columns))})", reader)
                database.execute("COMMIT")

        took = seconds(run)
        database.close()
    return took


def ready_made(folder: Path, file: Path) -> float:
    """What SQLite alone takes for the records, their history and their audit rows: the tuples of a finished import written again, in the same chunks,
    into the same empty tables with the same indexes. Nothing is read, checked or computed: no import that keeps all this can be faster."""
    tables = ("o_account", "records_history", "audit_log")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        opened = open_bench(f"sqlite:///{name}/done.sqlite", account("account", assessed=False))
        import_file(partial(opened.work, write=True, cause="import"), "account", file)
        opened.database.close()
        open_bench(f"sqlite:///{name}/empty.sqlite", account("account", assessed=False)).database.close()
        done, empty = (sqlite3.connect(f"{name}/{which}.sqlite", isolation_level=None) for which in ("done", "empty"))
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            empty.execute(f"PRAGMA {pragma}")
        known = [row[0] for row in empty.execute("SELECT id FROM audit_log")]
        made = {table: done.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        made["audit_log"] = made["audit_log"][len(known) :]

        def run() -> None:
            for start in range(0, len(made["o_account"]), CHUNK):
                empty.execute("BEGIN IMMEDIATE")
                for table, rows in made.items():
                    part = rows[start : start + CHUNK]
                    empty.executemany(f"INSERT INTO {table} VALUES({', '.join('?' * len(part[0]))})", part)
                empty.execute("COMMIT")

        took = seconds(run)
        done.close()
        empty.close()
    return took


def sqlite_utils(folder: Path, file: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        command = [SQLITE_UTILS, "insert", f"{name}/utils.sqlite", "account", file, "--csv", "--silent"]
        return seconds(lambda: subprocess.run(command, check=True))


def calamine(file: Path) -> float:
    def run() -> None:
        for _ in CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).iter_rows():
            pass

    return seconds(run)


def rows(folder: Path, n: int, rounds: int) -> Iterator[Row]:
    """Each of them in turn, the median of each; the peer once, being slow."""
    text, sheet = csv_file(folder / "accounts.csv", n), xlsx_file(folder / "accounts.xlsx", n // 5)
    own, least, assessed, tables, bare = [], [], [], [], []
    for _ in range(rounds):
        own.append(ours(folder, text, n))
        least.append(floor(folder, text))
        assessed.append(ours(folder, text, n, assessed=True))
        tables.append(ours(folder, sheet, n // 5))
        bare.append(calamine(sheet))
    size = f"{n:,} rows of {len(IMPORTED)} columns, 5 computed fields, history, audit"
    yield Row(f"import CSV, {size}, beside csv.reader + executemany", statistics.median(own), statistics.median(least), "CPU s")
    if SQLITE_UTILS.exists():
        yield Row(f"import CSV, {size}, beside sqlite-utils insert", statistics.median(own), sqlite_utils(folder, text), "CPU s")
    yield Row(f"write {n:,} records, history and audit from ready-made tuples, beside csv.reader + executemany", ready_made(folder, text), least[-1], "CPU s")
    yield Row(f"import CSV, {size}, assessed, beside csv.reader + executemany", statistics.median(assessed), statistics.median(least), "CPU s")
    yield Row(f"import XLSX, {n // 5:,} of them, beside python-calamine reading", statistics.median(tables), statistics.median(bare), "CPU s")


# -- Memory ------------------------------------------------------------------------------------------------------------------


def peak(file: Path) -> float:
    """The most memory that a process of its own holds while it imports the file, in MiB."""
    with tempfile.TemporaryDirectory(dir=file.parent) as name:
        environment = {**os.environ, "BENCH_FOLDER": name, "BENCH_FILE": str(file)}
        found = subprocess.run([sys.executable, "-m", "bench.imports"], check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return int(found.stdout) / 1024


def memory(folder: Path, n: int) -> Iterator[Row]:
    """n rows beside a tenth of them."""
    large, small = csv_file(folder / "large.csv", n), csv_file(folder / "small.csv", n // 10)
    yield Row(f"import CSV, most memory, {n:,} rows beside {n // 10:,}", peak(large), peak(small), "MiB")


def main() -> None:
    """What `peak` starts: one import, and how much memory it took."""
    bench = open_bench(f"sqlite:///{os.environ['BENCH_FOLDER']}/ours.sqlite", account("account", assessed=False))
    import_file(partial(bench.work, write=True, cause="import"), "account", Path(os.environ["BENCH_FILE"]))
    print(peak_memory())


if __name__ == "__main__":
    main()
