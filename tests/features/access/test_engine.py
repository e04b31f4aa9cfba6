"""Masks, merged rights, waits and refused passwords."""

from datetime import UTC, datetime, timedelta

import pytest

from server.features.access import engine, passwords
from server.features.access.kind import Grant


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("name", "王小明", "王**"),
        ("name", "欧阳锋利", "欧阳**"),
        ("name", "欧阳", "欧**"),
        ("name", "Ada Lovelace", "** Lovelace"),
        ("name", "Plato", "P**"),
        ("last4", "6222021234567890", "****7890"),
        ("last4", "7890", "****"),
        ("ends4", "91310000MA1FL0XX5K", "9131****XX5K"),
        ("ends4", "12345678", "****"),
        ("phone", "13812345678", "138****5678"),
        ("phone", "1234567", "****"),
        ("something new", "secret", "****"),
        ("name", "", ""),
        ("last4", None, ""),
        ("last4", 12345678, "****5678"),
    ],
)
def test_mask(kind: str, value: object, shown: str) -> None:
    assert engine.mask(kind, value) == shown


def test_several_roles_give_the_widest() -> None:
    own = Grant(read="owner == current_user", edit="owner == current_user", hidden=("a", "b"), readonly=("c", "d"))
    wide = Grant(read="True", hidden=("b",), unmasked=("bank",))
    writer = Grant(read="region == 'east'", edit="True", hidden=("b",), readonly=("d",))
    merged = engine.merge([own, wide, writer])
    assert merged.read == ("True",)
    assert merged.edit == ("True",)
    assert merged.create == ()
    assert merged.hidden == {"b"}
    assert merged.readonly == {"d", "b"}, "what is hidden cannot be written either"
    assert merged.unmasked == {"bank"}


def test_a_role_without_rights_on_the_object_opens_nothing() -> None:
    own = Grant(read="owner == current_user", edit="True", hidden=("a",), readonly=("c",))
    merged = engine.merge([own, Grant(), Grant(unmasked=("bank",))])
    assert merged.hidden == {"a"}
    assert merged.readonly == {"a", "c"}
    assert merged.unmasked == frozenset()
    assert engine.merge([]) == engine.EffectiveGrant()


def test_waits_grow_and_end() -> None:
    assert [engine.wait_after(n) for n in (0, 4, 5, 6, 7, 50, 10**6)] == [0, 0, 30, 60, 120, 900, 900]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert engine.seconds_left(5, now, now + timedelta(seconds=29.5)) == 1
    assert engine.seconds_left(5, now, now + timedelta(seconds=30)) == 0
    assert engine.seconds_left(5, now + timedelta(days=400), now) == 900, "a clock set back"


@pytest.mark.parametrize(
    "password", ["short", "1234567", "password", "Password", "12345678", "87654321", "abcdefgh", "aaaaaaaa", "ababababab", "woaini520", "li.na123", "x" * 300]
)
def test_refused_passwords(password: str) -> None:
    assert passwords.refused(password, "li.na") is not None


@pytest.mark.parametrize("password", ["correct horse", "晴雨表晴雨表很好用", "Zq7!mmpt", "li.na-and-more"])
def test_accepted_passwords(password: str) -> None:
    assert passwords.refused(password, "li.na") is None


def test_the_hash_of_nobody_costs_what_a_real_one_costs() -> None:
    assert passwords.NOBODY_HASH.startswith("$argon2id$")
    assert not passwords.HASHER.check_needs_rehash(passwords.NOBODY_HASH)


@pytest.mark.parametrize(
    ("username", "ok"), [("li.na", True), ("李娜", True), ("a", False), ("system", False), ("a b", False), ("-ab", False), ("a@b.cn", True), ("x" * 61, False)]
)
def test_usernames(username: str, ok: bool) -> None:
    assert engine.username_ok(engine.normal_username(username)) is ok


def test_usernames_are_one_however_typed() -> None:
    assert engine.normal_username(" Ｌｉ.NA ") == "li.na"
