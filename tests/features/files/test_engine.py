"""What a file is, told by its bytes; names that are safe; small pictures that tell nothing of the place."""

import io
import zipfile

import pytest
from PIL import Image

from server.features.files.engine import PIXELS, THUMB, clean_name, fitting_name, thumbnail, type_of


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 600), **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#0f766e").save(made, kind, **more)
    return made.getvalue()


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return made.getvalue()


TYPES = [
    (picture("PNG"), "image/png"),
    (picture("JPEG"), "image/jpeg"),
    (picture("WEBP"), "image/webp"),
    (picture("GIF"), "image/gif"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
    (archive("[Content_Types].xml", "word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (archive("[Content_Types].xml", "xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (archive("notes.txt"), "application/zip"),
    (b"PK\x03\x04 and then nothing", "application/zip"),
    ("合同金额,一百万\n".encode(), "text/plain"),
    ("合同金额,一百万\n".encode("gb18030"), "text/plain"),
    (("汉" * 1366).encode(), "text/plain"),  # the head ends inside a character
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain"),
    (b"<!doctype html><script>alert(1)</script>", "text/plain"),
    (b"GIF89a<script>alert(1)</script>", "text/plain"),
    (b"\x89PNG\r\n\x1a\n<script>", "application/octet-stream"),
    (b"\xff\xd8\xff\xe0", "application/octet-stream"),
    (b"MZ\x90\x00\x03\x00", "application/octet-stream"),
    (b"", "application/octet-stream"),
]


@pytest.mark.parametrize(("data", "kind"), TYPES, ids=[f"{i}-{kind}" for i, (_, kind) in enumerate(TYPES)])  # a zip holds the time it was made
def test_the_type_is_told_by_content(data: bytes, kind: str) -> None:
    assert type_of(io.BytesIO(data)) == kind


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("C:\\Users\\li\\合同.pdf", "合同.pdf"),
    ("a/../b", "b"),
    ("", "file"),
    ("...", "file"),
    (".htaccess", "htaccess"),
    ('x";\r\nSet-Cookie: a=b.txt', "x_;_Set-Cookie_ a=b.txt"),
    ("photo\u202egpj.exe", "photo_gpj.exe"),
    ("a\x00b.png", "a_b.png"),
    ("<img src=x onerror=alert(1)>.png", "_img src=x onerror=alert(1)_.png".strip("_")),
    ("\ud800.txt", "txt"),
    ("e\u0301té.txt", "été.txt"),
    ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ("y" * 300, "y" * 120),
]


@pytest.mark.parametrize(("raw", "clean"), NAMES, ids=[ascii(raw[:20]) for raw, _ in NAMES])
def test_names_are_made_safe(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean
    assert clean_name(clean) == clean


def test_a_picture_cannot_be_called_a_program() -> None:
    assert fitting_name("invoice.jpg.exe", "image/jpeg") == "invoice.jpg.exe.jpg"
    assert fitting_name("photo.JPEG", "image/jpeg") == "photo.JPEG"
    assert fitting_name("setup.exe", "application/octet-stream") == "setup.exe"
    assert len(fitting_name("z" * 120, "image/webp")) == 120


def test_a_small_picture_is_upright_and_tells_no_place() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    exif[0x010F] = "Secret Camera"
    data = picture("JPEG", (900, 600), exif=exif)
    assert b"Secret Camera" in data
    small = thumbnail(io.BytesIO(data))
    assert small is not None and b"Secret Camera" not in small and b"EXIF" not in small
    with Image.open(io.BytesIO(small)) as seen:
        assert seen.format == "WEBP" and max(seen.size) <= THUMB and seen.height > seen.width
        assert not seen.getexif()


def test_pictures_that_would_fill_the_memory_or_are_cut_off_have_none() -> None:
    bomb = picture("PNG", (PIXELS // 7000 + 1, 7000))
    assert len(bomb) < 500_000
    assert thumbnail(io.BytesIO(bomb)) is None
    whole = picture("PNG")
    assert thumbnail(io.BytesIO(whole[: len(whole) // 2])) is None
    assert thumbnail(io.BytesIO(b"no picture")) is None
