"""Imports through the pages: mapped, tried, run, mended, imported again; rights and bad files."""

import io
from typing import Any

import pytest
import sqlalchemy as sa
import xlsxwriter
from fastapi.testclient import TestClient

from server.features.imports import service
from server.features.objects.engine import tables
from server.features.records.mapping import importable
from server.jobs.perform import perform_waiting
from server.worker import job_house
from tests.admin_ui.conftest import Site

GOOD = """客户编号,名称,国家,区域,行业,客户经理,成立日期,内部码
K-1,北辰机电,中国,华东,机械,li,2001/2/3,x
K-2,南星化工,中国,华南,机械,li,2002/12/31,y
K-3,,中国,华东,机械,li,2003/1/1,z
K-4,西岭,中国,火星,机械,li,2003/3/1,z
K-5,东岭,中国,华东,机械,li,2003/13/1,z
"""


def work_off(site: Site) -> None:
    perform_waiting(job_house(site.database, site.app.state.catalogs, site.settings.zone))


def upload(client: TestClient, content: bytes | str, name: str = "客户.csv", object_key: str = "customer") -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post("/imports/upload", data={"object": object_key}, files={"file": (name, io.BytesIO(data))})


def fields_of(site: Site, run: int) -> dict[str, str]:
    """The form of the mapping as it stands, as a browser would send it."""
    with site.work() as work:
        found = service.get(work, run)
    form = {"key": found.key, "mode": found.mode}
    for i, c in enumerate(found.columns):
        said = found.mapping.get(c.header) or {}
        form |= {f"{name}-{i}": said.get(name, "") for name in ("field", "format", "by")}
    return form


def test_from_the_file_to_the_records_and_back(site: Site) -> None:
    client = site.client("ada")
    answer = upload(client, GOOD)
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    run = int(place.rpartition("/")[2])
    page = client.get(place).text
    assert "北辰机电" in page
    form = fields_of(site, run)
    assert form["key"] == "customer_no"
    assert form["format-6"] == "%Y/%m/%d"
    assert form["field-7"] == ""
    look = client.post(f"{place}/columns", data={**form, "field-7": "note"})
    assert look.status_code == 200
    assert client.post(f"{place}/mapping", data={**form, "key": "note"}).status_code == 422
    assert client.post(f"{place}/mapping", data=form).headers["location"] == place
    assert 'data-state="trying"' in client.get(place).text
    work_off(site)
    tried = client.get(place).text
    assert 'data-state="tried"' in tried
    assert count(site) == 4, "a trial leaves nothing"
    assert "北辰机电" in tried
    assert "Is not one of the options" in tried
    client.post(f"{place}/run")
    work_off(site)
    done = client.get(place).text
    assert 'data-state="done"' in done
    assert count(site) == 6
    refused = client.get(f"{place}/refused.csv")
    lines = refused.content.decode("utf-8-sig").splitlines()
    assert lines[0].endswith("Why it was not imported,Line in the file")
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["4", "5", "6"]
    mended = refused.content.decode("utf-8-sig").replace("K-3,,", "K-3,东篱,").replace("火星", "华东").replace("2003/13/1", "2003/11/1")
    again = upload(client, mended, "改好.csv").headers["location"]
    second = fields_of(site, int(again.rpartition("/")[2]))
    assert second["field-8"] == second["field-9"] == ""
    client.post(f"{again}/mapping", data=second)
    work_off(site)
    client.post(f"{again}/run")
    work_off(site)
    assert count(site) == 9
    history = client.get("/imports?object=customer").text
    assert "改好.csv" in history
    assert client.get(f"{place}/refused.xlsx").content[:2] == b"PK"
    assert site.client("wang").get(place).status_code == 404


def count(site: Site) -> int:
    with site.work() as work:
        return work.session.scalar(sa.select(sa.func.count()).select_from(tables(work.catalog)["customer"])) or 0


