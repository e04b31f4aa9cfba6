"""kill -9 in the middle of an import: run again it ends as if nothing had happened, nothing lost and nothing doubled."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.imports import service
from server.features.imports import tables as _tables
from server.features.imports.jobs import JOBS
from server.features.objects.engine import tables
from server.features.records.importing import CHUNK
from server.features.records.tables import records_history
from server.jobs import tables as _job_tables
from server.jobs.perform import House, perform
from server.storage.session import Database
from tests.features.records.company import Company, catalog_of, company_of

ROOT = Path(__file__).parents[3]
ROWS = 6 * CHUNK
MADE_BY = (_tables, _job_tables)


def house_of(company: Company) -> House:
    @contextmanager
    def open_work(username: str, write: bool, cause: str) -> Iterator[Work]:
        with company.work(write=write, cause=cause) as work:
            yield work

    return House(company.database, {j.key: j for j in JOBS}, open_work)


def in_a_process_of_its_own(url: str, job: int) -> None:
    """What the child does."""
    perform(house_of(Company(Database(url), catalog_of("records/objects"))), job)


def rows() -> Iterator[str]:
    """Every tenth refers to a later row, every hundredth is wrong; without a key, so that a row written twice would show."""
    for i in range(ROWS):
        parent = f"N{ROWS - 1 - i % 7}" if i % 10 == 0 and i < ROWS - 10 else ""
        yield f"N{i},Firm {i},{'nowhere' if i % 100 == 50 else 'east'},{parent}"


def asked(company: Company, tmp_path: Path) -> tuple[int, int]:
    """(run, job) of the file, mapped and ready."""
    path = tmp_path / "rows.csv"
    path.write_text("company_no,name,region,parent\n" + "\n".join(rows()) + "\n")
    with company.work() as work:
        run = service.begin(work, "company", "rows.csv", io.BytesIO(path.read_bytes()), path)
    with company.work() as work:
        found = service.get(work, run)
        service.confirm(work, run, found.mapping, "", "insert", atomic=False)
    house = house_of(company)
    perform(house, run_job(company, run))
    with company.work() as work:
        service.start(work, run)
    return run, run_job(company, run)


def run_job(company: Company, run: int) -> int:
    with company.work(write=False) as work:
        job = service.get(work, run).job
    assert job is not None
    return job


def test_killed_and_run_again_it_is_as_if_nothing_had_happened(database: Database, tmp_path: Path) -> None:
    company = company_of(database)
    run, job = asked(company, tmp_path)
    url = database.url.render_as_string(hide_password=False)
    code = f"from tests.features.imports.test_killed import in_a_process_of_its_own as go; go({url!r}, {job})"
    for wanted in (1, 3 * CHUNK):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        deadline = time.monotonic() + 60
        while child.poll() is None and look(company, run).cursor < wanted and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        cut = look(company, run)
        assert wanted <= cut.cursor < ROWS
        assert cut.cursor % CHUNK == 0, "a chunk is there whole or not at all"
    perform(house_of(company), job)
    done = look(company, run)
    wrong = ROWS // 100
    assert (done.state, done.cursor, done.created, done.rejected) == ("done", ROWS, ROWS - wrong, wrong)
    with company.work(write=False) as work:
        source = tables(company.catalog)["company"]
        stored = work.session.execute(sa.select(source.c.company_no, source.c.name, source.c.parent)).all()
        numbers = {r.company_no for r in stored}
        assert len(stored) == len(numbers) == ROWS - wrong
        assert sum(r.parent is not None for r in stored) == sum(bool(line.rpartition(",")[2]) and ",nowhere," not in line for line in rows())
        assert work.session.scalar(sa.select(sa.func.count()).select_from(records_history)) == ROWS - wrong
        assert {r.line for r in service.refusals(work, done, ROWS)} == {i + 2 for i in range(ROWS) if i % 100 == 50}
        lines = [line for line, _, _ in service.mended(work, done)]
        assert len(lines) == wrong + 1


def test_a_trial_that_ended_before_its_process_died_leaves_what_people_did_since(database: Database, tmp_path: Path) -> None:
    company = company_of(database)
    run, job = asked(company, tmp_path)
    trial = job - 1
    with company.work() as work:
        work.session.execute(sa.update(_job_tables.jobs).where(_job_tables.jobs.c.id == trial).values(state="running"))
    assert perform(house_of(company), trial) == "done"
    assert look(company, run).state == "running"


def look(company: Company, run: int) -> Any:
    with company.work(write=False) as work:
        return service.get(work, run)
