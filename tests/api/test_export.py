"""A list as a file: what one may see, exactly, safe to open in a spreadsheet, and back again without a change."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.feature import Work
from server.features.audit.tables import audit_log
from server.features.records import exporting, service
from server.features.records.downloads import save
from server.features.records.importing import import_file
from server.features.records.jsonlines import import_lines
from server.features.records.liststate import ListState
from server.features.records.rowfile import bare, guarded, shielded
from tests.admin_ui.conftest import Site

EXPORT = "/api/objects/customer/export"
TRICKY = ("=1+1", "+8613800000000", "-5 degrees", "@sum", "＝1", "'=quoted", "''=twice", 'plain, with "quotes"', "长，文本", "0012", "1e5", "TRUE", "'tis")


def furnish(site: Site) -> None:
    """A customer for each tricky text, with values of many types."""
    with site.work(write=True) as work:
        first = dict(service.get(work, "customer", 1).values)
        for i, text in enumerate(TRICKY):
            values = {k: first[k] for k in ("country", "region", "industry", "lifecycle", "strategic_importance", "payment_method")}
            service.create(work, "customer", {**values, "name": f"{text}", "owner": "li", "founded_on": f"1999-12-{i + 10}"})


def rows_of(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_is_safe_and_by_rights(site: Site) -> None:
    furnish(site)
    ada, li = site.client("ada"), site.client("li")
    answer = ada.get(EXPORT, params={"fields": "name,founded_on", "sort": "name", "results": "risk_level"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and "filename*=UTF-8''Customers-" in answer.headers["content-disposition"]
    found = rows_of(answer.content)
    assert len(found) == 4 + len(TRICKY)
    assert {"'=1+1", "'+8613800000000", "'@sum", "'＝1", "''=quoted", "'''=twice", "0012", "'tis"} <= {r["Name"] for r in found}
    mine = rows_of(li.get(EXPORT, params={"filter": "year(founded_on) == 2010"}).content)
    assert {r["Name"] for r in mine} == {"Fogbridge Precision", "Saltgrain Chemicals"}
    account = next(k for k in mine[0] if "bank account" in k.lower())
    assert mine[0][account].startswith("****")
    with site.database.read() as connection:
        noted = connection.execute(sa.select(audit_log.c.actor, audit_log.c.detail).where(audit_log.c.action == "export").order_by(audit_log.c.id)).all()
    assert [(n.actor, json.loads(n.detail)["rows"]) for n in noted] == [("ada", 4 + len(TRICKY)), ("li", 2)]


def test_json_lines_are_what_the_api_gives(site: Site) -> None:
    ada = site.client("ada")
    lines = [json.loads(line) for line in ada.get(EXPORT, params={"format": "jsonl", "sort": "id"}).content.splitlines()]
    assert lines == [ada.get(f"/api/objects/customer/records/{i}").json() for i in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    "parameters", [{"format": "pdf"}, {"filter": "nothing == 1"}, {"fields": "nothing"}, {"results": "nothing"}, {"sort": "nothing"}, {"cursor": "x"}]
)
def test_an_export_that_cannot_be_made_says_so(site: Site, parameters: dict[str, str]) -> None:
    answer = site.client("ada").get(EXPORT, params=parameters)
    assert answer.status_code == 422 and answer.json()["errors"][0]["parameter"] == next(iter(parameters)), answer.text


def test_a_workbook_has_numbers_days_and_texts(site: Site) -> None:
    furnish(site)
    answer = site.client("ada").get(EXPORT, params={"format": "xlsx", "fields": "name,founded_on,registered_capital"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "=1+1</t>" in sheet and "''=quoted" in sheet


def test_the_page_previews_and_gives_the_file(site: Site) -> None:
    li = site.client("li")
    page = li.get("/o/customer/export?q=fog")
    assert page.status_code == 200 and "1 record will be written" in page.text and "bank_account" in page.text
    rows = rows_of(li.get("/o/customer/export/file?q=fog&format=csv&col=name&col=owner").content)
    assert rows == [{"Name": "Fogbridge Precision", **{k: "li" for k in rows[0] if k != "Name"}}]
    assert li.get("/o/customer/export/file?format=csv").status_code == 422
    assert li.get("/o/customer/export?owner__zz=1").status_code == 422
    assert site.client("wang").get("/o/customer/export?q=fog").text.count("0 records will be written") == 1


def test_memory_does_not_grow_with_the_rows(site: Site) -> None:
    """Statements come in chunks: two for each 500 records beside what is asked once."""
    with site.work() as work:
        plan = exporting.plan(work, "customer", "csv", ["id", "name"], ListState())
        ids = exporting.ids_of(work, plan)
        many = type(ids)("q", list(ids) * 600)
        site.statements.clear()
        assert sum(len(part) for part in exporting.csv_lines(work, plan, many)) > 0
        assert len(site.statements) == -(-len(many) // exporting.CHUNK)


def test_guarding_can_be_undone() -> None:
    texts: list[Any] = [*TRICKY, "", "a=b", "\t=1", "-", "'", "'-1"]
    for text in texts:
        held = shielded(text)
        assert not held.startswith(("=", "+", "-", "@", "\t", "＝")), text
        assert bare(held) == text
        assert bare(guarded(text)) == text


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_an_exported_list_imports_without_a_change(site: Site, tmp_path: Path, format: str) -> None:
    furnish(site)
    with site.work(write=True) as work:  # two of one name: a reference to one of them is told by its number
        first = dict(service.get(work, "customer", 1).values)
        service.update(work, "order", 1, {"order_no": "=O", "customer": "2", "amount": "1234567890123.45"}, 1)
        service.update(work, "customer", 2, {"name": first["name"]}, 1)
    sun = site.client("sun")
    content = sun.get(EXPORT, params={"format": format}).content
    media = {"csv": "text/csv", "jsonl": "application/jsonl"}.get(format, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    answer = sun.post("/api/objects/customer/import", params={"key": "customer_no"}, content=content, headers={"content-type": media})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["errors"] == [] and report["unchanged"] == report["rows"] == 4 + len(TRICKY), report

    @contextmanager
    def opened() -> Iterator[Work]:
        with site.work(write=True) as work:
            yield replace(work, cause="api" if format == "jsonl" else "import")

    file = tmp_path / f"orders.{format}"
    with site.work() as work, file.open("wb") as target:
        save(work, exporting.plan(work, "order", format, None, ListState()), target)
    if format == "jsonl":
        orders = import_lines(opened, "order", file.read_bytes(), "order_no")
    else:
        orders = import_file(opened, "order", file, key="order_no")
    assert orders.errors == () and orders.unchanged == orders.rows == 4
