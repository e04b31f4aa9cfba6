"""How much may be uploaded. `FileLimits` comes from the settings; each refusal names the limit and what was met."""

from dataclasses import dataclass

from server.errors import Text
from server.settings import Settings

WAITING = 100  # files one person may have uploaded and not saved with a record; they are swept after a day


@dataclass(frozen=True)
class FileLimits:
    file_bytes: int  # one file
    total_bytes: int  # all files together
    waiting: int = WAITING


def limits_of(settings: Settings) -> FileLimits:
    return FileLimits(settings.file_limit, settings.files_quota)


def size_text(size: int) -> str:
    """Bytes as people read them; the same in both languages."""
    for unit, step in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"


def too_big(limits: FileLimits, name: str) -> Text:
    most = size_text(limits.file_bytes)
    return Text(f"“{name}”超过单个文件的上限 {most}", f"“{name}” is larger than one file may be: {most}")


def over_quota(limits: FileLimits, used: int) -> Text:
    most, now = size_text(limits.total_bytes), size_text(used)
    return Text(f"附件总量的上限是 {most}，已用 {now}，放不下这个文件", f"All files together may take {most}; {now} are used and this file does not fit")


def too_many_waiting(limits: FileLimits) -> Text:
    return Text(
        f"您已有 {limits.waiting} 个文件上传后没有随记录保存，这是上限",
        f"You have {limits.waiting} files uploaded and not saved with a record; that is the limit",
    )
