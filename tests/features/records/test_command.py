"""`weatherglass import` as an operator uses it: exit codes, JSON, and a kill in the middle."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROWS = 6000


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WEATHERGLASS_")}
    return kept | {"WEATHERGLASS_DATABASE_URL": f"sqlite:///{tmp_path}/w.sqlite", "PYTHONPATH": str(ROOT)}


def command(environment: dict[str, str], *words: str | Path) -> list[str]:
    return [sys.executable, "-c", "from server.cli.main import main; main()", *map(str, words)]


def ran(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(environment, *words), env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def published(environment: dict[str, str]) -> dict[str, str]:
    done = ran(environment, "publish", "tests/cases/records/objects")
    assert done.returncode == 0, done.stderr
    return environment


def test_exit_codes_and_json(published: dict[str, str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("company_no,name,region\nX1,甲公司,华东\nX2,乙公司,north\n", encoding="gb18030")
    bad.write_text("company_no,name,region\nX3,C,nowhere\nX4\n")
    done = ran(published, "import", "company", good, "--key", "company_no", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "rows": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0, "errors": [], "encoding": "gb18030", "dry_run": False, "refused": False
    }  # fmt: skip
    done = ran(published, "import", "company", bad)
    assert done.returncode == 1
    assert f"{bad}:2: region: " in done.stderr and f"{bad}:3: " in done.stderr
    assert "Traceback" not in done.stderr
    for words in (("import", "nope", good), ("import", "company", tmp_path / "none.csv"), ("import", "company", good, "--key", "nope")):
        done = ran(published, *words)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr


def test_killed_in_the_middle_and_run_again(published: dict[str, str], tmp_path: Path) -> None:
    file, database = tmp_path / "many.csv", tmp_path / "w.sqlite"
    file.write_text("company_no,name,region\n" + "".join(f"N{i},Firm {i},east\n" for i in range(ROWS)))
    words = ("import", "company", file, "--key", "company_no", "--json")
    counted: list[int] = []
    for wanted in (1, 2000):
        process = subprocess.Popen(command(published, *words), env=published, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None and _count(database, "o_company") < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        counted.append(_count(database, "o_company"))
    assert 0 < counted[0] <= counted[1] < ROWS, "the kill came too late to show anything"
    assert counted[1] % 500 == 0  # whole chunks only
    report = json.loads(ran(published, *words).stdout)
    assert (report["created"], report["unchanged"], report["rejected"]) == (ROWS - counted[1], counted[1], 0)
    assert _count(database, "o_company") == _count(database, "records_history") == ROWS
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(DISTINCT company_no) FROM o_company").fetchone() == (ROWS,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _count(database: Path, table: str) -> int:
    with sqlite3.connect(database, timeout=20) as connection:
        return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])
