"""`weatherglass import` as an operator uses it: exit codes and JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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


def test_what_was_exported_is_imported_without_a_change(published: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("company_no,name,region,credit_limit\nA-1,=1+1,east,12.50\n", encoding="utf-8")
    assert ran(published, "import", "company", tmp_path / "in.csv", "--key", "company_no").returncode == 0
    done = ran(published, "records", "export", "company", tmp_path / "out.csv", "--filter", "credit_limit > 10")
    assert done.returncode == 0, done.stderr
    assert "'=1+1" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    again = ran(published, "import", "company", tmp_path / "out.csv", "--key", "company_no", "--json")
    assert json.loads(again.stdout)["unchanged"] == 1, again.stderr
    assert ran(published, "records", "export", "company", tmp_path / "out.pdf").returncode == 1
