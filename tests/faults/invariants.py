"""What must hold after a storm, read from the database alone and from what the clients wrote down. Each check gives what is broken, as sentences."""

import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.features.notifications.delivery import LEASE
from server.storage.session import Database
from tests.faults.loads import Journal, database_of
from tests.faults.site import Site, table

PATIENCE = 60.0  # seconds in which some job that is open comes on
ENDS = {"cleared", "resolved", "left_population", "rule_removed"}
MOST = 5  # examples that are told of one invariant

Row = dict[str, Any]


class Seen:
    """The tables as they lie there, each read once; after the jobs have ended."""

    def __init__(self, site: Site, database: Database, journal: Journal) -> None:
        self.site, self.database, self.journal = site, database, journal
        self._tables: dict[str, list[Row]] = {}

    def table(self, name: str) -> list[Row]:
        if name not in self._tables:
            self._tables[name] = table(self.database, name)
        return self._tables[name]

    def fresh(self, name: str) -> list[Row]:
        return table(self.database, name)


def broken(site: Site, journal: Journal) -> list[str]:
    """All that does not hold, with the name of its invariant; nobody sends anything meanwhile."""
    with database_of(site) as database:
        found = [f"jobs end: {said}" for said in jobs_end(database)]
        seen = Seen(site, database, journal)
        for name, check in INVARIANTS.items():
            said = list(check(seen))
            found += [f"{name}: {one}" for one in said[:MOST]]
            if len(said) > MOST:
                found.append(f"{name}: and {len(said) - MOST} more")
    return found + [f"answers: {one}" for one in journal.wrong]


def jobs_end(database: Database) -> Iterator[str]:
    """Every job comes to its end: while any is open, something ends or comes on at least once in PATIENCE seconds."""
    until, before = time.monotonic() + PATIENCE, None
    while left := _open_jobs(database):
        if left != before:
            until, before = time.monotonic() + PATIENCE, left
        if time.monotonic() > until:
            yield from (f"job {row['id']} ({row['kind']}) stands still for {PATIENCE:.0f} s: {row}" for row in left[:MOST])
            return
        time.sleep(0.2)


def _open_jobs(database: Database) -> list[Row]:
    with database.read() as connection:
        return [dict(r) for r in connection.execute(sa.text("SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY id")).mappings()]


# -- Records -----------------------------------------------------------------------------------------------------------------


def saved_once(seen: Seen) -> Iterator[str]:
    """Every acknowledged save is there once, as it was sent; nothing is there that was not sent; a key gave one record."""
    journal, names = seen.journal, {row["id"]: row["name"] for row in seen.table("o_account")}
    stored: dict[str, list[Row]] = defaultdict(list)
    for row in seen.table("o_deal"):
        stored[row["tag"]].append(row)
    for tag, rows in stored.items():
        sent = journal.sent.get(tag)
        if len(rows) > 1:
            yield f"{tag} is there {len(rows)} times"
        elif sent is None:
            yield f"{tag} was never sent"
        else:
            row = rows[0]
            of = sent["account"] if isinstance(sent["account"], int) else next((i for i, name in names.items() if name == sent["account"]), None)
            there = (row["account"], Decimal(row["amount"]) / 100, bool(row["open"]))  # money lies there as whole minor units
            if there != (of, Decimal(sent["amount"]), sent["open"]):
                yield f"{tag} was sent as {sent} and is {row}"
    for tag, record_id in journal.kept.items():
        if [row["id"] for row in stored.get(tag, [])] != [record_id]:
            yield f"{tag} was acknowledged as {record_id} and is {[row['id'] for row in stored.get(tag, [])]}"


def imported_once(seen: Seen) -> Iterator[str]:
    """An import that ended has each of its rows once; its tally is what it did."""
    there = Counter(row["tag"] for row in seen.table("o_deal"))
    runs = {row["id"]: row for row in seen.table("import_runs")}
    for run, tags in seen.journal.imports.items():
        row = runs[run]
        missing = sum(there[tag] == 0 for tag in tags)
        if run in seen.journal.imported and missing:
            yield f"run {run} is done and {missing} of its {len(tags)} rows are missing"
        if row["state"] == "done" and (row["created"], row["rejected"], row["cursor"]) != (len(tags), 0, len(tags)):
            yield f"run {run} of {len(tags)} rows says {row['created']} created, {row['rejected']} refused, cursor {row['cursor']}"


