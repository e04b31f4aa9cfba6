"""How risk is drawn: which of the four steps a level has, which tint a class has, the points of a sparkline."""

from collections.abc import Sequence
from typing import Any

from server.features.matrix.kind import Level, Matrix
from server.fields.file import FileRef

STEPS = 4  # shapes and colours there are: open circle, half, three quarters, full


def step(rank: int, levels: int) -> int:
    """The drawing step (1 calm to 4 grave) of the level with this rank among so many: few levels keep their words' usual colours, many share them."""
    if levels <= 1:
        return 1
    if levels == 2:
        return 1 if rank <= 1 else 3
    if levels <= STEPS:
        return max(1, min(rank, STEPS))
    return 1 + round((rank - 1) * (STEPS - 1) / (levels - 1))


def level_of(matrix: Matrix | None, key: str | None) -> tuple[Level, int] | None:
    """The level with this key and its drawing step."""
    if matrix is None or key is None:
        return None
    return next(((level, step(level.rank, len(matrix.levels))) for level in matrix.levels if level.key == key), None)


TINTS = {"good": "c-hv", "accent": "c-hv", "bad": "c-hr", "warn": "c-wn"}


def class_tint(color: str) -> str:
    """The style of a class's label by the colour word of its document."""
    return TINTS.get(color, "")


ICONS = (
    ("image/", "file"),
    ("application/pdf", "file-description"),
    ("text/", "file-text"),
    ("application/rtf", "file-text"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml", "file-text"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml", "table"),
    ("application/vnd.openxmlformats-officedocument.presentationml", "presentation"),
    ("application/zip", "archive"),
    ("application/x-7z", "archive"),
    ("application/vnd.rar", "archive"),
)


def file_icon(ref: FileRef) -> str:
    """What stands before the name of a file that is no picture."""
    return next((icon for start, icon in ICONS if ref.type.startswith(start)), "file")


def spark_points(values: Sequence[Any], width: int = 88, height: int = 22) -> list[tuple[float, float]]:
    """Points of a sparkline on its own scale, evenly spaced; nulls are left out."""
    known = [(i, float(v)) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return []
    low, high = min(v for _, v in known), max(v for _, v in known)
    span = high - low or 1.0
    last = len(values) - 1
    return [(round(1 + i * (width - 6) / last, 1), round(height - 3 - (v - low) / span * (height - 6), 1)) for i, v in known]
