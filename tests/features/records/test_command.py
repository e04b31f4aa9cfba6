"""`weatherglass import` as an operator uses it: exit codes and JSON."""

import json
from pathlib import Path

import pytest

from tests.shell import Shell

OBJECTS = Path(__file__).parents[2] / "cases" / "records" / "objects"


@pytest.fixture
def weatherglass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_url: str) -> Shell:
    """On a database with the objects of the tests."""
    monkeypatch.setenv("WEATHERGLASS_DATABASE_URL", sqlite_url)
    shell = Shell(monkeypatch, capsys)
    assert shell("publish", OBJECTS)[0] == 0
    return shell


def test_exit_codes_and_json(weatherglass: Shell, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("company_no,name,region\nX1,甲公司,华东\nX2,乙公司,north\n", encoding="gb18030")
    bad.write_text("company_no,name,region\nX3,C,nowhere\nX4\n")
    code, out, err = weatherglass("import", "company", good, "--key", "company_no", "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "rows": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0, "errors": [], "encoding": "gb18030", "dry_run": False, "refused": False
    }  # fmt: skip
    code, out, err = weatherglass("import", "company", bad)
    assert code == 1
    assert f"{bad}:2: region: " in err and f"{bad}:3: " in err
    for words in (("import", "nope", good), ("import", "company", tmp_path / "none.csv"), ("import", "company", good, "--key", "nope")):
        assert weatherglass(*words)[0] == 1


def test_what_was_exported_is_imported_without_a_change(weatherglass: Shell, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("company_no,name,region,credit_limit\nA-1,=1+1,east,12.50\n", encoding="utf-8")
    assert weatherglass("import", "company", tmp_path / "in.csv", "--key", "company_no")[0] == 0
    code, _, err = weatherglass("records", "export", "company", tmp_path / "out.csv", "--filter", "credit_limit > 10")
    assert code == 0, err
    assert "'=1+1" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    _, out, err = weatherglass("import", "company", tmp_path / "out.csv", "--key", "company_no", "--json")
    assert json.loads(out)["unchanged"] == 1, err
    assert weatherglass("records", "export", "company", tmp_path / "out.pdf")[0] == 1