def test_the_trial_says_what_changes_and_whose_class(site: Site) -> None:
    client = site.client("ada")
    with site.work() as work:
        source = tables(work.catalog)["customer"]
        numbers = [tuple(r) for r in work.session.execute(sa.select(source.c.customer_no, source.c.id).order_by(source.c.id).limit(2))]
    text = "customer_no,name,note\n" + f"{numbers[0][0]},Fogbridge Renamed,\n{numbers[1][0]},Saltgrain Chemicals,\n"
    place = upload(client, text).headers["location"]
    client.post(f"{place}/mapping", data=fields_of(site, int(place.rpartition("/")[2])))
    work_off(site)
    page = client.get(place).text
    assert "Fogbridge Precision" in page
    assert "Fogbridge Renamed" in page
    with site.work() as work:
        trial = service.get(work, int(place.rpartition("/")[2])).trial
    assert trial is not None
    assert (trial["updated"], trial["unchanged"], trial["created"]) == (1, 1, 0)
    new = "name,country,region,industry,owner\n" + "".join(f"新客户{i},中国,华东,机械,li\n" for i in range(3))
    place = upload(client, new).headers["location"]
    client.post(f"{place}/mapping", data=fields_of(site, int(place.rpartition("/")[2])))
    work_off(site)
    with site.work() as work:
        trial = service.get(work, int(place.rpartition("/")[2])).trial
    assert trial is not None
    assert (trial["created"], trial["moved"]) == (3, 0)
    assert all(old == "" and n for moves in trial["moves"].values() for old, _, n in moves)
    assert client.get(place).status_code == 200


def test_all_or_nothing_a_spreadsheet_and_a_stop(site: Site) -> None:
    client = site.client("ada")
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("一")
        for i, row in enumerate([["name", "country", "region", "industry", "owner"], ["甲", "中国", "华东", "机械", "li"], ["乙", "中国", "??", "机械", "li"]]):
            sheet.write_row(i, 0, row)
        book.add_worksheet("二").write_row(0, 0, ["name"])
    place = upload(client, out.getvalue(), "a.xlsx").headers["location"]
    run = int(place.rpartition("/")[2])
    assert client.post(f"{place}/reading", data={"sheet": "三"}).status_code == 422
    assert client.post(f"{place}/reading", data={"sheet": "二"}).status_code == 303
    assert client.post(f"{place}/reading", data={"sheet": "一"}).status_code == 303
    client.post(f"{place}/mapping", data={**fields_of(site, run), "atomic": "1"})
    work_off(site)
    client.post(f"{place}/run")
    work_off(site)
    assert 'data-state="refused"' in client.get(place).text
    assert count(site) == 4
    place = upload(client, GOOD).headers["location"]
    client.post(f"{place}/mapping", data=fields_of(site, int(place.rpartition("/")[2])))
    client.post(f"{place}/stop")
    assert 'data-state="mapping"' in client.get(place).text
    assert "客户.csv" in client.get("/settings/jobs").text


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.csv", "empty"),
        (b"PK\x03\x04", "a.xlsx", "damaged"),
        (b"\xd0\xcf\x11\xe0aaaaaaaa", "a.xls", ".xls"),
        (b"name,name\n", "a.csv", "twice"),
        (b"\xff\xfe\x00", "a.csv", "UTF-16"),
    ],
)
def test_a_bad_file_is_said_and_not_kept(site: Site, content: bytes, name: str, said: str) -> None:
    answer = upload(site.client("ada"), content, name)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert "Traceback" not in answer.text


def test_uploads_have_a_bound_of_their_own(site: Site) -> None:
    client = site.client("ada")
    wide = b"name\n" + b"x" * (site.settings.body_limit + 10)
    assert upload(client, wide).status_code in {303, 422}
    assert client.post("/o/customer/new", data={"name": "x" * (site.settings.body_limit + 1)}).status_code == 413
    assert client.post("/imports/upload", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/imports/upload", data={"object": "customer"}, files={"other": b""}).status_code == 422


def test_rights(site: Site) -> None:
    staff, reviewer = site.client("li"), site.client("wu")
    assert reviewer.get("/imports?object=customer").status_code == 404
    assert upload(reviewer, "name\nx\n").status_code == 404
    assert staff.get("/imports?object=customer").status_code == 200
    template = staff.get("/imports/template/customer.csv")
    assert template.status_code == 200
    assert staff.get("/imports/template/customer.xlsx").content[:2] == b"PK"
    assert staff.get("/imports/template/customer.exe").status_code == 404
    with site.work("li") as work:
        titles = [f.title.en for f in importable(work, work.catalog.get("object", "customer"))]
    assert template.content.decode("utf-8-sig").splitlines()[0].split(",") == titles
