"""Files of records over the wire: who may send, who may see, what is refused, and how what is seen is served."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image

from server.clock import now
from server.features.files.limits import FileLimits
from server.features.files.service import of_record
from server.features.files.sweeper import sweep
from server.features.files.tables import file_uses, stored_files
from server.features.records import service as records
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES
from tests.admin_ui.conftest import Site

COMPLAINT = {"customer": "1", "received_at": "2026-01-05T10:00", "category": "quality", "severity": "minor", "description": "Scratched"}


def png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (400, 300), "#a61e4d").save(made, "PNG")
    return made.getvalue()


def send(client: TestClient, data: bytes, name: str = "contract.pdf", place: str = "complaint/attachments", media: str = "application/pdf") -> Any:
    return client.post(f"/files/upload/{place}", files={"file": (name, data, media)}, headers={"hx-request": "true"})


def id_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return str(re.search(r'value="([0-9a-f]{32})"', answer.text)[1])  # type: ignore[index]


def saved(client: TestClient, *files: str, path: str = "/o/complaint/new", **more: str) -> Any:
    return client.post(path, data={**COMPLAINT, "attachments": ["", *files], **more})


def made(client: TestClient, *files: str) -> int:
    answer = saved(client, *files)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rpartition("/")[2])


def test_a_file_is_uploaded_saved_seen_and_taken_out(site: Site) -> None:
    client = site.client("ada")
    first, second = id_of(send(client, b"%PDF-1.7 first", "合同.pdf")), id_of(send(client, png(), "photo.png"))
    record = made(client, first, second)
    page = client.get(f"/o/complaint/{record}?tab=facts").text
    assert "合同.pdf" in page and f"/files/{second}/thumb" in page
    with site.work("ada") as work:
        value = records.get(work, "complaint", record).values["attachments"]
        assert [(r.name, r.type, r.size) for r in value] == [("合同.pdf", "application/pdf", 14), ("photo.png", "image/png", len(png()))]
        field = work.catalog.get("object", "complaint").fields["attachments"]
        assert FIELD_TYPES["file"].json(field, value)[0] == {"id": first, "name": "合同.pdf", "type": "application/pdf", "size": 14, "url": f"/files/{first}"}
        assert FIELD_TYPES["file"].entry(field, value, Reading(titles=True)) == "合同.pdf; photo.png"
        assert {f.ref.id for f in of_record(work, "customer", 1)} == {first, second}  # the customer's tab gathers them
        version = records.get(work, "complaint", record).version
    assert saved(client, second, path=f"/o/complaint/{record}/edit", _version=str(version)).status_code == 303
    assert "合同.pdf" in client.get(f"/o/complaint/{record}?tab=history").text
    with site.work("ada") as work:
        assert [f.ref.id for f in of_record(work, "complaint", record)] == [second]
        assert records.history(work, "complaint", record)[0].old_text == "合同.pdf, photo.png"
    assert client.get(f"/files/{first}").status_code == 200  # history tells of it, so it is still to be had


def test_files_survive_a_form_that_comes_back(site: Site) -> None:
    client = site.client("ada")
    file = id_of(send(client, b"%PDF-1.7 kept", "kept.pdf"))
    answer = saved(client, file, description="")
    assert answer.status_code == 422 and f'value="{file}"' in answer.text and "kept.pdf" in answer.text


def test_served_so_that_nothing_in_it_runs(site: Site) -> None:
    client = site.client("ada")
    page = b"<html><script>alert(1)</script></html>"
    for data, name in ((page, "report.html"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg"), (page, "photo.png")):
        answer = client.get("/files/" + id_of(send(client, data, name, media="image/png")))
        assert answer.headers["content-type"].startswith("text/plain") and answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff" and "sandbox" in answer.headers["content-security-policy"]
    file = id_of(send(client, png(), "x; y=z, 合同.png"))
    seen = client.get(f"/files/{file}")
    assert (
        seen.headers["content-disposition"] == "inline; filename*=UTF-8''x%3B%20y%3Dz%2C%20%E5%90%88%E5%90%8C.png"
        and seen.headers["content-type"] == "image/png"
    )
    assert client.get(f"/files/{file}", headers={"range": "bytes=0-7"}).content == b"\x89PNG\r\n\x1a\n"
    assert client.get(f"/files/{file}", headers={"if-none-match": seen.headers["etag"]}).status_code == 304
    assert client.get(f"/files/{file}/thumb").headers["content-type"] == "image/webp"
    assert client.get("/files/..%2f..%2fetc%2fpasswd").status_code == 404


def test_only_who_may_read_the_record_gets_its_files(site: Site) -> None:
    """Li and Wang have customers of their own; a complaint is seen with its customer."""
    li, wang = site.client("li"), site.client("wang")
    file = id_of(send(li, b"%PDF-1.7 secret"))
    assert li.get(f"/files/{file}").status_code == 200
    for other in (wang, site.client("ada")):
        assert other.get(f"/files/{file}").status_code == 404  # waits: its uploader's alone
    stolen = saved(wang, file, customer="3")
    assert stolen.status_code == 422 and "not there any more" in stolen.text
    record = made(li, file)
    assert wang.get(f"/files/{file}").status_code == 404 and site.client("ada").get(f"/files/{file}").status_code == 200
    assert saved(wang, file, customer="3").status_code == 422
    assert site.client().get(f"/files/{file}").status_code == 303
    with site.work() as work:
        version = records.get(work, "complaint", record).version
    site.client("ada").post(f"/o/complaint/{record}/delete", data={"_version": str(version)})
    assert li.get(f"/files/{file}").status_code == 404


def test_what_is_refused_says_why_and_keeps_nothing(site: Site) -> None:
    client = site.client("ada")
    refused = [
        (send(client, b"", "empty.pdf"), 422, "“empty.pdf” is empty"),
        (send(client, b"<svg/>", "x.png", "due_diligence/photos"), 422, "“x.png” is not a picture"),
        (send(client, b"\x89PNG\r\n\x1a\nbroken", "x.png", "due_diligence/photos"), 422, "is not a picture"),
        (send(client, b"x", place="complaint/description"), 404, "no such field"),
        (send(client, b"x", place="nothing/at_all"), 404, "no such field"),
        (send(client, b"x" * (site.settings.file_limit + 1)), 413, "“contract.pdf” is larger than one file may be: 20 MB"),
        (send(client, b"x" * (site.settings.file_limit + 100_000)), 413, "At most 20.1 MB may be sent here at once"),
        (client.post("/files/upload/complaint/attachments", data={"file": "text"}, headers={"hx-request": "true"}), 415, "Only an uploaded file"),
        (client.post("/files/upload/complaint/attachments", files={"other": b"x"}, headers={"hx-request": "true"}), 400, "No file came"),
        (send(site.client("wu"), b"x"), 403, ""),
    ]
    for answer, status, words in refused:
        assert answer.status_code == status and words in answer.text, answer.text
    with site.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(stored_files)) == 0
    assert list(site.app.state.files.digests(now() + timedelta(days=1))) == []


def test_quotas_name_what_they_are(site: Site) -> None:
    client = site.client("ada")
    object.__setattr__(site.settings, "files_quota", 2000)
    first = send(client, b"a" * 1500, "first.txt")
    assert first.status_code == 200
    assert send(client, b"a" * 1500, "again.txt").status_code == 200  # the same bytes take no more room
    over = send(client, b"b" * 1500, "second.txt")
    assert over.status_code == 413 and "2 KB" in over.text and "1.5 KB are used" in over.text
    object.__setattr__(site.settings, "files_quota", 10**9)
    for n in range(FileLimits(1, 1).waiting - 2):
        send(client, str(n).encode())
    many = send(client, b"one more")
    assert many.status_code == 409 and "You have 100 files" in many.text


def test_too_many_for_the_field(site: Site) -> None:
    client = site.client("ada")
    files = [id_of(send(client, f"%PDF-{n}".encode())) for n in range(11)]
    answer = saved(client, *files)
    assert answer.status_code == 422 and "At most 10 files; there are 11" in answer.text


def test_hidden_and_read_only_fields_keep_their_files_to_themselves(site: Site) -> None:
    client = site.client("ada")
    file = id_of(send(client, b"%PDF-1.7 private"))
    made(client, file)
    with site.work() as work:
        grants = work.catalog.get("role", "staff").grants
        before = grants["complaint"]
        closed = type(before)(**{**before.__dict__, "hidden": frozenset({*before.hidden, "attachments"})})
    staff = site.client("li")
    assert staff.get(f"/files/{file}").status_code == 200
    grants["complaint"] = closed
    site.app.state.catalogs(site.database.engine.connect()).memo.clear()
    assert staff.get(f"/files/{file}").status_code == 404
    assert send(staff, b"x").status_code == 404


def test_what_nobody_saved_is_swept_after_a_day(site: Site) -> None:
    client = site.client("ada")
    kept, left = id_of(send(client, b"%PDF-1.7 kept")), id_of(send(client, b"%PDF-1.7 left"))
    made(client, kept)
    store = site.app.state.files
    store.put(io.BytesIO(b"killed between the bytes and their row"), 10**6)
    assert sweep(site.database, store, now()) == type(sweep(site.database, store, now()))(0, 0, 0)
    swept = sweep(site.database, store, now() + timedelta(days=2))
    assert (swept.files, swept.contents) == (1, 2)
    assert client.get(f"/files/{kept}").status_code == 200 and client.get(f"/files/{left}").status_code == 404
    with site.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(file_uses)) == 1


def test_bytes_that_are_gone_are_told(site: Site, tmp_path: Path) -> None:
    client = site.client("ada")
    file = id_of(send(client, b"%PDF-1.7 gone"))
    for path in (tmp_path / "site-files" / "content").rglob("*"):
        if path.is_file():
            path.unlink()
    answer = client.get(f"/files/{file}")
    assert answer.status_code == 404 and "not in the store" in answer.text