def counted_once(seen: Seen) -> Iterator[str]:
    """The count of an account is the number of acknowledged additions."""
    for row in seen.table("o_account"):
        if row["count"] != seen.journal.counted.get(row["name"], 0):
            yield f"{row['name']} counts {row['count']}, acknowledged were {seen.journal.counted.get(row['name'], 0)}"


def numbered(seen: Seen) -> Iterator[str]:
    """Serial numbers have no gap and no double."""
    for name, letter, width in (("o_account", "A", 6), ("o_deal", "D", 7)):
        numbers = sorted(row["no"] for row in seen.table(name))
        wanted = [f"{letter}-{i:0{width}d}" for i in range(1, len(numbers) + 1)]
        if numbers != wanted:
            at = next(i for i, (a, b) in enumerate(zip(numbers, wanted, strict=True)) if a != b)
            yield f"{name}: {numbers[at]} stands where {wanted[at]} should"


def told(seen: Seen) -> Iterator[str]:
    """The history of a record goes from version 1 to the present one without a gap and ends as the record is; each line stands in the audit."""
    history: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for line in seen.table("records_history"):
        history[line["object"], line["record_id"]].append(line)
    audited = Counter((row["object"], row["record_id"]) for row in seen.table("audit_log") if row["record_id"] is not None)
    for key in ("account", "deal"):
        for row in seen.table(f"o_{key}"):
            lines = sorted(history.pop((key, row["id"]), []), key=lambda line: int(line["version"]))
            if [line["version"] for line in lines] != list(range(1, row["version"] + 1)):
                yield f"{key} {row['id']} has version {row['version']} and the history {[line['version'] for line in lines]}"
            if audited[key, row["id"]] != len(lines):
                yield f"{key} {row['id']} was written {len(lines)} times and stands {audited[key, row['id']]} times in the audit"
            values: dict[str, Any] = {}
            for line in lines:
                for name, (old, new) in json.loads(line["changes"]).items():
                    if values.get(name) != old:
                        yield f"{key} {row['id']} version {line['version']}: {name} was {values.get(name)}, the history says {old}"
                    values[name] = new
            for name in ("tag", "open", "account", "name", "count", "no"):
                if name in row and values.get(name) != (bool(row[name]) if name == "open" and row[name] is not None else row[name]):
                    yield f"{key} {row['id']}: {name} is {row[name]}, by its history {values.get(name)}"
    yield from (f"history of a record that is not there: {key}" for key in history)


def audited(seen: Seen) -> Iterator[str]:
    """The chain of the audit holds."""
    run = seen.site.command("audit", "verify", check=False)
    if run.returncode:
        yield run.stdout + run.stderr


# -- Results and alerts ------------------------------------------------------------------------------------------------------


def _by_hand(seen: Seen) -> dict[int, tuple[Decimal, int]]:
    """Account -> what it owes, how many deals; counted from the deals themselves."""
    found = {row["id"]: (Decimal(0), 0) for row in seen.table("o_account")}
    for row in seen.table("o_deal"):
        owed, deals = found[row["account"]]
        found[row["account"]] = (owed + (Decimal(row["amount"]) / 100 if row["open"] else 0), deals + 1)
    return found


def results_hold(seen: Seen) -> Iterator[str]:
    """The results of each account are those counted by hand; their history says the same."""
    results = {row["record_id"]: row for row in seen.table("x_account")}
    latest = {row["record_id"]: row for row in sorted(seen.table("x_account_history"), key=lambda row: str(row["as_of"]))}
    for record, (owed, deals) in _by_hand(seen).items():
        row = results.get(record)
        wanted = (float(owed), deals, "big" if owed >= 1500 else "small")
        for what, there in (("result", row), ("history", latest.get(record))):
            if there is None or (round(float(there["owed"]), 2), int(there["deals"]), there["tier"]) != wanted:
                yield f"the {what} of account {record} is {there and (there['owed'], there['deals'], there['tier'])}, by hand {wanted}"


