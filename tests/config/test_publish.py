"""Releases: made whole or not at all, one after the other, and back again."""

import dataclasses
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.publish import publish, rollback
from server.config.releases import Catalogs, UnknownLanguage, catalog_at, list_releases
from server.config.tables import releases
from server.errors import AppError, Conflict, Invalid, NotFound
from server.expressions import language
from server.feature import Work
from server.registry import HOOKS, KINDS
from server.storage import ddl
from server.storage.session import Database
from tests.publishing import NOW, House, an_object

CUSTOMER = an_object("customer", {"name": "text", "城市": "text"})
ORDER_ALONE = an_object("order", {"no": "text"})
ORDER = an_object("order", {"no": "text", "customer": {"x-type": "reference", "x-reference": "customer"}})


def columns(house: House, table: str) -> list[str]:
    return [c["name"] for c in sa.inspect(house.database.engine).get_columns(table)]


def tables(house: House) -> set[str]:
    return {t for t in sa.inspect(house.database.engine).get_table_names() if t.startswith("o_")}


def insert(house: House, table: str, **values: Any) -> None:
    """A row as it is, past every service."""
    with house.work() as work:
        found = sa.Table(table, sa.MetaData(), autoload_with=work.session)
        moment = NOW.replace(tzinfo=None)
        work.session.execute(found.insert().values(version=1, created_at=moment, created_by="anna", updated_at=moment, updated_by="anna", **values))


def rows(house: House, table: str) -> list[dict[str, Any]]:
    with house.work(write=False) as work:
        found = sa.Table(table, sa.MetaData(), autoload_with=work.session)
        return [dict(r) for r in work.session.execute(sa.select(found).order_by(found.c.id)).mappings()]


def test_a_release_makes_tables_and_is_remembered(house: House) -> None:
    with house.work() as work:
        assert work.catalog.release == 0
        assert publish(work, [CUSTOMER, ORDER], " first ") == 1
    assert tables(house) == {"o_customer", "o_order"}
    assert "城市" in columns(house, "o_customer")
    with house.work(write=False) as work:
        assert work.catalog.release == 1
        assert list(work.catalog.get("object", "customer").fields) == ["name", "城市"]
        [release] = list_releases(work.session)
        assert (release.id, release.by, release.note, release.parent, release.documents, release.at) == (1, "anna", "first", 0, 2, NOW)


def test_the_same_documents_make_no_release(house: House) -> None:
    with house.work() as work:
        publish(work, [CUSTOMER])
    with house.work() as work:
        reordered = dataclasses.replace(CUSTOMER, body=dict(reversed(CUSTOMER.body.items())))
        assert publish(work, [reordered]) == 1


def test_fields_come_and_go_and_their_values_are_kept_aside(house: House) -> None:
    with house.work() as work:
        publish(work, [CUSTOMER, ORDER])
    insert(house, "o_customer", name="Acme", 城市="上海")
    insert(house, "o_order", no="1", customer=1)
    with house.work() as work:
        publish(work, [an_object("customer", {"name": "text", "size": "integer"})])
    assert tables(house) == {"o_customer", "o_order__gone_2"}
    [row] = rows(house, "o_customer")
    assert (row["name"], row["size"], row["城市__gone_2"]) == ("Acme", None, "上海")
    with house.work() as work:
        assert rollback(work, 1, "back") == 3
    [row] = rows(house, "o_customer")
    assert (row["城市"], row["城市__gone_2"], row["size__gone_3"]) == (None, "上海", None)
    assert rows(house, "o_order") == [] and len(rows(house, "o_order__gone_2")) == 1
    with house.work(write=False) as work:
        assert [(r.id, r.restored, r.note) for r in list_releases(work.session)] == [(3, 1, "back"), (2, None, ""), (1, None, "")]
        assert work.catalog.documents.keys() == {("object", "customer"), ("object", "order")}


def test_an_object_that_comes_back_numbers_its_records_on(house: House) -> None:
    """History, alerts and audit know records by number."""
    for documents in ([CUSTOMER], [ORDER_ALONE], [CUSTOMER, ORDER_ALONE], [ORDER_ALONE], [CUSTOMER]):
        with house.work() as work:
            publish(work, documents)
        if CUSTOMER in documents:
            insert(house, "o_customer", name="x")
            insert(house, "o_customer", name="y")
    assert [r["id"] for r in rows(house, "o_customer")] == [5, 6]


