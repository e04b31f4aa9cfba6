"""The `weatherglass` command. Each command reads its arguments, calls a service, shows the result and sets the exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from server.clock import now
from server.config.releases import Catalogs
from server.errors import AppError, Invalid, Problem
from server.feature import SYSTEM, Work, working
from server.features.access.people import first_admin
from server.registry import HOOKS, KINDS
from server.settings import Settings, load
from server.storage.migrate import upgrade
from server.storage.session import Database

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Weatherglass 晴雨表: forms, rules and workflows for customer risk.")


class Opened:
    """The database of the settings, brought up to date, and the way to open a unit of work on it as the system."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.catalogs = Catalogs(KINDS)
        upgrade(self.database)

    @contextmanager
    def work(self, *, write: bool, cause: str = "cli") -> Iterator[Work]:
        with working(self.database, self.catalogs, HOOKS, SYSTEM, now(), self.settings.zone, write=write, cause=cause) as work:
            yield work


@contextmanager
def opened() -> Iterator[Opened]:
    it = Opened(load())
    try:
        yield it
    finally:
        it.database.close()


def refuse(message: str) -> NoReturn:
    """Ends the command with exit code 1 and one line on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(1)


def line_of(problem: Problem) -> str:
    """One problem as one line: place, what is wrong, what to do; Chinese and English."""
    place = ":".join(p for p in (problem.file, problem.path) if p)
    hint = f"  → {problem.hint.zh} / {problem.hint.en}" if problem.hint else ""
    return f"{place or '-'}: {problem.message.zh} / {problem.message.en}{hint}"


@app.command()
def createadmin(username: str, password: str = typer.Option(..., prompt=True, hide_input=True, confirmation_prompt=True)) -> None:
    """Make the first administrator; refused when there is one."""
    with opened() as it, it.work(write=True) as work:
        first_admin(work, username=username, name=username, password=password)
    typer.echo(f"administrator {username} created")


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
