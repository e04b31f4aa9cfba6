"""Merging the rights of several roles, masking, and how long one waits after failed tries. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.features.access.kind import Grant

ACTIONS = ("read", "create", "edit", "delete")
NOTHING = "False"
ANYTHING = "True"

FREE_TRIES = 5
FIRST_WAIT = 30  # seconds; doubles with each further failure
LONGEST_WAIT = 900
FORGET_AFTER = timedelta(hours=1)  # without a failure

_SURNAMES_OF_TWO = "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 长孙 夏侯 宇文 轩辕 端木 南宫 独孤 西门 百里 呼延 澹台 申屠 公冶 太史 闻人 钟离 赫连"
_COMPOUND_SURNAMES = frozenset(_SURNAMES_OF_TWO.split())


@dataclass(frozen=True)
class EffectiveGrant:
    """What all roles of a person together allow on one object: an action is allowed where any of its conditions is true."""

    read: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    readonly: frozenset[str] = frozenset()
    unmasked: frozenset[str] = frozenset()

    def conditions(self, action: str) -> tuple[str, ...]:
        return {"read": self.read, "create": self.create, "edit": self.edit, "delete": self.delete}[action]


EVERYTHING = EffectiveGrant((ANYTHING,), (ANYTHING,), (ANYTHING,), (ANYTHING,))


def merge(grants: Iterable[Grant]) -> EffectiveGrant:
    """The widest of several. A role that cannot read an object says nothing about its hidden fields, one that cannot write it nothing about its read-only ones:
    otherwise holding a second, unrelated role would open what the first one closes."""
    given = tuple(grants)
    readers = [g for g in given if g.read != NOTHING]
    writers = [g for g in given if g.edit != NOTHING or g.create != NOTHING]
    hidden = _common(frozenset(g.hidden) for g in readers)
    return EffectiveGrant(
        _conditions(g.read for g in given),
        _conditions(g.create for g in given),
        _conditions(g.edit for g in given),
        _conditions(g.delete for g in given),
        hidden,
        _common(frozenset(g.readonly) for g in writers) | hidden,
        frozenset(key for g in readers for key in g.unmasked),
    )


def _conditions(sources: Iterable[str]) -> tuple[str, ...]:
    """Without what can never be true; one "True" makes the others needless."""
    kept = tuple(dict.fromkeys(s for s in sources if s != NOTHING))
    return (ANYTHING,) if ANYTHING in kept else kept


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    given = tuple(sets)
    return frozenset.intersection(*given) if given else frozenset()


def wait_after(failures: int) -> int:
    """Seconds to wait after so many failed tries."""
    return 0 if failures < FREE_TRIES else min(FIRST_WAIT * 2 ** min(failures - FREE_TRIES, 10), LONGEST_WAIT)


def seconds_left(failures: int, last_at: datetime, now: datetime) -> int:
    left = wait_after(failures) - (now - last_at).total_seconds()
    return max(0, min(LONGEST_WAIT, int(left + 0.999)))  # a clock set back must not lock anybody out for longer


def normal_username(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()[:100]


def normal_password(text: str) -> str:
    """The same keys on another keyboard or system give the same characters."""
    return unicodedata.normalize("NFKC", text)


def username_ok(username: str) -> bool:
    return 2 <= len(username) <= 60 and username != "system" and username[0].isalnum() and all(c.isalnum() or c in "._@-" for c in username)


def mask(kind: str, value: Any) -> str:
    """What is shown of a masked value. The number of stars does not tell the length."""
    text = "" if value is None else str(value).strip()
    if not text:
        return ""
    if kind == "name":
        return _mask_name(text)
    if kind == "last4":
        return "****" + text[-4:] if len(text) > 4 else "****"
    if kind == "ends4":
        return text[:4] + "****" + text[-4:] if len(text) > 8 else "****"
    if kind == "phone":
        return text[:3] + "****" + text[-4:] if len(text) > 7 else "****"
    return "****"


def _mask_name(text: str) -> str:
    if "\u3400" <= text[0] <= "\u9fff":
        return (text[:2] if len(text) > 2 and text[:2] in _COMPOUND_SURNAMES else text[0]) + "**"
    words = text.split()
    return f"** {words[-1]}" if len(words) > 1 else text[0] + "**"
