"""What a file is, told by its bytes; a name that is safe to show and to save under; the small picture of a picture. Pure."""

import io
import re
import threading
import unicodedata
import zipfile
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from server.fields.file import NAME_LENGTH

PIXELS = 50_000_000  # a picture of more is kept, but gets no small picture: it is never unpacked
THUMB = 320  # pixels along the longer side
HEAD = 4096  # bytes that tell a type
UNKNOWN, TEXT = "application/octet-stream", "text/plain"
OPENED = ("PNG", "JPEG", "GIF", "WEBP")  # no other decoder is ever tried
FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "MPO": "image/jpeg",
}  # MPO: a JPEG of some phones, with more pictures behind the first
EXTENSIONS = {"image/png": (".png",), "image/jpeg": (".jpg", ".jpeg"), "image/gif": (".gif",), "image/webp": (".webp",)}
SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # Word, Excel, PowerPoint before 2007, Outlook messages
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x1f\x8b", "application/gzip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
)
OFFICE = (
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
# Besides what a path or a header could trip over: marks that turn the direction of writing, so that "gpj.exe" cannot read "exe.jpg".
NOT_IN_NAMES = re.compile('[\\x00-\\x1f\\x7f-\\x9f"\\\\/:*?<>|\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+')
ONE_AT_A_TIME = threading.Lock()  # pictures are unpacked one after the other, so that memory has a bound


def clean_name(raw: str) -> str:
    """The last part of whatever was sent as a name, without what is unsafe; never empty, at most 120 characters, its ending kept."""
    text = unicodedata.normalize("NFC", NOT_IN_NAMES.sub("\0", raw.replace("\\", "/").rpartition("/")[2]))
    text = text.replace("\0", "_").strip(" ._") or "file"
    if len(text) <= NAME_LENGTH:
        return text
    stem, dot, ending = text.rpartition(".")
    return text[:NAME_LENGTH] if not dot or len(ending) > 12 else stem[: NAME_LENGTH - len(ending) - 1] + dot + ending


def fitting_name(name: str, kind: str) -> str:
    """A picture keeps an ending that says which sort it is, whatever it was called."""
    endings = EXTENSIONS.get(kind, ())
    if not endings or name.lower().endswith(endings):
        return name
    return name[: NAME_LENGTH - 5] + endings[0]


def type_of(file: IO[bytes]) -> str:
    """The type by content. Neither the name nor the browser is asked. What can run in a browser (HTML, SVG, XML) is plain text or unknown."""
    file.seek(0)
    head = file.read(HEAD)
    picture = _picture_type(file)
    if picture:
        return picture
    for mark, kind in SIGNATURES:
        if head.startswith(mark):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(file)
    if head[4:8] == b"ftyp":
        return "image/heic" if head[8:12] in {b"heic", b"heix", b"mif1"} else "video/mp4"
    return TEXT if _is_text(head) else UNKNOWN


def _picture_type(file: IO[bytes]) -> str:
    """Only what opens as a picture is one: its header is read, nothing is unpacked."""
    file.seek(0)
    try:
        with Image.open(file, formats=OPENED) as picture:
            return FORMATS.get(picture.format or "", "")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, MemoryError):
        return ""


def _zip_type(file: IO[bytes]) -> str:
    """Office files are archives with a known folder in them; only the list of names is read."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()[:2000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return "application/zip"
    if "[Content_Types].xml" in names:
        return next((kind for folder, kind in OFFICE if any(n.startswith(folder) for n in names)), "application/zip")
    return "application/zip"


def _is_text(head: bytes) -> bool:
    """UTF-8 or GB18030 without controls; the last character may be cut by the end of what was read."""
    if not head or any(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head):
        return False
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4):
            try:
                head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return True
    return False


def thumbnail(file: IO[bytes]) -> bytes | None:
    """A small WebP of a picture, upright, without what the camera wrote beside the pixels (place, time, device). None when it cannot be drawn."""
    file.seek(0)
    try:
        with ONE_AT_A_TIME, Image.open(file, formats=OPENED) as picture:
            if picture.width * picture.height > PIXELS:
                return None
            picture.draft("RGB", (THUMB * 2, THUMB * 2))  # a JPEG is unpacked at a fraction of its size
            upright: Image.Image = ImageOps.exif_transpose(picture)
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            if upright.mode != mode:
                upright = upright.convert(mode)
            upright.thumbnail((THUMB, THUMB))
            plain = Image.new(mode, upright.size)
            plain.paste(upright)  # only the pixels go over
            made = io.BytesIO()
            plain.save(made, "WEBP", quality=80)
            return made.getvalue()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, KeyError, TypeError):
        return None