def alerts_hold(seen: Seen) -> Iterator[str]:
    """One open episode where the condition goes on and none where it cleared; episodes count from 1 without gap; each began and ended once."""
    episodes: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in seen.table("alerts"):
        episodes[row["rule"], row["record_id"]].append(row)
    events: dict[int, list[str]] = defaultdict(list)
    for event in seen.table("alert_events"):
        events[event["alert_id"]].append(event["what"])
    for (rule, record), rows in episodes.items():
        if sorted(row["episode"] for row in rows) != list(range(1, len(rows) + 1)):
            yield f"{rule} at {record} has the episodes {sorted(row['episode'] for row in rows)}"
        for row in rows:
            happened = Counter(events[row["id"]])
            if happened["opened"] != 1 or sum(happened[end] for end in ENDS) != (row["state"] == "closed"):
                yield f"alert {row['id']} ({rule} at {record}) is {row['state']} and {dict(happened)} happened to it"
    for record, (owed, _) in _by_hand(seen).items():
        for rule, fires, clears in (("over", owed > 1000, owed < 500), ("big", owed >= 1500, owed < 1500)):
            going = sum(row["state"] != "closed" for row in episodes.get((rule, record), []))
            if going > 1 or (fires and not going) or (clears and going):
                yield f"account {record} owes {owed}: {going} open alerts of {rule}"


def delivered(seen: Seen) -> Iterator[str]:
    """The channel was told of each opened alert once, in its transaction. What went out has arrived under its key, and nothing arrived that is not
    there; nothing that is due is left lying longer than a dead sender's claim holds."""
    until = time.monotonic() + PATIENCE + LEASE.total_seconds()
    while (late := _due_messages(seen)) and time.monotonic() < until:
        time.sleep(0.5)
    yield from (f"message {row['id']} is due since {row['due_at']} and lies there, claimed until {row['claimed_until']}" for row in late)
    opened = sum(event["what"] == "opened" for event in seen.table("alert_events"))
    lines = [row for row in seen.fresh("notifications") if row["owner"].startswith("channel:")]
    if (told := sum(row["times"] for row in lines)) != opened:
        yield f"{opened} alerts were opened, the channel was told of {told}"
    arrived = Counter(received.headers["webhook-id"] for received in list(seen.site.receiver.got))
    messages = {row["key"]: row for row in seen.fresh("notification_messages")}
    yield from (f"a message {key} arrived that is not there" for key in arrived.keys() - messages.keys())
    for key, row in messages.items():
        if row["state"] not in {"waiting", "sent"} or (row["state"] == "sent" and not arrived[key]):
            yield f"message {row['id']} is {row['state']} ({row['reason_en']}), arrived {arrived[key]} times"


def _due_messages(seen: Seen) -> list[Row]:
    """Due and free to be sent, or claimed by somebody who has to be done soon. A claim from an hour that was not, the clock being wrong, is no claim
    that a storm may judge."""
    at = datetime.now(UTC).replace(tzinfo=None)
    waiting = (row for row in seen.fresh("notification_messages") if row["state"] == "waiting" and row["due_at"] <= at)
    return [row for row in waiting if row["claimed_until"] is None or row["claimed_until"] <= at + LEASE]


def fresh_run(seen: Seen) -> Iterator[str]:
    """A run of everybody from nothing gives the same, cell by cell, and neither opens nor closes an alert."""
    before, alerts = _results(seen.fresh("x_account")), _alerts(seen.fresh("alerts"))
    with seen.database.write() as connection:
        connection.execute(sa.text("DELETE FROM x_account"))
    seen.site.command("assess", "account")
    after = _results(seen.fresh("x_account"))
    yield from (
        f"record {i} was {before.get(i)}, a fresh run says {after.get(i)}" for i in sorted(before.keys() | after.keys()) if before.get(i) != after.get(i)
    )
    if alerts != _alerts(seen.fresh("alerts")):
        yield f"the fresh run changed the alerts {sorted(alerts ^ _alerts(seen.fresh('alerts')))[:MOST]}"


