"""The most memory that an export holds: many records beside a tenth of them, each by a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.population import fill
from bench.row import Row
from bench.setup import Bench, open_bench, peak_memory
from server.config.releases import Catalogs
from server.features.records import exporting
from server.features.records.liststate import ListState
from server.registry import KINDS
from server.storage.session import Database

FORMATS = ("csv", "xlsx")
OBJECT = "customer"


def peak(database: Path, format: str) -> float:
    """The most memory of a process that exports the database's customers, in MiB."""
    environment = {**os.environ, "BENCH_DATABASE": str(database), "BENCH_FORMAT": format}
    found = subprocess.run([sys.executable, "-m", "bench.exports"], check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return int(found.stdout) / 1024


def memory(folder: Path, n: int) -> Iterator[Row]:
    large, small = (_filled(folder / f"exports-{size}.sqlite", size) for size in (n, n // 10))
    for format in FORMATS:
        yield Row(f"export {format.upper()}, most memory, {n:,} rows beside {n // 10:,}", peak(large, format), peak(small, format), "MiB")


def _filled(path: Path, n: int) -> Path:
    bench = open_bench(f"sqlite:///{path}")
    fill(bench, n, 0)
    bench.database.close()
    return path


def main() -> None:
    """What `peak` starts: one export, and how much memory it took."""
    database, format = Path(os.environ["BENCH_DATABASE"]), os.environ["BENCH_FORMAT"]
    file = database.with_suffix("." + format)
    bench = Bench(Database(f"sqlite:///{database}"), Catalogs(KINDS))
    with bench.work(write=False) as work:
        export = exporting.plan(work, OBJECT, format, None, ListState())
        ids = exporting.ids_of(work, export)
        if format == "xlsx":
            exporting.write_sheet(work, export, ids, file)
        else:
            with file.open("wb") as lines:
                lines.writelines(exporting.LINES[format](work, export, ids))
    print(peak_memory())


if __name__ == "__main__":
    main()