def test_indexes_that_others_made_do_not_stand_in_the_way(house: House) -> None:
    for fields in ({"name": "text", "城市": "text"}, {"name": "text"}, None, {"name": "text", "城市": "text"}):
        with house.work() as work:
            publish(work, [ORDER_ALONE] if fields is None else [an_object("customer", fields)])
            if fields and "城市" in fields:
                ddl.apply(work.session, [ddl.CreateIndex("o_customer", ddl.Index("by_city", ("name", "城市"), False))])
    assert "by_city" in {i["name"] for i in sa.inspect(house.database.engine).get_indexes("o_customer")}


def test_objects_may_refer_to_one_another_and_to_themselves(house: House) -> None:
    def to(key: str) -> dict[str, str]:
        return {"x-type": "reference", "x-reference": key}

    with house.work() as work:
        publish(work, [an_object("a", {"name": "text", "b": to("b"), "parent": to("a")}), an_object("b", {"name": "text", "a": to("a")})])
    keys = {(t, f["constrained_columns"][0], f["referred_table"]) for t in ("o_a", "o_b") for f in sa.inspect(house.database.engine).get_foreign_keys(t)}
    assert keys == {("o_a", "b", "o_b"), ("o_a", "parent", "o_a"), ("o_b", "a", "o_a")}
    insert(house, "o_a", name="x", parent=1)
    with pytest.raises(sa.exc.IntegrityError):
        insert(house, "o_b", name="x", a=99)


def test_a_row_outlives_every_change_of_its_table(house: House) -> None:
    """A rebuilt parent table once took its children's rows with it."""
    with house.work() as work:
        publish(work, [CUSTOMER, ORDER])
    insert(house, "o_customer", name="Acme")
    insert(house, "o_order", no="1", customer=1)
    unique, indexed = {"x-type": "text", "x-unique": True}, {"x-type": "text", "x-indexed": True}
    for fields in ({"name": unique}, {"name": indexed, "n": "integer"}, {"n": "integer", "name": "long_text"}):
        with house.work() as work:
            publish(work, [an_object("customer", fields), ORDER])
    assert [r["name"] for r in rows(house, "o_customer")] == ["Acme"]
    assert [r["customer"] for r in rows(house, "o_order")] == [1]


def test_long_han_names_fit_the_database(house: House) -> None:
    key, field = "客" * 16, "户" * 20
    for release in (1, 2, 3):
        with house.work() as work:
            fields = {"name": "text", field: {"x-type": "text", "x-unique": True}, "另" * 20: {"x-type": "text", "x-indexed": True}}
            publish(work, [an_object(key, fields if release != 2 else {"name": "text"})])
    assert field in columns(house, "o_" + key)


def test_a_new_unique_key_that_rows_break_is_refused_with_examples(house: House) -> None:
    with house.work() as work:
        publish(work, [CUSTOMER])
    for name in ("Acme", "Acme", "Bolt", None, None):
        insert(house, "o_customer", name=name)
    unique = an_object("customer", {"name": {"x-type": "text", "x-unique": True}, "城市": "text"})
    with pytest.raises(Invalid) as refused, house.work() as work:
        publish(work, [unique])
    [problem] = refused.value.problems
    assert (problem.path, problem.code, problem.file) == ("/schema/properties/name/x-unique", "not_unique", "object/customer")
    assert "Acme" in problem.message.en and "Bolt" not in problem.message.en
    with house.work() as work:
        table = sa.table("o_customer", sa.column("id"), sa.column("deleted_at"))
        work.session.execute(table.update().where(table.c.id == 1).values(deleted_at="2026-01-01 00:00:00" if house.database.is_sqlite else sa.func.now()))
    with house.work() as work:
        assert publish(work, [unique]) == 2  # the deleted one does not count
    with pytest.raises(sa.exc.IntegrityError):
        insert(house, "o_customer", name="Acme")


def test_a_pair_of_fields_may_be_unique(house: House) -> None:
    with house.work() as work:
        publish(work, [an_object("statement", {"name": "text", "customer": "text", "year": "integer"}, keys=[["customer", "year"]])])
    insert(house, "o_statement", name="a", customer="x", year=2025)
    insert(house, "o_statement", name="a", customer="x", year=2026)
    with pytest.raises(sa.exc.IntegrityError):
        insert(house, "o_statement", name="b", customer="x", year=2026)