def _results(rows: list[Row]) -> dict[int, tuple[Any, ...]]:
    """The values; the stamps say when and by which release somebody last had to write them."""
    return {row["record_id"]: tuple((k, v) for k, v in sorted(row.items()) if k not in {"assessed_at", "as_of", "release"}) for row in rows}


def _alerts(rows: list[Row]) -> set[tuple[Any, ...]]:
    return {(row["id"], row["rule"], row["record_id"], row["episode"], row["state"]) for row in rows}


# -- Releases ----------------------------------------------------------------------------------------------------------------


def released_whole(seen: Seen) -> Iterator[str]:
    """Each acknowledged number has its release, once; in every release the two documents say the same number; releases follow one another."""
    bodies = {row["digest"]: json.loads(row["body"]) for row in seen.table("documents")}
    said: dict[int, set[str]] = defaultdict(set)
    for row in seen.table("release_documents"):
        if row["key"] in {"deals", "tier"}:
            said[row["release"]].add(bodies[row["digest"]]["title"]["en"])
    found = sorted(seen.table("releases"), key=lambda row: row["id"])
    yield from (f"release {row['id']} follows {row['parent']}" for before, row in zip(found, found[1:], strict=False) if row["parent"] != before["id"])
    yield from (f"release {release} is of {sorted(titles)}" for release, titles in said.items() if len(titles) != 1 and release != found[0]["id"])
    notes = Counter(row["note"] for row in found)
    yield from (f"the release {number} is there {notes[str(number)]} times" for number in sorted(seen.journal.published) if notes[str(number)] != 1)


# -- Jobs and the database ---------------------------------------------------------------------------------------------------


def asked_once(seen: Seen) -> Iterator[str]:
    """A job that was asked for by a key is there once and ended well, or was put aside with its reason."""
    by_key = {row["key"]: row for row in seen.table("jobs") if row["key"]}
    for key in seen.journal.jobs:
        row = by_key.get(key)
        if row is None or not (row["state"] == "done" or (row["state"] == "failed" and row["error_en"])):
            yield f"the job {key} is {row and (row['id'], row['state'], row['error_en'])}"


def keys_whole(seen: Seen) -> Iterator[str]:
    """A key is kept with its answer or not at all."""
    for row in seen.table("idempotent_requests"):
        if row["status"] is None or row["body"] is None:
            yield f"{row['key']} has no answer"


def sound(seen: Seen) -> Iterator[str]:
    """The database finds itself in order."""
    if seen.site.postgres is None:
        connection = sqlite3.connect(str(sa.make_url(seen.site.url).database))
        found = [*connection.execute("PRAGMA integrity_check").fetchall(), *connection.execute("PRAGMA foreign_key_check").fetchall()]
        connection.close()
        yield from (str(row) for row in found if row != ("ok",))
        return
    with seen.database.write() as connection:
        if connection.execute(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'")).first() is None:
            return
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS amcheck"))
        indexes = "SELECT bt_index_check(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
        connection.execute(sa.text(f"{indexes} WHERE a.amname = 'btree' AND c.relpersistence = 'p'"))


INVARIANTS: dict[str, Callable[[Seen], Iterator[str]]] = {
    "saved once": saved_once,
    "imported once": imported_once,
    "counted once": counted_once,
    "numbered without gap": numbered,
    "told in history and audit": told,
    "the audit holds": audited,
    "results as counted by hand": results_hold,
    "alerts once": alerts_hold,
    "told and delivered": delivered,
    "released whole": released_whole,
    "jobs asked for once": asked_once,
    "keys whole": keys_whole,
    "the database is sound": sound,
    "as a fresh run": fresh_run,
}
