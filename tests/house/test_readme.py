"""What the README says of commands, settings and features is what the code has."""

import re

from server.settings import Settings
from tests.house.readme import README, parts, written

TEXT = README.read_text(encoding="utf-8")


def test_the_made_parts_are_up_to_date() -> None:
    assert written(TEXT) == TEXT, "run: make readme"


def test_every_setting_and_command_is_there() -> None:
    assert parts()["settings"].count("\n| `WEATHERGLASS_") == len(Settings.__dataclass_fields__)
    assert "\nweatherglass import OBJECT FILE " in parts()["commands"]


def test_every_make_target_and_file_it_names_exists() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", TEXT)) - targets == set()
    files = {f for f in re.findall(r"`([\w./-]+/[\w./-]*)`|\]\(([\w./-]+)\)", TEXT) for f in f if f}
    assert [f for f in sorted(files) if not (README.parent / f).exists() and not f.startswith("var/")] == []
