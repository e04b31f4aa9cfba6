"""One corpus of good and bad values (tests/cases/records/corpus.toml) through a form, the API and an import: the same verdict, the same words,
the same stored value, never a failure of ours, and nothing of what was refused is there."""

import csv
import html
import io
import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import server.tables
from server.app import create_app
from server.clock import now
from server.config.document import Document
from server.config.publish import publish
from server.config.releases import Catalogs
from server.feature import SYSTEM, Work, working
from server.features.access.people import create_user
from server.features.records import service as records
from server.fields.base import WHITE_SPACE
from server.registry import HOOKS, KINDS
from server.settings import Settings
from server.storage.session import Database
from tests.admin_ui.conftest import PASSWORD
from tests.publishing import an_object

CORPUS = tomllib.loads((Path(__file__).parents[1] / "cases" / "records" / "corpus.toml").read_text(encoding="utf-8"))
NULL = "∅"
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
NUMBERS, TEXTS = (
    {"integer", "number", "decimal", "reference", "percent", "rating"},
    {"text", "long_text", "email", "phone", "link", "user", "choice", "duration", "region", "rich_text"},
)
OPTIONS = [{"key": k, "title": {"en": f"Option {k}", "zh_CN": f"选项{k}"}} for k in ("new", "won", "open-1")]
TAGS = [{"key": k, "title": {"en": f"Tag {k}", "zh_CN": f"标签{k}"}} for k in ("a", "b", "c")]
PLACES = [
    {"key": "zj", "title": {"en": "Zhejiang", "zh_CN": "浙江"}},
    {"key": "hz", "title": {"en": "Hangzhou", "zh_CN": "杭州"}, "parent": "zj"},
    {"key": "zj_gl", "title": {"en": "Gulou", "zh_CN": "鼓楼"}, "parent": "zj"},
]
FIELDS: dict[str, Any] = {
    "name": {"x-type": "text", "maxLength": 60},
    "note": "long_text",
    "code": {"x-type": "text", "minLength": 3, "maxLength": 8},
    "whole": "integer",
    "small": {"x-type": "integer", "minimum": 0, "maximum": 100},
    "ratio": "number",
    "amount": {"x-type": "decimal", "x-decimals": 2},
    "rate": {"x-type": "decimal", "x-decimals": 4, "minimum": 0, "maximum": 100},
    "day": "date",
    "at": "datetime",
    "flag": "yes_no",
    "stage": {"x-type": "choice", "x-options": OPTIONS},
    "tags": {"x-type": "multi_choice", "x-options": TAGS},
    "thing": {"x-type": "reference", "x-reference": "thing"},
    "who": "user",
    "mail": "email",
    "tel": "phone",
    "web": "link",
    "share": {"x-type": "percent", "x-decimals": 2, "maximum": 200},
    "span": "duration",
    "stars": "rating",
    "place": {"x-type": "region", "x-options": PLACES},
    "story": "rich_text",
    "mark": "text",
}
TYPES = {key: spec if isinstance(spec, str) else spec["x-type"] for key, spec in FIELDS.items()}
EVERYTHING = {"read": "True", "create": "True", "edit": "True", "delete": "True"}
BASE = "/api/objects/specimen"


@dataclass(frozen=True)
class Case:
    field: str
    entered: str
    good: bool
    expected: Any  # the stored JSON value, or the code of the problem
    json: str  # as the API gets it

    @property
    def name(self) -> str:
        return f"{self.field} {self.entered!r}"[:80]


def cases() -> Iterator[Case]:
    for field, table in CORPUS.items():
        for good in (True, False):
            for entered, expected, *how in table["good" if good else "bad"]:
                written = how[0]["json"] if how else _json(TYPES[field], entered)
                yield Case(field, entered, good, None if expected == NULL else expected, written)


def _json(kind: str, entered: str) -> str:
    """The value as a program would send it."""
    text = entered.strip(WHITE_SPACE)
    if kind in NUMBERS and JSON_NUMBER.fullmatch(text):
        return text
    if not text and kind not in TEXTS:
        return "null"
    return json.dumps([part.strip() for part in entered.split(";")] if kind == "multi_choice" else entered)


