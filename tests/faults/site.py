"""Where the storm happens: a database with a few documents, a server and its workers, each a process that can be killed."""

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.cli.shared import Opened
from server.config.document import Document
from server.config.publish import publish
from server.features.access.people import first_admin
from server.features.notifications import channels
from server.settings import Settings
from server.storage.session import Database
from tests.features.assessing import MONEY, a, an_object, rows
from tests.features.notifications.receiver import Received, Receiver, receiving
from tests.postgres import Throwaway
from tests.serving import PASSWORD, Server, Worker, command

ACCOUNTS = 2500  # more than one chunk of a run of the whole population
WORKERS = 2  # beside the server, on PostgreSQL
CLOCK = Path(__file__).with_name("clock.c")

DEALS: dict[str, Any] = {"object": "account", "source": "deal", "join": "account"}
FIELDS = {"no": {"x-type": "serial", "x-pattern": "A-{seq:6}"}, "name": {"x-type": "text", "x-unique": True}, "count": "integer", "note": "text"}
DOCUMENTS = [
    an_object("account", FIELDS, name_field="name", assess={}),
    an_object(
        "deal",
        {
            "no": {"x-type": "serial", "x-pattern": "D-{seq:7}"},
            "tag": {"x-type": "text", "x-indexed": True},  # not unique: what is written twice shall show
            "account": {"x-type": "reference", "x-reference": "account"},
            "amount": MONEY,
            "open": "yes_no",
        },
        name_field="tag",
    ),
    a("indicator", "owed", **DEALS, filter="open", aggregate="sum", value="amount", decimals=2, missing=0),
    a("indicator", "deals", **DEALS, aggregate="count", decimals=0, missing=0),
    a(
        "classification",
        "tier",
        object="account",
        classes=[{"key": k, "title": {"zh_CN": k, "en": k}} for k in ("big", "small")],
        rows=rows(("owed >= 1500", "big"), ("", "small")),
    ),
    a(
        "alert", "over", object="account", when="owed > 1000", clear="owed < 500", severity="warning", recipients=[{"to": "admin"}], respond_hours=8,
        message={"zh_CN": "欠款 {owed}", "en": "Owes {owed}"},
    ),
    a(
        "alert", "big", object="account", when='tier == "big"', severity="critical", recipients=[{"to": "admin"}], respond_hours=8,
        message={"zh_CN": "大户 {name}", "en": "{name} is big"},
    ),
    a("role", "admin", capabilities=["desk", "alerts", "assess", "studio", "publish", "people", "audit"],
      objects={"*": {"read": "True", "create": "True", "edit": "True", "delete": "True"}}),
]  # fmt: skip


def numbered(number: int) -> list[Document]:
    """Two of the documents, which say the number: in each release both say the same."""
    title = {"zh_CN": f"第 {number} 版", "en": f"No. {number}"}
    return [Document(d.kind, d.key, {**d.body, "title": title}) for d in DOCUMENTS if d.key in ("deals", "tier")]


class Unsteady(Receiver):
    """A receiver of messages as they are outside: now and then it fails, or takes so long that the sender may be dead by then."""

    def take(self, received: Received) -> tuple[int, bytes]:
        self.got.append(received)
        luck = random.random()
        if luck < 0.05:
            time.sleep(2)
        return (503, b"{}") if luck > 0.95 else (200, b"{}")


@dataclass
class Site:
    """`zone`: where it is about noon, so that no jump of an hour is a jump to another day."""

    url: str
    folder: Path
    zone: str
    receiver: Receiver
    postgres: Throwaway | None = None
    processes: dict[str, Server] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        return self.processes["serve"]

    @property
    def kind(self) -> str:
        return "postgresql" if self.postgres else "sqlite"

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return command(self.url, *arguments, check=check, settings=self.settings())

    @property
    def has_clock(self) -> bool:
        """Whether its time of day can be set: there was a C compiler."""
        return (self.folder / "clock.so").exists()

    def settings(self) -> dict[str, str]:
        moved = {"LD_PRELOAD": str(self.folder / "clock.so"), "CLOCK_OFFSET_FILE": str(self.folder / "clock")} if self.has_clock else {}
        return {"WEATHERGLASS_API_RATE": "0", "WEATHERGLASS_TIMEZONE": self.zone, "WEATHERGLASS_OUTGOING_HOSTS": "127.0.0.1", **moved}

    def set_clock(self, seconds: int) -> None:
        """Moves the time of day of all processes by so much."""
        (self.folder / "clock").write_text(str(seconds))

    def start(self) -> None:
        self.processes["serve"] = Server(self.url, settings=self.settings())
        if self.postgres:
            self.processes |= {f"work-{i}": Worker(self.url, settings=self.settings()) for i in range(1, WORKERS + 1)}
        for process in self.processes.values():
            process.start()

    def close(self) -> None:
        for process in self.processes.values():
            if process.process is not None:
                process.kill()

    def said(self) -> str:
        return "\n".join(f"--- {name}\n{process.said()[-4000:]}" for name, process in self.processes.items())


@contextmanager
def a_site(kind: str) -> Iterator[Site]:
    """A new site on SQLite or PostgreSQL, filled and started; all of it is gone at the end."""
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # it is noon there; this sign says west
    folder = Path(tempfile.mkdtemp(prefix="weatherglass-storm-"))
    server, messages = Throwaway() if kind == "postgresql" else None, ExitStack()
    try:
        url = f"sqlite:///{folder}/weatherglass.sqlite"
        if server is not None:
            server.start()
            url = _created(server)
        site = Site(url, folder, zone, messages.enter_context(receiving(Unsteady())), server)
        site.set_clock(0)
        if compiler := shutil.which("cc"):
            subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", folder / "clock.so", CLOCK, "-ldl"], check=True)
        _fill(site)
        try:
            site.start()
            yield site
        finally:
            site.close()
    finally:
        messages.close()
        if server is not None:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


def _created(server: Throwaway) -> str:
    admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.DDL("CREATE DATABASE storm TEMPLATE template0"))
    admin.dispose()
    return sa.make_url(server.url).set(database="storm").render_as_string(hide_password=False)


def _fill(site: Site) -> None:
    it = Opened(Settings(database_url=site.url, timezone=site.zone, outgoing_hosts="127.0.0.1"))
    with it.work(write=True) as work:
        publish(work, DOCUMENTS, "storm")
    with it.work(write=True) as work:
        first_admin(work, "admin", "admin", PASSWORD)
        channels.save(work, None, "webhook", {"title": "hook", "url": site.receiver.url, "locale": "en"}, ["alert_critical", "alert_warning"])
    it.database.close()
    file = site.folder / "accounts.csv"
    file.write_text("name,count\n" + "".join(f"{account(i)},0\n" for i in range(ACCOUNTS)))
    site.command("import", "account", str(file), "--json")


def account(i: int) -> str:
    return f"account {i:04d}"


def table(database: Database, name: str) -> list[dict[str, Any]]:
    """All rows of a table, as they lie in the database."""
    with database.read() as connection:
        t = sa.Table(name, sa.MetaData(), autoload_with=connection)
        return [dict(row) for row in connection.execute(sa.select(t)).mappings()]
