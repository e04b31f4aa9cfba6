"""Mentions in a text: "@" and a username, or the name of a person whom no other shares it with. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

AT = re.compile(r"(?<![\w.@-])@")  # not inside an address like li@example.com


@dataclass(frozen=True)
class Part:
    """A piece of a comment: plain text, or a mention with the person's username."""

    text: str
    username: str = ""


def parts(text: str, names: Mapping[str, str]) -> tuple[Part, ...]:
    """The text in pieces; `names`: username -> name. What follows an "@" is the longest username it begins with."""
    found: list[Part] = []
    start = 0
    for match in AT.finditer(text):
        username = _longest(text, match.end(), names)
        if username:
            found += [Part(text[start : match.start()]), Part("@" + names[username], username)]
            start = match.end() + len(username)
    found.append(Part(text[start:]))
    return tuple(p for p in found if p.text)


def mentioned(text: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Usernames, each once, in the order of the text."""
    return tuple(dict.fromkeys(p.username for p in parts(text, names) if p.username))


def with_usernames(text: str, names: Mapping[str, str]) -> str:
    """ "@李静" becomes "@li", where there is one 李静 only."""
    shared = list(names.values())
    by_name = {name: username for username, name in names.items() if shared.count(name) == 1}
    written, start = "", 0
    for match in AT.finditer(text):
        name = "" if _longest(text, match.end(), names) else _longest(text, match.end(), by_name)
        if name:
            written += text[start : match.end()] + by_name[name]
            start = match.end() + len(name)
    return written + text[start:]


def _longest(text: str, start: int, words: Collection[str]) -> str:
    """The longest word that stands at this place. A word of letters ends where letters end ("@li" is not in "@lily"), Han text may go on."""
    found = [w for w in words if text.startswith(w, start) and not _goes_on(w[-1:], text[start + len(w) : start + len(w) + 1])]
    return max(found, key=len, default="")


def _goes_on(last: str, following: str) -> bool:
    return last.isascii() and following.isascii() and following.isalnum()
