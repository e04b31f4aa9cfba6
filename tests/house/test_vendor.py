"""Files of others that we ship are exactly those of the stated version, with their licence; nothing else stands beside them."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "admin_ui" / "static" / "vendor"
ROWS = json.loads((VENDOR / "vendor.json").read_text())


def test_every_file_has_the_listed_hash() -> None:
    for row in ROWS:
        folder = VENDOR / row["folder"]
        assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()} == row["files"], row["name"]


def test_nothing_unlisted_is_shipped() -> None:
    assert {p.name for p in VENDOR.iterdir()} == {row["folder"] for row in ROWS} | {"vendor.json"}


def test_every_package_has_version_licence_and_origin() -> None:
    for row in ROWS:
        assert row["folder"].endswith("-" + row["version"])
        assert row["licence"] and row["integrity"].startswith("sha512-")
        assert any(name.startswith("LICENSE") for name in row["files"])