CASES = list(cases())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('corpus')}/corpus.sqlite")
    yield from _site(database)


def _site(database: Database) -> Iterator[TestClient]:
    server.tables.metadata.create_all(database.engine)
    catalogs, settings = Catalogs(KINDS), Settings(database_url=str(database.url), body_limit=10_000_000)
    specimen = an_object("specimen", FIELDS, name_field="name")
    specimen.body["schema"]["required"] = ["name"]
    body = {"kind": "role", "key": "all", "title": {"en": "All", "zh_CN": "全部"}, "capabilities": [], "objects": {"*": EVERYTHING}}

    @contextmanager
    def work() -> Iterator[Work]:
        with working(database, catalogs, HOOKS, SYSTEM, now(), settings.zone, write=True) as it:
            yield it

    with work() as it:
        publish(it, [an_object("thing", {"title": "text"}), specimen, Document("role", "all", body)], "test")
    with work() as it:
        create_user(it, "eve", "Eve", PASSWORD, ("all",), "en")
        records.create_many(it, "thing", [{"title": "one"}, {"title": "two"}])
    it_is = TestClient(create_app(settings, database), headers={"accept-language": "en"}, follow_redirects=False, raise_server_exceptions=False)
    assert it_is.post("/login", data={"username": "eve", "password": PASSWORD}).status_code == 303
    yield it_is
    database.close()


def stored(client: TestClient) -> dict[str, dict[str, Any]]:
    """Mark -> record, of all that is there."""
    found, cursor = {}, ""
    while True:
        page = client.get(BASE + "/records", params={"sort": "id", "limit": "500", "count": "false", "cursor": cursor}).json()
        found |= {r["mark"]: r for r in page["records"]}
        cursor = page["next"] or ""
        if not cursor:
            return found


def named(case: Case, mark: str) -> dict[str, str]:
    return {"mark": mark} if case.field == "name" else {"mark": mark, "name": "Specimen"}


