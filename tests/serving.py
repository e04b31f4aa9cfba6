"""A real server in a process of its own, which can be killed as a power cut would, and people who write down what was acknowledged."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2 as httpx

ROOT = Path(__file__).parents[1]
PASSWORD = "stormy-weather-7"
START = 180  # seconds a server may need on a machine that does other things


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def environment(url: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("WEATHERGLASS_")}
    return {**inherited, "WEATHERGLASS_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}


def command(url: str, *arguments: str, check: bool = True, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One `weatherglass` command, to its end."""
    env = {**environment(url), **(settings or {})}
    run = subprocess.run([sys.executable, "-m", "server", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert not check or run.returncode == 0, run.stdout + run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    return run


def killed(url: str, after: float, *arguments: str) -> bool:
    """A command, killed after so many seconds. False: it was done before."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "server", *arguments], cwd=ROOT, env=environment(url), **quiet)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


@dataclass
class Server:
    url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.begin()
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            try:
                if httpx.get(self.address + "/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not start\n{self.said()}")

    def begin(self) -> None:
        """Starts it without waiting until it answers."""
        arguments = [sys.executable, "-m", "server", *self.arguments]
        self.process = subprocess.Popen(arguments, cwd=ROOT, env={**environment(self.url), **self.settings}, stdout=self.log, stderr=self.log)

    @property
    def arguments(self) -> tuple[str, ...]:
        return "serve", "--port", str(self.port)

    def said(self) -> str:
        """The end of its log, over all its lives."""
        self.log.seek(0)
        return self.log.read()[-10_000:].decode()

    def stop(self) -> None:
        """As an operator stops it."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def person(self, username: str = "admin") -> httpx.Client:
        """A signed-in browser session."""
        client = httpx.Client(base_url=self.address, timeout=30)
        answer = client.post("/login", data={"username": username, "password": PASSWORD, "next": "/"})
        assert answer.status_code == 303, answer.text
        return client


class Worker(Server):
    """A process that only works through jobs."""

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("work",)

    def start(self) -> None:
        self.begin()


@contextmanager
def served(url: str) -> Iterator[str]:
    """The address of a server in front of this database."""
    server = Server(url)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


def customer(name: str, **values: Any) -> dict[str, Any]:
    """A complete customer form of the shipped template."""
    return {
        "name": name,
        "country": "cn",
        "unified_credit_code": "91320500MA1N" + f"{abs(hash(name)) % 10**6:06d}",
        "region": "east",
        "industry": "machinery",
        "lifecycle": "active",
        "owner": "admin",
        "strategic_importance": "normal",
        "payment_method": "prepaid",
        **values,
    }
