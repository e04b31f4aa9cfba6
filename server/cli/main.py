"""The `weatherglass` command. Each command reads its arguments, calls a service, shows the result and sets the exit code."""

import sys

import typer

from server.cli import documents, language, records, running, schemas, upkeep
from server.cli.shared import line_of
from server.errors import AppError, Invalid

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Weatherglass 晴雨表: forms, rules and workflows for customer risk."
)
for part in (running, documents, schemas, records, language, upkeep):
    app.add_typer(part.app)


def main() -> None:
    """Refused requests are messages with exit code 1; bugs keep their traceback."""
    try:
        app()
    except Invalid as error:
        for problem in error.problems:
            typer.echo(line_of(problem), err=True)
        sys.exit(1)
    except AppError as error:
        hint = f"  → {error.hint.zh} / {error.hint.en}" if error.hint else ""
        typer.echo(f"{error.message.zh} / {error.message.en}{hint}", err=True)
        sys.exit(1)
