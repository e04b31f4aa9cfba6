"""The lock files hold all that pyproject.toml asks for, so that an installation from them is complete."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9._-]+", r).group().lower().replace("_", "-").replace(".", "-") for r in requirements}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", [*PROJECT["dependencies"], *EXTRAS["build"]]),
        ("requirements-dev.lock", [*PROJECT["dependencies"], *(r for group in EXTRAS.values() for r in group)]),
    ],
    ids=["requirements", "requirements-dev"],
)
def test_a_lock_names_everything(lock: str, wanted: list[str]) -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
    assert names(wanted) - locked == set(), "run `make lock`"
