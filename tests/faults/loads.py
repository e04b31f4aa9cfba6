"""What goes on in a storm: people save, files are imported, everybody is assessed, small jobs are asked for. Each writes down what it sent and
what was acknowledged; a call whose answer was lost is sent again under its key, as a careful client does."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import sqlalchemy as sa

from server import clock
from server.features.imports.tables import import_runs
from server.jobs import ledger
from server.storage.session import Database
from tests.faults.site import Site, account, numbered, table
from tests.serving import ROOT, environment

PEOPLE = 4
BUSY = 30  # accounts that get nearly all deals, so that their alerts come and go
IMPORTED = 2500  # rows of a file: two chunks
PATCH = {"content-type": "application/merge-patch+json"}


class Journal:
    """What was sent and what was acknowledged, also as lines of a file. Deals by their tag, counts by the name of their account."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self.sent: dict[str, dict[str, Any]] = {}  # tag -> what the deal shall be
        self.kept: dict[str, int] = {}  # tag -> the record that answered
        self.counted: dict[str, int] = {}  # account -> acknowledged additions
        self.imports: dict[int, list[str]] = {}  # run -> tags of its rows, once it was told to run
        self.imported: set[int] = set()  # runs that ended well
        self.jobs: set[str] = set()  # keys of small jobs asked for
        self.numbers = 0  # of releases tried
        self.published: set[int] = set()  # of releases acknowledged
        self.wrong: list[str] = []  # answers that no storm excuses

    def note(self, what: str, **said: Any) -> None:
        with self._lock:
            self._file.write(json.dumps({"what": what, "at": time.time(), **said}, ensure_ascii=False) + "\n")
            self._file.flush()

    def keep(self, tag: str, record_id: int) -> None:
        if self.kept.setdefault(tag, record_id) != record_id:
            self.wrong.append(f"the key of {tag} gave record {self.kept[tag]} and then {record_id}")
        self.note("kept", tag=tag, id=record_id)