def by_api(client: TestClient) -> list[list[dict[str, Any]]]:
    """What is wrong with each case, in their order; in as few calls as may be."""
    rows = []
    for i, case in enumerate(CASES):
        others = "".join(f"{json.dumps(k)}: {json.dumps(v)}, " for k, v in named(case, f"j{i}").items())
        rows.append(f'{{"op": "create", "values": {{{others}"{case.field}": {case.json}}}}}')
    results: list[dict[str, Any]] = []
    for start in range(0, len(rows), 500):
        some = ",".join(rows[start : start + 500])
        answer = client.post(BASE + "/records:bulk", content=f'{{"operations": [{some}]}}', headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        results += answer.json()["results"]
    return [r["problem"]["errors"] if "problem" in r else [] for r in results]


def by_import(client: TestClient) -> list[list[dict[str, Any]]]:
    """The same from one file."""
    columns = [k for k in FIELDS if k != "thing"] + ["thing"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for i, case in enumerate(CASES):
        cells = {**named(case, f"i{i}"), case.field: f"#{case.entered.strip(WHITE_SPACE)}" if case.field == "thing" and case.entered.strip() else case.entered}
        writer.writerow([cells.get(c, "") for c in columns])
    answer = client.post(BASE + "/import", content=text.getvalue().encode(), headers={"content-type": "text/csv"})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["rows"] == len(CASES)
    lines: dict[int, list[dict[str, Any]]] = {}
    for error in report["errors"]:
        lines.setdefault(error["line"], []).append(error)
    there = stored(client)
    refused = iter(lines.values())
    return [[] if f"i{i}" in there else next(refused, []) for i in range(len(CASES))]


def by_form(client: TestClient) -> list[str]:
    """The page that says what is wrong, "" where the record was made."""
    pages = []
    for i, case in enumerate(CASES):
        value: Any = case.entered.split(";") if TYPES[case.field] == "multi_choice" else case.entered
        answer = client.post("/o/specimen/new", data={**named(case, f"f{i}"), case.field: value})
        assert answer.status_code in {303, 422}, (case.name, answer.status_code)
        pages.append("" if answer.status_code == 303 else html.unescape(answer.text))
    return pages


def verdicts(client: TestClient, *, with_form: bool = True) -> list[str]:
    """What is not as it should be, a line each. Forms come one by one and differ from the others before any SQL: one database is enough for them."""
    api, imported = by_api(client), by_import(client)
    forms, channels = (by_form(client), "jif") if with_form else ([""] * len(CASES), "ji")
    there = stored(client)
    wrong = []
    for i, (case, a, m, page) in enumerate(zip(CASES, api, imported, forms, strict=True)):
        marks = {channel: there.get(f"{channel}{i}") for channel in channels}
        if case.good:
            wrong += [f"{case.name}: {c} refused it: {a or m}" for c, r in marks.items() if r is None]
            values = {c: r[case.field] for c, r in marks.items() if r is not None}
            wrong += [
                f"{case.name}: {c} stored {v!r}" for c, v in values.items() if v != case.expected or isinstance(v, bool) != isinstance(case.expected, bool)
            ]
            continue
        wrong += [f"{case.name}: {c} stored {r[case.field]!r}" for c, r in marks.items() if r is not None]
        codes = [e["code"] for e in a if e["pointer"].endswith("/" + case.field)]
        if codes == ["type"] and case.json.startswith('"') and TYPES[case.field] in {"integer", "number", "yes_no", "rating", "duration"}:
            continue  # to JSON such text is of the wrong type; the other channels read it and say what is wrong inside
        if codes != [case.expected]:
            wrong.append(f"{case.name}: the API says {a}")
        elif case.field != "thing" and not any(e["column"] == case.field and e["detail"].startswith(a[0]["detail"]) for e in m):
            wrong.append(f"{case.name}: the import says {m}")
        elif page and a[0]["detail"] not in page:
            wrong.append(f"{case.name}: the form does not say {a[0]['detail']}")
    assert len(there) == len(channels) * sum(c.good for c in CASES) or wrong
    return wrong


def test_three_channels_give_one_verdict(client: TestClient) -> None:
    assert len(CASES) >= 400
    assert verdicts(client) == []


@pytest.mark.postgres
def test_three_channels_give_one_verdict_on_postgresql(postgres_database: Database) -> None:
    for it in _site(postgres_database):
        assert verdicts(it, with_form=False) == []


def test_half_characters_are_refused_everywhere(client: TestClient) -> None:
    """Each channel at the place where it becomes text: JSON's escape, a form's and a file's bytes."""
    before = len(stored(client))
    broken = client.post(BASE + "/records", content='{"name": "a\\ud800"}', headers={"content-type": "application/json"})
    assert broken.status_code == 422 and broken.json()["errors"][0]["code"] == "surrogate"
    for data in (b"name=a%ED%A0%80&mark=x", b"name=a%FF&mark=x"):
        form = client.post("/o/specimen/new", content=data, headers={"content-type": "application/x-www-form-urlencoded"})
        assert form.status_code == 400, data
    file = client.post(BASE + "/import", content=b"name,mark\na\xed\xa0\x80\xff,x\n", headers={"content-type": "text/csv"})
    assert file.status_code == 422
    assert len(stored(client)) == before


def test_what_nobody_may_write_is_never_stored(client: TestClient) -> None:
    """Unknown and read-only members are refused in JSON; a form and a file cannot bring them in."""
    before = len(stored(client))
    for member in ("nonsense", "id", "version", "deleted_at", "created_by", "__proto__", "name.x", ""):
        answer = client.post(BASE + "/records", json={"name": "x", member: 1})
        assert answer.status_code == 422 and answer.json()["errors"][0]["code"] == "unknown_field", member
    assert len(stored(client)) == before
    made = client.post("/o/specimen/new", data={"name": "x", "mark": "unknown", "nonsense": "1", "id": "9999", "deleted_at": "2020-01-01", "version": "7"})
    assert made.status_code == 303
    row = stored(client)["unknown"]
    assert row["id"] != 9999 and row["version"] == 1
    refused = client.post(BASE + "/import", content=b"name,nonsense\nx,1\n", headers={"content-type": "text/csv"})
    assert refused.status_code == 422 and "nonsense" in refused.text
    assert len(stored(client)) == before + 1
