"""Files of rows over HTTP: good ones are saved, bad ones named by line; all or nothing where that is asked; judged without writing."""

import json
from typing import Any

import pytest

from tests.admin_ui.conftest import Site
from tests.api.test_records import NEW, customers

IMPORT = "/api/objects/customer/import"
GOOD, WORSE = {**NEW, "name": "Line One", "customer_no": "L-1"}, {**NEW, "name": "", "customer_no": "L-2"}


def lines(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


def as_csv(*rows: dict[str, Any]) -> bytes:
    return "\n".join([",".join(GOOD), *(",".join(str(row[k]) for k in GOOD) for row in rows)]).encode()


@pytest.mark.parametrize("media", ["text/csv", "application/jsonl"])
def test_rows_are_saved_or_named(site: Site, media: str) -> None:
    li = site.client("li")
    content = as_csv(GOOD, WORSE) if media == "text/csv" else lines(GOOD, WORSE)

    def sent(**parameters: str) -> Any:
        return li.post(IMPORT, params=parameters, content=content, headers={"content-type": media})

    tried = sent(key="customer_no", dry_run="true").json()
    assert (tried["created"], tried["rejected"], tried["dry_run"], customers(site)) == (1, 1, True, 4)
    refused = sent(key="customer_no", atomic="true")
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json" and customers(site) == 4
    for _ in range(2):
        report = sent(key="customer_no").json()
    second = 3 if media == "text/csv" else 2
    assert (report["created"], report["unchanged"], report["rejected"]) == (0, 1, 1) and customers(site) == 5
    assert report["errors"] == [{"line": second, "column": "name", "detail": "Must be filled in"}]
    assert sent(key="customer_no", mode="insert").json()["rejected"] == 2
    assert sent(key="name_of_nothing").json()["errors"][0]["parameter"] == "key"
    assert sent(mode="update").status_code == 422
    assert sent(mode="merge").json()["errors"][0]["parameter"] == "mode"


def test_lines_that_are_no_objects(site: Site) -> None:
    li = site.client("li")
    content = lines(b"{", b"[]", b"", b'{"name": "\xff"}', b'{"a": NaN}', {**GOOD, "nonsense": 1}, {"id": 1, "name": "By Number"}, {"id": 999, "name": "x"})
    report = li.post(IMPORT, params={"key": "id"}, content=content, headers={"content-type": "application/jsonl"}).json()
    assert [e["line"] for e in report["errors"]] == [1, 2, 4, 5, 6, 8] and (report["updated"], report["rows"]) == (1, 7)
    assert li.get("/api/objects/customer/records/1").json()["name"] == "By Number" and customers(site) == 4


def test_an_import_names_its_kind_and_takes_no_key_of_the_call(site: Site) -> None:
    li = site.client("li")
    assert li.post(IMPORT, content=b"name\nx", headers={"content-type": "text/plain"}).status_code == 415
    assert li.post(IMPORT, content=b"name\nx", headers={"content-type": "text/csv", "idempotency-key": "k"}).status_code == 400
    assert li.post(IMPORT, content=b"", headers={"content-type": "text/csv"}).status_code == 422
    assert site.client("wu").post(IMPORT, content=as_csv(GOOD), headers={"content-type": "text/csv"}).status_code == 403
