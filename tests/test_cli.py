"""Commands about documents, as a user types them: output, exit codes, no traceback for a user's mistake."""

import json
from pathlib import Path

import pytest

from tests.publishing import an_object
from tests.shell import Shell


@pytest.fixture
def weatherglass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str) -> Shell:
    monkeypatch.setenv("WEATHERGLASS_DATABASE_URL", database_url)
    monkeypatch.setenv("WEATHERGLASS_LOCALE", "en")
    return Shell(monkeypatch, capsys)


def write(folder: Path, key: str, fields: dict[str, object]) -> None:
    (folder / f"{key}.json").write_text(an_object(key, fields).text, "utf-8")  # type: ignore[arg-type]


def test_the_shipped_template_is_in_order(weatherglass: Shell) -> None:
    code, out, _ = weatherglass("check")
    assert (code, "0 errors" in out) == (0, True), out


def test_the_shipped_template_becomes_release_1_and_comes_back_after_another(weatherglass: Shell, tmp_path: Path) -> None:
    assert "release 1" in weatherglass("publish")[1]
    write(tmp_path, "thing", {"name": "text"})
    assert "release 2" in weatherglass("publish", tmp_path, "--prune")[1]
    assert "release 3" in weatherglass("rollback", 1)[1]
    assert "Nothing changed" in weatherglass("publish")[1]


def test_check_tells_every_problem_and_ends_with_1(weatherglass: Shell, tmp_path: Path) -> None:
    write(tmp_path, "customer", {"name": "txet"})
    (tmp_path / "b.json").write_text("{")
    code, out, err = weatherglass("check", tmp_path)
    assert code == 1 and "“text”" in out + err and "b.json" in out + err
    code, out, _ = weatherglass("check", tmp_path, "--json")
    answer = json.loads(out)
    assert code == 1 and answer["documents"] == 1
    assert {Path(p["file"]).name: p["path"] for p in answer["problems"]} == {"b.json": "", "customer.json": "/schema/properties/name/x-type"}
    assert answer["problems"][-1]["hint"]["en"] == "Did you mean “text”?"
    assert weatherglass("check", tmp_path / "nowhere")[0] == 1


def test_publish_adds_prunes_rolls_back_and_exports(weatherglass: Shell, tmp_path: Path) -> None:
    one, two, out_folder = tmp_path / "one", tmp_path / "two", tmp_path / "out"
    for folder, key in ((one, "customer"), (two, "supplier")):
        folder.mkdir()
        write(folder, key, {"name": "text"})
    assert "release 1" in weatherglass("publish", one, "--note", "first")[1]
    assert "release 2" in weatherglass("publish", two)[1]
    assert "Nothing changed" in weatherglass("publish", two)[1]
    assert "release 3" in weatherglass("publish", one, "--prune")[1]
    code, out, _ = weatherglass("releases", "--json")
    assert [(r["id"], r["documents"], r["note"]) for r in json.loads(out)] == [(3, 1, ""), (2, 2, ""), (1, 1, "first")]
    assert "release 4" in weatherglass("rollback", 2)[1]
    assert "2 documents" in weatherglass("export", out_folder)[1]
    assert sorted(p.name for p in out_folder.rglob("*.json")) == ["customer.json", "supplier.json"]
    assert "Nothing changed" in weatherglass("publish", out_folder, "--prune")[1]
    assert "4 <- 2" in weatherglass("releases")[1]


def test_mistakes_are_sentences(weatherglass: Shell, tmp_path: Path) -> None:
    write(tmp_path, "customer", {"name": "txet"})
    code, _, err = weatherglass("publish", tmp_path)
    assert code == 1 and "txet" in err
    code, _, err = weatherglass("rollback", 9)
    assert code == 1 and "no release 9" in err
    assert weatherglass("rollback", "many")[0] == 2


@pytest.mark.parametrize("url", ["nonsense", "postgresql://127.0.0.1:1/x", "sqlite:////proc/nowhere/x.sqlite"])
def test_a_database_that_cannot_be_opened_is_a_sentence(weatherglass: Shell, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WEATHERGLASS_DATABASE_URL", url)
    code, _, err = weatherglass("releases")
    assert code == 1 and "WEATHERGLASS_DATABASE_URL" in err


def test_on_sqlite_the_server_does_the_jobs_itself(weatherglass: Shell, monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    monkeypatch.setenv("WEATHERGLASS_DATABASE_URL", sqlite_url)
    code, _, err = weatherglass("work")
    assert (code, "the server does the jobs itself" in err) == (1, True)


def test_an_outside_schema_becomes_a_draft_and_its_documents_records(weatherglass: Shell, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 2}, "stops": {"type": "array", "items": {"type": "string"}}},
        "required": ["name"],
    }
    file = tmp_path / "Site Visit.json"
    file.write_text(json.dumps(schema), encoding="utf-8")
    code, out, _ = weatherglass("schema", "import", file)
    assert (code, "site_visit, site_visit_stops" in out) == (0, True)
    code, _, err = weatherglass("schema", "import", file)
    assert code == 1 and "already" in err
    code, _, _ = weatherglass("schema", "import", file, "--key", "visit", "--to", tmp_path / "made")
    assert code == 0
    assert weatherglass("publish", tmp_path / "made")[0] == 0
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"name": "Acme", "stops": ["north", "south"]}), encoding="utf-8")
    bad.write_text(json.dumps({"name": "A", "stop": 1}), encoding="utf-8")
    assert "visit #1" in weatherglass("schema", "fill", "visit", good)[1]
    code, _, err = weatherglass("schema", "fill", "visit", bad)
    assert code == 1 and "name" in err and "no field to hold" in err
    schema["properties"]["name"]["pattern"] = "(?=a)"  # type: ignore[index]
    file.write_text(json.dumps(schema), encoding="utf-8")
    code, _, err = weatherglass("schema", "import", file, "--key", "other")
    assert code == 1 and "/properties/name/pattern" in err