@dataclass
class Loads:
    """All of it; `pause()` comes back when every call has its answer and nothing is sent any more."""

    site: Site
    journal: Journal
    seed: int
    errors: dict[int, int] = field(default_factory=dict)  # status of an answer -> how often a call was sent again for it
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)  # commands that go on beside the site, by what they are
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _turn: int = 0

    def go(self) -> None:
        self._over = threading.Event()
        self._turn += 1
        saving = [(self._save, f"{self._turn}.{i}") for i in range(PEOPLE)]
        self._threads = [
            threading.Thread(target=self._guarded, args=(what, name), daemon=True)
            for what, name in [*saving, (self._import, str(self._turn)), (self._assess, ""), (self._publish, ""), (self._ask, str(self._turn))]
        ]
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, what: Callable[[str], None], name: str) -> None:
        try:
            what(name)
        except Exception as error:  # noqa: BLE001  a load that ends early would look like a calm
            self.journal.wrong.append(f"{what.__name__} {name}: {error!r}")

    # -- Calls --------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        """Signed in; sessions outlive the server."""
        client: httpx.Client | None = None
        while client is None:
            try:
                client = self.site.server.person()
            except (httpx.TransportError, AssertionError):
                time.sleep(0.2)
        try:
            yield client
        finally:
            client.close()

    def _call(self, client: httpx.Client, method: str, path: str, *, tries: int = 10_000, **said: Any) -> httpx.Response | None:
        """Until it is answered, at most `tries` times. None: it never was."""
        for _ in range(tries):
            try:
                answer = client.request(method, path, timeout=60, **said)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code < 500:
                return answer
            self.errors[answer.status_code] = self.errors.get(answer.status_code, 0) + 1
            time.sleep(0.1)
        return None

    def _must(self, answer: httpx.Response, *allowed: int) -> bool:
        if answer.status_code not in allowed:
            self.journal.wrong.append(f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}: {answer.text[:300]}")
        return answer.status_code in allowed

    # -- Saving -------------------------------------------------------------------------------------------------------------

    def _save(self, name: str) -> None:
        rng = random.Random(f"{self.seed} {name}")
        ids = {row["name"]: row["id"] for row in table_of(self.site, "o_account")}
        mine: list[tuple[str, int]] = []
        number = 0
        with self._client() as client:
            while not self._over.is_set():
                number += 1
                tag = f"S{name}.{number}"
                what = rng.random()
                if what < 0.5 or not mine:
                    self._new_deal(client, rng, tag, ids, mine)
                elif what < 0.8:
                    self._turn_over(client, tag, *mine[rng.randrange(len(mine))])
                else:
                    self._count(client, tag, account(rng.randrange(BUSY)), ids)
                time.sleep(rng.random() * 0.1)

    def _new_deal(self, client: httpx.Client, rng: random.Random, tag: str, ids: dict[str, int], mine: list[tuple[str, int]]) -> None:
        of = account(rng.randrange(BUSY))
        values = {"tag": tag, "account": ids[of], "amount": f"{rng.randrange(100, 900)}.00", "open": rng.random() < 0.5}
        given_up, repeated = rng.random() < 0.1, rng.random() < 0.1
        self.journal.sent[tag] = values
        self.journal.note("sent", **values)
        for _ in range(2 if repeated else 1):
            answer = self._call(client, "POST", "/api/objects/deal/records", json=values, headers={"idempotency-key": tag}, tries=1 if given_up else 10_000)
            if answer is not None and self._must(answer, 201):
                self.journal.keep(tag, answer.json()["id"])
        if tag in self.journal.kept:
            mine.append((tag, self.journal.kept[tag]))

    def _turn_over(self, client: httpx.Client, key: str, tag: str, record_id: int) -> None:
        """Closes an open deal, opens a closed one. Nobody else changes it."""
        wanted = not self.journal.sent[tag]["open"]
        self.journal.sent[tag]["open"] = wanted
        self.journal.note("sent", tag=tag, open=wanted)
        said = {"json": {"open": wanted}, "headers": {**PATCH, "if-match": "*", "idempotency-key": key}}
        answer = self._call(client, "PATCH", f"/api/objects/deal/records/{record_id}", **said)
        if answer is not None:
            self._must(answer, 200)

    def _count(self, client: httpx.Client, key: str, of: str, ids: dict[str, int]) -> None:
        """One more, by the version that was seen; somebody else may have been faster."""
        path = f"/api/objects/account/records/{ids[of]}"
        seen = self._call(client, "GET", path)
        if seen is None or not self._must(seen, 200):
            return
        said = {"json": {"count": seen.json()["count"] + 1}, "headers": {**PATCH, "if-match": seen.headers["etag"], "idempotency-key": key}}
        answer = self._call(client, "PATCH", path, **said)
        if answer is not None and self._must(answer, 200, 412) and answer.status_code == 200:
            with self.journal._lock:
                self.journal.counted[of] = self.journal.counted.get(of, 0) + 1

    # -- Importing ----------------------------------------------------------------------------------------------------------

    def _import(self, name: str) -> None:
        """File after file, without a key: what is written twice shows. One that was begun is brought to its end."""
        rng = random.Random(f"{self.seed} import {name}")
        number = 0
        with self._client() as client, database_of(self.site) as database:
            while not self._over.is_set():
                number += 1
                self._one_file(client, database, rng, f"I{name}.{number}")

    def _one_file(self, client: httpx.Client, database: Database, rng: random.Random, name: str) -> None:
        rows = [(f"{name}-{i}", account(rng.randrange(600)), f"{rng.randrange(1, 50)}.00", rng.random() < 0.02) for i in range(IMPORTED)]
        text = "tag,account,amount,open\n" + "".join(f"{tag},{of},{amount},{'true' if opened else 'false'}\n" for tag, of, amount, opened in rows)
        uploaded = self._call(client, "POST", "/imports/upload", data={"object": "deal"}, files={"file": (f"{name}.csv", text.encode(), "text/csv")})
        if uploaded is None or not self._must(uploaded, 303):
            return
        run = int(uploaded.headers["location"].rpartition("/")[2])
        columns = {f"field-{i}": key for i, key in enumerate(("tag", "account", "amount", "open"))} | {"by-1": "name", "key": "", "mode": "insert"}
        while (state := self._state(database, run)) in {"mapping", "trying", "tried", "running", "failed"}:
            if state == "mapping":
                self._call(client, "POST", f"/imports/{run}/mapping", data=columns)
            elif state == "tried":
                if self._over.is_set():
                    return  # it was only tried
                self.journal.sent |= {tag: {"tag": tag, "account": of, "amount": amount, "open": opened} for tag, of, amount, opened in rows}
                self.journal.imports[run] = [tag for tag, *_ in rows]
                self.journal.note("import", run=run, name=name, rows=len(rows))
                self._call(client, "POST", f"/imports/{run}/run")
            elif state == "failed":  # put aside after many crashes: somebody starts it again
                self._call(client, "POST", f"/imports/{run}/run")
            time.sleep(0.1)
        if state != "done":
            self.journal.wrong.append(f"import {run} ended as {state}")
        elif run in self.journal.imports:
            self.journal.imported.add(run)

    def _state(self, database: Database, run: int) -> str:
        """As its page says it; "running" while nobody can say."""
        try:
            with database.read() as connection:
                found = connection.execute(sa.select(import_runs.c.state, import_runs.c.job).where(import_runs.c.id == run)).one()
                job = ledger.status(connection, found.job) if found.job is not None else None
        except sa.exc.DBAPIError:  # the database is away for the moment
            time.sleep(0.2)
            return "running"
        if found.state in {"trying", "running"} and job is not None and not job.is_open:
            return "mapping" if found.state == "trying" else "failed"
        return str(found.state)

    # -- Assessing, and small jobs ------------------------------------------------------------------------------------------

    def _assess(self, _name: str) -> None:
        """The whole population, run after run; one that was killed is continued by the next."""
        while not self._over.is_set():
            self._command("assess", "account")
            self._over.wait(8)

    def _command(self, *arguments: str) -> int:
        """Its exit code, which is that of a killed one where a harm came."""
        with (self.site.folder / f"{arguments[0]}.log").open("ab") as log:
            called = [sys.executable, "-m", "server", *arguments]
            process = subprocess.Popen(called, cwd=ROOT, env={**environment(self.site.url), **self.site.settings()}, stdout=log, stderr=log)
            self.running[arguments[0]] = process
            return process.wait()

    def _publish(self, _name: str) -> None:
        """Release after release: two documents that carry one number. A command that was killed may have published or not."""
        folder = self.site.folder / "documents"
        folder.mkdir(exist_ok=True)
        while not self._over.is_set():
            number = self.journal.numbers = self.journal.numbers + 1
            for document in numbered(number):
                (folder / f"{document.key}.json").write_text(json.dumps(document.body))
            if self._command("publish", str(folder), "--note", str(number)) == 0:
                self.journal.published.add(number)
                self.journal.note("published", number=number)
            self._over.wait(9)

    def _ask(self, name: str) -> None:
        """What a schedule does: asks for a job by its key, more than once."""
        number = 0
        with database_of(self.site) as database:
            while not self._over.is_set():
                number += 1
                key = f"storm@{name}.{number}"
                for _ in range(2):
                    try:
                        with database.write() as connection:
                            ledger.enqueue(connection, clock.now(), "admin", "import_tidy", {}, key)
                        self.journal.jobs.add(key)
                    except sa.exc.DBAPIError:
                        time.sleep(0.2)
                self._over.wait(6)


@contextmanager
def database_of(site: Site) -> Iterator[Database]:
    database = Database(site.url)
    try:
        yield database
    finally:
        database.close()


def table_of(site: Site, name: str) -> list[dict[str, Any]]:
    with database_of(site) as database:
        return table(database, name)
