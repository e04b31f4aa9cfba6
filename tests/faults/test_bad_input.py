"""Hostile and broken input at every door: a clear message, no traceback, nothing half-saved."""

from pathlib import Path

import httpx2 as httpx
import pytest

from server.storage.session import Database
from tests.serving import PASSWORD, Server, command, customer

HEAD = "customer_no,name,country,unified_credit_code,region,industry,lifecycle,owner,strategic_importance,payment_method\n"
GOOD = "K-1,苏州雾桥,cn,913205000000000001,east,machinery,active,admin,key,prepaid\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    it = Server(f"sqlite:///{tmp_path_factory.mktemp('bad')}/weatherglass.sqlite")
    command(it.url, "publish")
    command(it.url, "createadmin", "admin", "--password", PASSWORD)
    it.start()
    yield it  # type: ignore[misc]
    it.kill()


def names(server: Server) -> set[str]:
    database = Database(server.url)
    with database.read() as connection:
        found = {row[0] for row in connection.exec_driver_sql("SELECT name FROM o_customer")}
    database.close()
    return found


def releases(server: Server) -> int:
    database = Database(server.url)
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM releases").scalar_one()
    database.close()
    return int(found)


HOSTILE = [
    "\x00",
    "a\x07b",
    "\ud800".encode("utf-8", "surrogatepass"),
    "x" * 5000,
    "<script>alert(1)</script>",
    "'; DROP TABLE o_customer; --",
    "{{ 7 * 7 }}",
    "=1+1",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t)[:16])
def test_a_form_with_a_hostile_name_is_refused_or_shown_as_text(server: Server, text: str | bytes) -> None:
    form = {k: v.encode() if isinstance(v, str) else v for k, v in customer("x").items()} | {"name": text}
    answer = server.person().post("/o/customer/new", data=form)
    assert answer.status_code in {303, 400, 422}, answer.status_code
    page = answer.text if answer.status_code != 303 else server.person().get(answer.headers["location"]).text
    assert "<script>alert(1)" not in page
    assert "Traceback" not in page
    assert "{{ 7" in page or "49</h1>" not in page


def test_fifty_megabytes_are_refused(server: Server) -> None:
    before = names(server)
    client = server.person()
    try:
        answer = client.post("/o/customer/new", content=b"name=" + b"x" * 50_000_000, headers={"content-type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the server closed the door while we were still talking
    assert httpx.get(server.address + "/healthz").status_code == 200
    assert names(server) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/o/customer/999999999", 404),
        ("/o/nothing", 404),
        ("/o/customer?sort=nothing", 400),
        ("/o/customer?cursor=%00", 400),
        ("/o/customer/1/edit/../../../etc/passwd", 404),
        ("/alerts/0", 404),
        ("/static/../server/settings.py", 404),
    ],
)
def test_addresses_that_lead_nowhere(server: Server, path: str, status: int) -> None:
    answer = server.person().get(path)
    assert answer.status_code in {status, 200, 404, 422}, answer.text[:500]
    assert answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("content", "good"),
    [
        ((HEAD + GOOD).encode("gb18030"), True),
        (b"\xef\xbb\xbf" + (HEAD + GOOD).encode(), True),
        ((HEAD + "K-1,短\n" + GOOD.replace("K-1", "K-2")).encode(), False),
        (b"", False),
        (b"\xff\xfe\x00\x01" * 40, False),
        ((HEAD.replace("name", "nome") + GOOD).encode(), False),
        ((HEAD + GOOD.replace("machinery", "machines")).encode(), False),
    ],
    ids=["gb18030", "bom", "ragged", "empty", "bytes", "unknown column", "unknown option"],
)
def test_files_to_import(server: Server, tmp_path: Path, content: bytes, good: bool) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(content)
    run = command(server.url, "import", "customer", str(path), "--key", "customer_no", check=False)
    assert run.returncode == (0 if good else 1), run.stdout + run.stderr
    assert good or (run.stdout + run.stderr).strip()


BROKEN = {
    "unknown key": '{"kind": "alert", "key": "x", "title": {"en": "X"}, "object": "customer", "wen": "True"}',
    "remote reference": '{"kind": "object", "key": "x", "title": {"en": "X"}, "schema": {"$ref": "https://example.com/x.json"}}',
    "two fields of one name": '{"kind": "object", "key": "x", "title": {"en": "X"}, "schema": {"type": "object", '
    '"properties": {"a": {"x-type": "text"}, "a": {"x-type": "integer"}}}}',
    "cycle": '{"kind": "object", "key": "x", "title": {"en": "X"}, "schema": {"type": "object", '
    '"properties": {"a": {"x-type": "integer", "x-computed": "b + 1"}, '
    '"b": {"x-type": "integer", "x-computed": "a + 1"}}}}',
    "hostile expression": '{"kind": "indicator", "key": "x", "title": {"en": "X"}, "object": "customer", "expression": "().__class__.__bases__[0]"}',
    "deep": "[" * 100_000,
    "not JSON": "{kind: alert}",
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_documents(server: Server, tmp_path: Path, case: str) -> None:
    (tmp_path / "x.json").write_text(BROKEN[case], "utf-8")
    checked = command(server.url, "check", str(tmp_path), "--json", check=False)
    assert checked.returncode == 1, checked.stdout
    assert "x.json" in checked.stdout
    published = command(server.url, "publish", str(tmp_path), check=False)
    assert published.returncode == 1
    assert releases(server) == 1