def test_bad_documents_change_nothing(house: House) -> None:
    with house.work() as work:
        publish(work, [CUSTOMER])
    with pytest.raises(Invalid) as refused, house.work() as work:
        publish(work, [CUSTOMER, an_object("order", {"no": "txet"}), an_object("Bad", {"no": "text"})])
    assert {p.file for p in refused.value.problems} == {"object/order", "object/Bad"}
    assert tables(house) == {"o_customer"}


def test_a_failure_in_a_hook_leaves_nothing(house: House) -> None:
    def fails(work: Work, old: Catalog, new: Catalog) -> None:
        assert house.catalogs(work.session).release == 1  # even who looked meanwhile forgets it
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), house.work(hooks=dataclasses.replace(HOOKS, on_published=(*HOOKS.on_published, fails))) as work:
        publish(work, [CUSTOMER])
    assert tables(house) == set()
    with house.work() as work:
        assert list_releases(work.session) == []
        assert publish(work, [ORDER, CUSTOMER]) == 1
    with house.work(write=False) as work:
        assert set(work.catalog.parsed["object"]) == {"customer", "order"}  # not what the failed release 1 held


def test_who_publishes_over_a_release_he_has_not_seen_is_refused(house: House) -> None:
    with house.work(write=False) as work:
        seen = work.catalog
    with house.work() as work:
        publish(work, [CUSTOMER])
    with pytest.raises(Conflict, match="anna has just published release 1"), house.work(seen=seen) as work:
        publish(work, [ORDER, CUSTOMER])


def test_of_two_who_publish_at_once_one_wins(house: House) -> None:
    with house.work(write=False) as work:
        seen = work.catalog
    outcomes: list[object] = []
    together = threading.Barrier(2)

    def go(key: str) -> None:
        together.wait()
        try:
            with house.work(seen=seen) as work:
                outcomes.append(publish(work, [an_object(key, {"name": "text"})]))
        except AppError as refused:
            outcomes.append(type(refused))

    threads = [threading.Thread(target=go, args=(k,)) for k in ("a", "b")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(map(str, outcomes)) == ["1", "<class 'server.errors.Conflict'>"]
    assert len(tables(house)) == 1


def test_other_processes_see_the_new_release(house: House) -> None:
    other = Catalogs(KINDS)
    with house.database.read() as connection:
        assert other(connection).release == 0
    with house.work() as work:
        publish(work, [CUSTOMER])
    with house.database.read() as connection:
        assert other(connection).release == 1
        assert other(connection) is other(connection)


def test_an_old_release_can_still_be_read(house: House) -> None:
    for fields in ({"name": "text"}, {"name": "text", "n": "integer"}):
        with house.work() as work:
            publish(work, [an_object("customer", fields)])
    with house.work(write=False) as work:
        old = catalog_at(work.session, work.catalog, 1)
        assert list(old.get("object", "customer").fields) == ["name"]
        assert catalog_at(work.session, work.catalog, 1) is old
        assert catalog_at(work.session, work.catalog, 2) is work.catalog
        with pytest.raises(NotFound):
            catalog_at(work.session, work.catalog, 9)


def test_rolling_back_to_nothing_that_was_ever_there_is_refused(house: House) -> None:
    with pytest.raises(NotFound), house.work() as work:
        rollback(work, 3)


@pytest.mark.postgres
def test_a_table_in_use_is_a_conflict_not_a_long_wait(postgres_database: Database) -> None:
    house = House(postgres_database)
    with house.work() as work:
        publish(work, [CUSTOMER])
    with postgres_database.read() as reader:
        reader.execute(sa.select(sa.func.count()).select_from(sa.table("o_customer")))
        with pytest.raises(Conflict, match="using the tables"), house.work() as work:
            publish(work, [an_object("customer", {"name": "text", "n": "integer"})])
    with house.work() as work:
        assert publish(work, [an_object("customer", {"name": "text", "n": "integer"})]) == 2


def test_a_release_of_a_language_this_program_does_not_know_is_refused(house: House) -> None:
    with house.work() as work:
        publish(work, [CUSTOMER], "")
    with house.work(write=False) as work:
        assert [r.language for r in list_releases(work.session)] == [language.VERSION]
    with house.database.write() as connection:
        connection.execute(sa.update(releases).values(language=2))
    with pytest.raises(UnknownLanguage) as refused, house.database.read() as connection:
        Catalogs(KINDS)(connection)
    assert refused.value.message.en == "Release 1 is written in version 2 of the expression language; this program knows 1"
