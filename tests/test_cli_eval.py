"""`weatherglass eval`: one expression or a file of them, the same answers from every engine, and no line stops the others."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ENGINES = ("python", "compiled", "sqlite", "postgres")
LINES: list[tuple[str | dict[str, Any], dict[str, Any]]] = [
    ({"id": 1, "expr": "1 + 1"}, {"id": 1, "ok": True, "value": 2, "type": "integer"}),
    ({"id": "二", "expr": "a.b > 2", "values": {"a": {"b": 3.5}}}, {"id": "二", "ok": True, "value": True, "type": "boolean"}),
    ({"id": 3, "expr": "coalesce(x, 3) + 1", "values": {"x": None}}, {"id": 3, "ok": True, "value": 4, "type": "integer"}),
    ({"id": 4, "expr": "x + y", "values": {"x": None}, "types": {"y": "decimal"}}, {"id": 4, "ok": True, "value": None, "type": "number"}),
    ({"id": 5, "expr": "add_days(d, 1)", "values": {"d": "2024-02-28"}, "types": {"d": "date"}}, {"id": 5, "ok": True, "value": "2024-02-29", "type": "date"}),
    ({"id": 6, "expr": "today()", "as_of": "2024-02-29"}, {"id": 6, "ok": True, "value": "2024-02-29", "type": "date"}),
    (
        {"id": 7, "expr": "m", "values": {"m": "2024-03-01T08:00:00+08:00"}, "types": {"m": "datetime"}},
        {"id": 7, "ok": True, "value": "2024-03-01T00:00:00Z", "type": "datetime"},
    ),
    ({"id": 8, "expr": "has(l, '电气')", "values": {"l": ["电气", "tools"]}}, {"id": 8, "ok": True, "value": True, "type": "boolean"}),
    (
        {"id": 9, "expr": "price * 3 == 0.3", "values": {"price": "0.10"}, "types": {"price": "decimal"}},
        {"id": 9, "ok": True, "value": True, "type": "boolean"},
    ),
    ({"id": 10, "expr": "l", "values": {"l": []}}, {"id": 10, "ok": True, "value": None, "type": "list of text"}),
    ({"id": 11, "expr": "1 / 0"}, {"id": 11, "ok": True, "value": None, "type": "number"}),
]
BAD: list[tuple[str | dict[str, Any], str]] = [
    ("nonsense", "json"),
    ("[1]", "json"),
    ('{"id": 1, "expr": "x", "values": {"x": NaN}}', "json"),
    ('{"id": 1e400, "expr": "1"}', "json"),
    ("[" * 100_000, "json"),
    ({"expr": 5}, "required"),
    ({"expr": "orders <"}, "syntax"),
    ({"expr": "x.__class__", "values": {"x": 1}}, "private_name"),
    ({"expr": "revenu > 1", "values": {"revenue": 2}}, "unknown_name"),
    ({"expr": "d", "values": {"d": "2024-13-01"}, "types": {"d": "date"}}, "value"),
    ({"expr": "d", "values": {"d": 1}, "types": {"d": "money"}}, "unknown_type"),
    ({"expr": "x", "values": {"x": "\ud800"}}, "value"),
    ({"expr": "x", "values": {"x": 2**70}}, "value"),
    ({"expr": "x", "values": {"x": [1]}}, "value"),
    ({"expr": "1", "as_of": "yesterday"}, "as_of"),
    ({"expr": "1", "values": [1]}, "json"),
    ({"id": "\ud800", "expr": "\ud800"}, "character"),
]


def run(*words: str, given: str = "", home: Path) -> tuple[int, list[dict[str, Any]], str]:
    command = [sys.executable, "-c", "from server.cli.main import main; main()", "eval", *words]
    root = str(Path(__file__).parents[1])
    done = subprocess.run(command, input=given.encode(), capture_output=True, cwd=home, env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin"}, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def as_line(line: str | dict[str, Any]) -> str:
    return line if isinstance(line, str) else json.dumps(line)


@pytest.mark.parametrize("backend", ENGINES)
def test_a_file_of_lines(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> None:
    more = ["--database", request.getfixturevalue("postgres_url")] if backend == "postgres" else []
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(as_line(line) for line, _ in LINES) + "\n\n")
    assert run("--jsonl", str(file), "--backend", backend, *more, home=tmp_path) == (0, [answer for _, answer in LINES], "")


def test_a_line_that_fails_never_stops_the_others(tmp_path: Path) -> None:
    given = "".join(f'{as_line(line)}\n{{"id": {n}, "expr": "{n} * 2"}}\n' for n, (line, _) in enumerate(BAD))
    code, answers, errors = run("--jsonl", "-", given=given, home=tmp_path)
    assert (code, errors) == (1, "")
    assert [(a["id"], a["value"]) for a in answers[1::2]] == [(n, n * 2) for n in range(len(BAD))]
    for n, (refused, (_, wanted)) in enumerate(zip(answers[::2], BAD, strict=True)):
        assert not refused["ok"] and refused["at"] == f"line {2 * n + 1}"
        assert wanted in [p["code"] for p in refused["problems"]], refused
        assert all(p["message"]["zh_CN"] and p["message"]["en"] for p in refused["problems"])


def test_one_expression_with_its_explanation(tmp_path: Path) -> None:
    values = '{"orders": 2, "customer": {"region": "east"}}'
    code, (answer,), _ = run("--expr", 'orders < 3 and customer.region == "east"', "--values", values, "--explain", home=tmp_path)
    assert code == 0 and answer["value"] is True
    assert answer["sentence"]["en"] == "orders is 2 (< 3) and customer.region is east (= east)"
    first = answer["trace"]["parts"][0]
    assert (first["text"], first["value"], first["start"], first["end"]) == ("orders < 3", True, 0, 10)


def test_what_cannot_be_run_says_so(tmp_path: Path) -> None:
    assert "--jsonl" in run(home=tmp_path)[2]
    assert "postgresql://" in run("--expr", "1", "--backend", "postgres", home=tmp_path)[2]
    assert "Cannot open" in run("--expr", "1", "--backend", "postgres", "--database", "postgresql://nobody@127.0.0.1:9/none", home=tmp_path)[2]
    assert run("--jsonl", "missing.jsonl", home=tmp_path)[0] == 1
