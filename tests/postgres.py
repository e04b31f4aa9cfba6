"""A PostgreSQL server for tests: the one named by WEATHERGLASS_TEST_POSTGRES, or a throw-away one where the binaries are installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class NoPostgresError(Exception):
    """There is none, and why."""


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return found[0].parent if found else None


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def postgres() -> Iterator[str]:
    """The address of its maintenance database."""
    given = os.environ.get("WEATHERGLASS_TEST_POSTGRES")
    if given == "none":
        raise NoPostgresError("WEATHERGLASS_TEST_POSTGRES says none")
    if given:
        yield given
        return
    binaries = _binaries()
    if binaries is None:
        raise NoPostgresError("PostgreSQL is not installed; set WEATHERGLASS_TEST_POSTGRES to use a server of yours")
    folder = Path(tempfile.mkdtemp(prefix="weatherglass-pg-"))
    run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            raise NoPostgresError("running as root and there is no user postgres") from None
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        run |= {"user": entry.pw_uid, "group": entry.pw_gid, "cwd": folder}
    port, data = _free_port(), folder / "data"
    subprocess.run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8"], **run)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100"
    subprocess.run([binaries / "pg_ctl", "-D", data, "-w", "-o", options, "start"], **run)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder, ignore_errors=True)
