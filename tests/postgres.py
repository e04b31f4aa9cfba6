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


class Throwaway:
    """A server of our own in a folder of its own, gone when it is closed."""

    def __init__(self) -> None:
        binaries = _binaries()
        if binaries is None:
            raise NoPostgresError("PostgreSQL is not installed; set WEATHERGLASS_TEST_POSTGRES to use a server of yours")
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="weatherglass-pg-"))
        self._run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            try:
                entry = pwd.getpwnam("postgres")
            except KeyError:
                raise NoPostgresError("running as root and there is no user postgres") from None
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._run |= {"user": entry.pw_uid, "group": entry.pw_gid, "cwd": self.folder}
        self.port, self._data = _free_port(), self.folder / "data"
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        initdb = [binaries / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8"]
        subprocess.run(initdb, **self._run)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100"
        self._control("-w", "-o", options, "start")

    def stop(self) -> None:
        """As a power cut: nobody is told, nothing is tidied up."""
        self._control("-m", "immediate", "stop")

    def close(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, *arguments: str) -> None:
        subprocess.run([self._binaries / "pg_ctl", "-D", self._data, *arguments], **self._run)


@contextmanager
def postgres() -> Iterator[str]:
    """The address of its maintenance database."""
    given = os.environ.get("WEATHERGLASS_TEST_POSTGRES")
    if given == "none":
        raise NoPostgresError("WEATHERGLASS_TEST_POSTGRES says none")
    if given:
        yield given
        return
    server = Throwaway()
    server.start()
    try:
        yield server.url
    finally:
        server.close()
