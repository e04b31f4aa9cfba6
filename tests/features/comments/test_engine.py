"""Mentions are found where people would see them, and nowhere else."""

import pytest

from server.features.comments.engine import mentioned, parts, with_usernames

NAMES = {"li": "李静", "li.na": "李娜", "anna": "Anna Keller", "wang": "王磊", "wang2": "王磊"}


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("@li 请看", ("li",)),
        ("@li请看", ("li",)),
        ("请@li.na看一下", ()),  # a letter before: an address, perhaps
        ("请 @li.na看一下", ("li.na",)),
        ("@li.", ("li",)),
        ("@lily and x@li.com", ()),
        ("(@anna), @li @anna", ("anna", "li")),
        ("@nobody @", ()),
    ],
)
def test_mentioned(text: str, people: tuple[str, ...]) -> None:
    assert mentioned(text, NAMES) == people
    assert "".join(p.text if not p.username else f"@{p.username}" for p in parts(text, NAMES)) == text


def test_a_name_stands_for_its_username_when_it_is_one_persons() -> None:
    assert with_usernames("@李静 和 @Anna Keller，@王磊", NAMES) == "@li 和 @anna，@王磊"
    assert with_usernames("@li.na @李娜", NAMES) == "@li.na @li.na"
