"""Names that mean the same company find each other; others are left alone."""

import random

import pytest

from server.features.duplicates.engine import ALIKE, keys, likeness, normal

SAME = [
    ("name", "苏州雾桥精工有限公司", "苏州雾桥精工有限责任公司"),
    ("name", "苏州雾桥精工（集团）股份有限公司", "苏州雾桥精工"),
    ("name", "Fogbridge Precision Co., Ltd.", "FOGBRIDGE  precision"),
    ("name", "Müller Maschinen GmbH & Co. KG", "Müller Maschinen"),
    ("phone", "+86 138-0000-0417", "13800000417"),
    ("phone", "(0512) 6288 0417", "051262880417"),
    ("same", "9132 0500 wq00 01042x", "91320500WQ0001042X"),
    ("same", "Ａ１２-3", "a123"),
]
ALIKE_NAMES = [("云脚茶业有限公司", "云角茶业有限公司"), ("Fogbridge Precision Ltd", "Fogbrigde Precision Ltd"), ("苏州雾桥精工", "苏州雾桥精密工业")]
OTHERS = [("苏州雾桥精工", "杭州云脚茶业"), ("Saltgrain Chemicals Ltd", "Tidemark Cold Chain Ltd"), ("有限公司", "集团公司")]


@pytest.mark.parametrize(("by", "one", "other"), SAME)
def test_the_same_in_other_letters(by: str, one: str, other: str) -> None:
    assert likeness(by, one, other) == 1.0
    assert keys(by, one) & keys(by, other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_others_are_others(one: str, other: str) -> None:
    assert likeness("name", one, other) < ALIKE


def test_a_slip_of_the_pen_is_found() -> None:
    assert likeness("name", *ALIKE_NAMES[1]) >= ALIKE
    assert keys("name", ALIKE_NAMES[0][0]) & keys("name", ALIKE_NAMES[0][1])
    assert normal("name", "有限公司") and keys("name", " .,") == frozenset() and keys("phone", "abc") == frozenset()


def test_alike_names_nearly_always_share_a_key() -> None:
    """One letter changed, left out or put in, in names of eight to thirty letters."""
    pen = random.Random(7)
    found = tried = 0
    for _ in range(400):
        name = "".join(pen.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(pen.randint(8, 30)))
        at = pen.randrange(len(name))
        other = pen.choice((name[:at] + "q" + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + "q" + name[at:]))
        if likeness("name", name, other) >= ALIKE:
            tried += 1
            found += bool(keys("name", name) & keys("name", other))
        assert len(keys("name", name)) <= 8
    assert tried > 300 and found / tried > 0.95
