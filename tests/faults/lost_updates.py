"""Many writers change one record at once, each by the version it saw: every change that was acknowledged is in the record, and no other.

`python -m tests.faults.lost_updates --writers 50 --rounds 200` (or `make lost-updates`) on a server of its own.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.serving import PASSWORD, Server, command, customer

PATCH = {"content-type": "application/merge-patch+json"}
FIELD = "address"  # a text of the shipped customer: it holds the count


@dataclass
class Told:
    """What the writers were answered."""

    acknowledged: int = 0
    stale: int = 0
    other: int = 0


def contend(client_of: Callable[[], Any], address: str, writers: int, rounds: int) -> Told:
    """Each round of each writer reads the record and writes one more than it read. Gives what was answered."""
    told, lock, together = Told(), threading.Lock(), threading.Barrier(writers)

    def write() -> None:
        client = client_of()
        together.wait()
        for _ in range(rounds):
            seen = client.get(address)
            more = str(int(seen.json()[FIELD] or "0") + 1)
            status = client.patch(address, json={FIELD: more}, headers={**PATCH, "if-match": seen.headers["etag"]}).status_code
            with lock:
                told.acknowledged += status == 200
                told.stale += status == 412
                told.other += status not in {200, 412}

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--url", default="", help="database; none: a SQLite file that is thrown away")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(asked.url or f"sqlite:///{folder}/weatherglass.sqlite", settings={"WEATHERGLASS_API_RATE": "0"})
        command(server.url, "publish")
        command(server.url, "createadmin", "admin", "--password", PASSWORD)
        server.start()
        try:
            made = server.person().post("/o/customer/new", data=customer("Contended"))
            address = f"/api/objects/customer/records/{made.headers['location'].rpartition('/')[2]}"
            started = time.monotonic()
            told = contend(server.person, address, asked.writers, asked.rounds)
            seconds = time.monotonic() - started
            record = server.person().get(address).json()
        finally:
            server.kill()
    total, version = int(record[FIELD]), record["version"]
    print(f"{asked.writers} writers x {asked.rounds} rounds in {seconds:.0f} s")
    print(f"{told.acknowledged} acknowledged, {told.stale} refused as stale, {told.other} other")
    print(f"total {total}, version {version}")
    return 0 if total == told.acknowledged == version - 1 and not told.other else 1


if __name__ == "__main__":
    sys.exit(main())
