"""Files of rows: nothing is lost, everything bad is said, and a second run changes nothing."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import AppError, Invalid, Text
from server.feature import Hooks, Saved, Work
from server.features.objects.engine import tables
from server.features.records.importing import CHUNK, Report, import_file
from server.features.records.mapping import load_mapping
from server.features.records.service import query
from server.features.records.tables import records_history
from server.storage.session import Database
from tests.features.records.company import CASES, LI, Company, company_of
from tests.real_data import DATA, real_data


@pytest.fixture
def company(database: Database) -> Company:
    return company_of(database)


def imported(company: Company, path: Path, object_key: str = "company", **more: Any) -> Report:
    return import_file(lambda: company.work(cause="import"), object_key, path, **more)


def file_of(tmp_path: Path, text: str | bytes, name: str = "in.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.rows, report.created, report.updated, report.unchanged, report.rejected


def names(company: Company, object_key: str = "company") -> list[str]:
    with company.work(write=False) as work:
        return [r.name for r in query(work, object_key, sort="id", limit=500).rows]


HEAD = "name,region,credit_limit\n"


def test_rows_become_records_by_key_or_title(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, "名称,Region,信用额度,tags,Listed\nAcme,华东,10.50,重点;new,是\nBeta,overseas,,,\n")
    report = imported(company, path, mapping={"Listed": "is_public"})
    assert counts(report) == (2, 1, 0, 0, 1)  # Beta is overseas and has no country
    assert [(e.line, e.column, e.message.en) for e in report.errors] == [(3, "country", "Must be filled in")]
    with company.work(write=False) as work:
        (record,) = query(work, "company").rows
    assert (record.values["region"], record.values["credit_limit"], record.values["tags"]) == ("east", Decimal("10.50"), ["key", "new"])
    assert (record.values["company_no"], record.values["used"], record.values["stage"]) == ("C-00001", Decimal("0.00"), "new")


def test_every_bad_row_is_reported_with_line_and_column(company: Company, tmp_path: Path) -> None:
    text = (
        HEAD + 'Good,east,1\nBad,nowhere,1.234\n,north,x\n"two\nlines",east,1\nshort,east\nlong,east,1,2\n\nAlso good,north,2\n"quote"d,east,1\nLast,east,3\n'
    )
    report = imported(company, file_of(tmp_path, text))
    assert counts(report) == (9, 3, 0, 0, 6)
    assert [(e.line, e.column) for e in report.errors] == [
        (3, "region"),
        (3, "credit_limit"),
        (4, "credit_limit"),
        (4, "name"),
        (5, "name"),
        (7, ""),
        (8, ""),
        (11, ""),
    ]
    assert names(company) == ["Good", "Also good", "Last"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(company: Company, tmp_path: Path, encoding: str) -> None:
    rows = "".join(f"北京第{i}分公司,华北,{i}\n" for i in range(700))  # more than one buffer
    report = imported(company, file_of(tmp_path, ("名称,区域,信用额度\n" + rows).encode(encoding)))
    assert (report.created, report.encoding) == (700, encoding.removesuffix("-sig"))
    assert names(company)[0] == "北京第0分公司"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\n\n", "empty"),
        (b"\xff\xfea", "UTF-16"),
        (b"PK\x03\x04xxxx", "damaged"),
        (b"name,region\n\xff\xff\xff,east\n", "Line 2"),
        (b"name,name\nx,y\n", "twice"),
        (b'"name\nx', "header"),
        (b"name,regoin\nx,east\n", "regoin"),
        ((",".join(f"c{i}" for i in range(1001)) + "\n").encode(), "limit"),
    ],
    ids=lambda v: str(v)[:20],
)
def test_a_file_that_cannot_be_used_says_why(company: Company, tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(AppError) as error:
        imported(company, file_of(tmp_path, content))
    assert said in error.value.message.en
    assert names(company) == []


def test_columns_that_nobody_enters_are_passed_over(company: Company, tmp_path: Path) -> None:
    """An exported list has them; computed, read-only and system columns change nothing."""
    report = imported(company, file_of(tmp_path, "id,name,region,free,stage,version\n77,Firm,east,12345,won,9\n"))
    assert (report.created, report.errors) == (1, ())
    with company.work(write=False) as work:
        row = query(work, "company").rows[0]
        assert (row.id, row.version) == (1, 1) and row.values["free"] != 12345


def test_a_missing_file_says_so(company: Company, tmp_path: Path) -> None:
    with pytest.raises(AppError, match="Cannot read"):
        imported(company, tmp_path / "none.csv")
    with pytest.raises(AppError, match="Cannot read"):
        imported(company, tmp_path)


def test_the_header_alone_is_nothing_to_do(company: Company, tmp_path: Path) -> None:
    assert counts(imported(company, file_of(tmp_path, HEAD))) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(company: Company, tmp_path: Path, separator: str) -> None:
    assert imported(company, file_of(tmp_path, (HEAD + "A,east,1\n").replace(",", separator))).created == 1


@pytest.mark.parametrize(
    "mapping",
    [
        {"nmae": "name"},
        {"name": "nope"},
        {"name": "id"},
        {"name": "free"},
        {"name": 5},
        {"name": {"field": "name", "colour": "red"}},
        {"name": {"field": "name", "zone": "Asia/Shanghai"}},
        {"name": {"field": "seen_at", "zone": "Mars/Olympus"}},
        {"name": {"field": "name", "by": "x"}},
        {"name": "region"},
    ],
    ids=str,
)
def test_a_bad_mapping_is_refused_before_any_row(company: Company, tmp_path: Path, mapping: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        imported(company, file_of(tmp_path, HEAD + "A,east,1\n"), mapping=mapping)
    assert names(company) == []


def test_a_mapping_file_is_strict_json(tmp_path: Path) -> None:
    assert load_mapping(file_of(tmp_path, '{"a": "b"}')) == {"a": "b"}
    for text in ("[]", "{", "x"):
        with pytest.raises(Invalid):
            load_mapping(file_of(tmp_path, text))


def test_times_in_a_named_zone_or_format(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, "name,region,when,born\nA,east,2011-07-01T12:00:00,31/12/1999\nB,east,,\nC,east,soon,1999-12-31\n")
    mapping = {"when": {"field": "seen_at", "zone": "Europe/London"}, "born": {"field": "founded_on", "format": "%d/%m/%Y"}}
    report = imported(company, path, mapping=mapping)
    assert [(e.line, e.column) for e in report.errors] == [(4, "when"), (4, "born")]
    with company.work(write=False) as work:
        first, second = query(work, "company", sort="id").rows
    assert (str(first.values["seen_at"]), str(first.values["founded_on"])) == ("2011-07-01 11:00:00+00:00", "1999-12-31")
    assert second.values["seen_at"] is None


def test_by_key_a_second_run_changes_nothing(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, "company_no,name,region\nX1,A,east\nX2,B,north\nX1,A2,east\n,C,east\nX3,D,nowhere\n")
    report = imported(company, path, key="company_no")
    assert counts(report) == (5, 2, 1, 0, 2)
    assert names(company) == ["A2", "B"]
    again = imported(company, path, key="company_no")
    assert (again.created, again.updated, again.unchanged) == (0, 2, 1)  # A, then A2 again: the file says so
    settled = file_of(tmp_path, "company_no,name,region\nX1,A2,east\nX2,B,north\n")
    assert counts(imported(company, settled, key="company_no")) == (2, 0, 0, 2, 0)


@pytest.mark.parametrize("key", ["nope", "note", "tags", "age_days", "nickname"])
def test_a_bad_key_is_refused(company: Company, tmp_path: Path, key: str) -> None:
    with pytest.raises(Invalid):
        imported(company, file_of(tmp_path, HEAD + "A,east,1\n"), key=key)


def test_references_by_unique_field_or_name(company: Company, tmp_path: Path) -> None:
    imported(company, file_of(tmp_path, "company_no,name,region,credit_limit\nX1,A,east,9\nX2,B,east,9\nX3,B,east,9\n"))
    path = file_of(tmp_path, "deal_no,company,amount\nD1,X1,1\nD2,A,2\nD3,B,3\nD4,X9,4\nD5,,5\nD6,2,6\n")
    report = imported(company, path, "deal")
    assert report.created == 2
    assert [(e.line, e.column, e.message.en) for e in report.errors] == [
        (4, "company", "2 records are named 'B'"),
        (5, "company", "There is no record 'X9'"),
        (6, "company", "Must be filled in"),
        (7, "company", "There is no record '2'"),
    ]
    by_id = file_of(tmp_path, "deal_no,company,amount\nD6,2,6\n")
    assert imported(company, by_id, "deal", mapping={"company": {"field": "company", "by": "id"}}).created == 1
    by_name = file_of(tmp_path, "deal_no,company,amount\nD7,X1,6\nD8,A,6\n")
    assert imported(company, by_name, "deal", mapping={"company": {"field": "company", "by": "name"}}).created == 1


def test_rows_may_refer_to_later_rows(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, "company_no,name,region,parent\nX1,A,east,X2\nX2,B,east,X3\nX3,C,east,\nX4,D,east,X9\n")
    report = imported(company, path, key="company_no")
    assert counts(report) == (4, 3, 0, 0, 1)
    assert [(e.line, e.column) for e in report.errors] == [(5, "parent")]
    assert imported(company, path, key="company_no").unchanged == 3


def test_a_dry_run_tells_the_same_and_leaves_nothing(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, HEAD + "A,east,1\nB,nowhere,1\n")
    report = imported(company, path, dry_run=True)
    assert counts(report) == (2, 1, 0, 0, 1)
    assert names(company) == []


def test_hooks_hear_a_chunk_at_once_and_may_refuse_single_rows(database: Database, tmp_path: Path) -> None:
    heard: list[int] = []

    def hook(work: Work, saved: Saved) -> None:
        found = tables(work.catalog)["company"]
        if work.session.execute(sa.select(found.c.id).where(found.c.id.in_(saved.ids), found.c.name == "Bad")).first():
            raise AppError(Text("不要", "Not this one"))
        heard.append(len(saved.ids))

    company = company_of(database, hooks=Hooks(on_saved=(hook,)))
    rows = "".join(f"F{i},east,1\n" for i in range(CHUNK + 100))
    assert imported(company, file_of(tmp_path, HEAD + rows)).created == CHUNK + 100
    assert heard == [CHUNK, 100]
    report = imported(company, file_of(tmp_path, HEAD + "A,east,1\nBad,east,1\nC,east,1\n"))
    assert counts(report) == (3, 2, 0, 0, 1)
    assert [(e.line, e.message.en) for e in report.errors] == [(3, "Not this one")]


def test_rights_hold_in_an_import(company: Company, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as error:
        import_file(lambda: company.work(LI, cause="import"), "company", file_of(tmp_path, "name,region,secret\nA,east,x\n"))
    assert "secret" not in str(error.value.problems[0].hint)
    report = import_file(lambda: company.work(LI, cause="import"), "company", file_of(tmp_path, HEAD + "A,east,1\n"))
    assert report.created == 1
    with company.work(write=False) as work:
        assert query(work, "company").rows[0].values["credit_limit"] is None  # read-only for this role


class Crash(BaseException):
    """As sudden as a kill: nothing catches it."""


def test_a_crash_at_any_chunk_and_a_second_run_end_the_same(company: Company, tmp_path: Path) -> None:
    path = file_of(tmp_path, "company_no,name,region\n" + "".join(f"N{i},Firm {i},east\n" for i in range(5 * CHUNK)))
    for crash_at in (1, 2, 4):
        done = 0

        def crash(_read: int, _all: int, _rows: int, crash_at: int = crash_at) -> None:
            nonlocal done
            done += 1
            if done == crash_at:
                raise Crash

        with pytest.raises(Crash):
            imported(company, path, key="company_no", progress=crash)
    assert imported(company, path, key="company_no").created == CHUNK
    with company.work() as work:
        source = tables(company.catalog)["company"]
        assert work.session.execute(sa.select(sa.func.count(), sa.func.count(source.c.company_no.distinct()))).one() == (5 * CHUNK, 5 * CHUNK)
        assert work.session.execute(sa.select(sa.func.count()).select_from(records_history)).scalar() == 5 * CHUNK


@real_data
def test_a_real_shop(sqlite_database: Database) -> None:
    """Every cell of the file is in the database; tests/faults takes both databases the whole way."""
    shop = company_of(sqlite_database, "retail/objects")
    data = DATA
    assert counts(imported(shop, data / "retail_customers.csv", "shop_customer", key="customer_id")) == (4372, 4372, 0, 0, 0)
    mapping = json.loads((CASES / "maps" / "retail_orders.json").read_text())
    report = imported(shop, data / "retail_orders.csv", "shop_order", mapping=mapping, key="order_no")
    assert (counts(report), report.errors) == ((22190, 22190, 0, 0, 0), ())
    with (data / "retail_orders.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    orders, customers = tables(shop.catalog)["shop_order"], tables(shop.catalog)["shop_customer"]
    with shop.work(write=False) as work:
        stored = work.session.execute(
            sa.select(orders.c.order_no, customers.c.customer_id, orders.c.kind, orders.c.lines, orders.c.units, orders.c.amount).join(
                customers, customers.c.id == orders.c.customer
            )
        ).all()
        assert sum((r.amount for r in stored), Decimal(0)) == Decimal("8300065.81")
        first = work.session.execute(sa.select(orders.c.order_time).where(orders.c.order_no == "536365")).scalar()
    assert str(first) == "2010-12-01 08:26:00+00:00"
    expected = {(r["order_no"], r["customer_id"], r["kind"], int(r["lines"]), int(r["units"]), Decimal(r["amount"])) for r in rows}
    assert {tuple(r) for r in stored} == expected


def test_modes_and_all_or_nothing(company: Company, tmp_path: Path) -> None:
    head = "company_no,name,region\n"
    first = file_of(tmp_path, head + "X1,A,east\nX2,B,east\n")
    assert imported(company, first, key="company_no", mode="insert").created == 2
    both = file_of(tmp_path, head + "X2,B2,east\nX3,C,east\n")
    only_new = imported(company, both, key="company_no", mode="insert")
    assert (only_new.created, [(e.line, e.column) for e in only_new.errors]) == (1, [(2, "company_no")])
    third = file_of(tmp_path, head + "X3,C3,east\nX4,D,east\n")
    only_known = imported(company, third, key="company_no", mode="update")
    assert (only_known.updated, [(e.line, e.column) for e in only_known.errors]) == (1, [(3, "company_no")])
    bad = file_of(tmp_path, head + "X5,E,east\nX6,F,nowhere\n")
    together = imported(company, bad, key="company_no", atomic=True)
    assert (together.refused, together.rejected, names(company)) == (True, 1, ["A", "B", "C3"])
    assert not imported(company, file_of(tmp_path, head + "X7,G,east\n"), key="company_no", atomic=True).refused
    with pytest.raises(Invalid):
        imported(company, first, mode="update")
    with pytest.raises(Invalid):
        imported(company, first, mode="replace")
