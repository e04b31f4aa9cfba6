"""What a key may look like: the names that documents, fields and options go by in formulas, files and the database."""

import keyword
import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from server.errors import Text

MAX_BYTES = 60  # a column of PostgreSQL holds 63
MAX_DOCUMENT_BYTES = 48  # leaves room for x_<object>_history
_LATIN = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")
_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf][\u4e00-\u9fff\u3400-\u4dbf0-9_]*\Z")
_RESERVED = frozenset(k for k in (*keyword.kwlist, *keyword.softkwlist) if k.islower() and k not in {"type", "case", "match", "_"})


def key_problem(key: str, limit: int = MAX_BYTES) -> Text | None:
    """Why `key` cannot be a key; None when it can."""
    if not (_LATIN.match(key) or _HAN.match(key)):
        return Text(
            f"“{shown(key)}” 不能作为键：用小写字母开头，后接小写字母、数字或下划线（最多 48 个），或者全用汉字",
            f"“{shown(key)}” cannot be a key: begin with a small letter, go on with small letters, digits or underscores "
            "(48 at most), or use Han characters only",
        )
    if unicodedata.normalize("NFKC", key) != key:
        return Text(f"“{shown(key)}” 含有兼容字符，请换成普通写法", f"“{shown(key)}” has compatibility characters; write it in the ordinary form")
    if len(key.encode()) > limit:
        return Text(
            f"“{shown(key)}” 太长：最多 {limit} 字节（{limit // 3} 个汉字）",
            f"“{shown(key)}” is too long: {limit} bytes at most ({limit // 3} Han characters)",
        )
    if "__" in key:
        return Text(f"“{key}” 含有两个连续的下划线，这种名称留给系统使用", f"“{key}” has two underscores in a row; such names are the system's own")
    if key in _RESERVED:
        return Text(f"“{key}” 是公式语言的保留字", f"“{key}” is a reserved word of the formula language")
    return None


def option_problem(key: str) -> Text | None:
    """Options may be codes of another system (A1, 010), but never break the lists they are stored in."""
    if not key or len(key) > MAX_BYTES or key != key.strip() or any(c in '"\\,' or unicodedata.category(c).startswith("C") for c in key):
        return Text(
            f"“{shown(key)}” 不能作为选项的键：1 到 60 个字符，首尾无空格，不含引号、逗号、反斜杠和控制字符",
            f"“{shown(key)}” cannot be an option's key: 1 to 60 characters, no spaces around, no double quotes, commas, backslashes or control characters",
        )
    return None


def did_you_mean(wrong: str, known: Iterable[str]) -> Text | None:
    """A hint with the nearest known name, or with all of them when they are few."""
    names = [str(n) for n in known if str(n)]
    near = get_close_matches(wrong, names, n=2, cutoff=0.6)
    if near:
        return Text("您是否想写 " + " 或 ".join(f"“{n}”" for n in near) + "？", "Did you mean " + " or ".join(f"“{n}”" for n in near) + "?")
    if names and len(names) <= 20:
        return Text("可用：" + "、".join(names), "Known: " + ", ".join(names))
    return None


def shown(text: object, limit: int = 60) -> str:
    """A value as part of a message: one line, not longer than can be read."""
    line = "".join(c if c.isprintable() else "�" for c in str(text))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def pointer(*parts: object) -> str:
    """A JSON pointer."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)
