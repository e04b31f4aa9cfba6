"""A database with the benchmark's own documents published, on SQLite or PostgreSQL."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.clock import now
from server.config.document import Document
from server.config.load import load_folder
from server.config.publish import publish
from server.config.releases import Catalogs
from server.feature import SYSTEM, Work, working
from server.registry import HOOKS, KINDS
from server.storage.migrate import upgrade
from server.storage.session import Database

ZONE = ZoneInfo("UTC")
DOCUMENTS = Path(__file__).parent / "documents"


@dataclass(frozen=True)
class Bench:
    database: Database
    catalogs: Catalogs

    @contextmanager
    def work(self, *, write: bool, cause: str = "bench", at: datetime | None = None) -> Iterator[Work]:
        with working(self.database, self.catalogs, HOOKS, SYSTEM, at or now(), ZONE, write=write, cause=cause) as work:
            yield work


def open_bench(url: str, documents: Sequence[Document] = ()) -> Bench:
    """`documents`: instead of the benchmark's folder, but for its roles."""
    database = Database(url)
    upgrade(database)
    bench = Bench(database, Catalogs(KINDS))
    found, problems = load_folder(DOCUMENTS)
    if problems:
        raise SystemExit(problems)
    chosen = [*documents, *(d for d in found if d.kind == "role")] if documents else found
    with bench.work(write=True, at=datetime(2026, 1, 1, tzinfo=UTC)) as work:
        publish(work, chosen, "benchmark")
    return bench


@contextmanager
def postgres(folder: Path) -> Iterator[str | None]:
    """A server of our own with room for the work, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not found:
        yield None
        return
    run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    home = folder / "postgres"
    home.mkdir()
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chown(home, entry.pw_uid, entry.pw_gid)
        folder.chmod(0o755)
        run |= {"user": entry.pw_uid, "group": entry.pw_gid, "cwd": home}
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    binaries, data = found[0].parent, home / "data"
    subprocess.run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8"], **run)
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c shared_buffers=2GB -c work_mem=256MB -c max_wal_size=4GB"
    subprocess.run([binaries / "pg_ctl", "-D", data, "-w", "-o", options, "start"], **run)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(home, ignore_errors=True)


def peak_memory() -> int:
    """The most memory that this process held, in KiB. Not what `getrusage` says: a child begins there with what its parent held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])
