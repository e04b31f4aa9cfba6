"""When two texts mean the same or nearly the same, and the few keys by which such texts find each other without looking at all. Pure."""

import hashlib
import re
import unicodedata

# What says how a company is registered and not who it is; longest first.
_ENDINGS = re.compile(
    r"(股份有限公司|有限责任公司|集团有限公司|有限公司|分公司|公司|集团|厂"
    r"|\b(co|company|corp|corporation|inc|incorporated|ltd|limited|llc|plc|gmbh|ag|kg|sa|sarl|srl|spa|bv|nv|oy|ab|as|pte|pty|kk|group|holding|holdings)\b)"
)
_OTHERS = re.compile(r"[^\w]+|_")
_DIGITS = re.compile(r"\D+")
ALIKE = 0.7  # share of common pieces from which two names are told
SHORT = 6  # characters up to which every name with one character less is a key
BANDS, ROWS = 7, 2
KEY_LENGTH = 80


def normal(by: str, text: str) -> str:
    """The text without what does not tell records apart. `by`: same, phone or name."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if by == "phone":
        digits = _DIGITS.sub("", plain)
        return digits[-11:] if len(digits) > 11 else digits
    if by == "name":
        core = _OTHERS.sub("", _ENDINGS.sub(" ", _OTHERS.sub(" ", plain)))
        if core:
            return core
    return _OTHERS.sub("", plain)


def keys(by: str, text: str) -> frozenset[str]:
    """Two texts that are alike share at least one of these, nearly always; at most eight of them."""
    core = normal(by, text)
    if not core:
        return frozenset()
    whole = core if len(core) <= KEY_LENGTH else hashlib.sha256(core.encode()).hexdigest()
    if by != "name":
        return frozenset({whole})
    if len(core) <= SHORT:
        return frozenset({whole, *(core[:i] + core[i + 1 :] for i in range(len(core)) if len(core) > 2)})
    return frozenset({whole, *_bands(pieces(core))})


def pieces(core: str) -> frozenset[str]:
    return frozenset(core) | frozenset(core[i : i + 2] for i in range(len(core) - 1))


def _bands(found: frozenset[str]) -> list[str]:
    """Min-hashes of the pieces, two by two: names that share most of their pieces share one of these."""
    lowest = [min(_hash(seed, piece) for piece in found) for seed in range(BANDS * ROWS)]
    return [f"~{band}:{lowest[band * ROWS] ^ lowest[band * ROWS + 1] * 31:x}" for band in range(BANDS)]


def _hash(seed: int, piece: str) -> int:
    return int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=6, salt=seed.to_bytes(2, "big")).digest(), "big")


def likeness(by: str, one: str, other: str) -> float:
    """From 0 to 1; anything but a name is the same or it is not."""
    a, b = normal(by, one), normal(by, other)
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    if by != "name":
        return 0.0
    mine, theirs = pieces(a), pieces(b)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))
