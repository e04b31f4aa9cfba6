"""The parts of the README that are made from the code: commands, settings, features. `python -m tests.house.readme` writes them."""

import ast
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer.main

from server import settings
from server.cli.main import app
from server.registry import FEATURES

README = Path(__file__).parents[2] / "README.md"
_PART = r"(<!-- {0} -->\n)(.*?)(<!-- /{0} -->)"


def parts() -> Mapping[str, str]:
    return {"commands": _commands(), "settings": _settings(), "features": _features()}


def written(readme: str) -> str:
    """The README with every part as the code has it."""
    for name, text in parts().items():
        pattern = re.compile(_PART.format(name), re.DOTALL)
        if len(pattern.findall(readme)) != 1:
            raise ValueError(f"README.md needs one part between <!-- {name} --> and <!-- /{name} -->")
        readme = pattern.sub(lambda found, text=text: f"{found[1]}{text}{found[3]}", readme)
    return readme


def _commands() -> str:
    lines = _usages("weatherglass", typer.main.get_command(app))
    width = max(len(usage) for usage, _ in lines) + 3
    return "```\n" + "".join(f"{usage:<{width}}{said}\n" for usage, said in lines) + "```\n"


def _usages(name: str, command: Any) -> list[tuple[str, str]]:
    """The command with its arguments, or those below it. Typer brings a click of its own: no class to ask for."""
    if below := getattr(command, "commands", None):
        return [line for key, inner in below.items() for line in _usages(f"{name} {key}".strip(), inner)]
    arguments = [(p.metavar or p.name.upper()).strip("[]") for p in command.params if p.param_type_name == "argument"]
    return [(" ".join([name, *arguments]), command.get_short_help_str(110))]


def _settings() -> str:
    source = inspect.getsource(settings.Settings)
    found = re.findall(r"^    (\w+): \w+ = (.+?)  # (.+)$", source, re.MULTILINE)
    rows = [f"| `WEATHERGLASS_{name.upper()}` | {said} | {ast.literal_eval(default)} |\n" for name, default, said in found]
    return "| setting | | unless set |\n|---|---|---|\n" + "".join(rows)


def _features() -> str:
    """Upper uses lower."""
    return " › ".join(f.key for f in reversed(FEATURES)) + "\n"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
