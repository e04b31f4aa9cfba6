"""What commands share: the opened database, how they speak and refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from server.clock import now
from server.config.releases import Catalogs
from server.errors import AppError, Problem, Text
from server.feature import SYSTEM, Work, working
from server.features.objects.service import renew_indexes
from server.registry import HOOKS, KINDS
from server.settings import Settings, load
from server.storage.migrate import upgrade
from server.storage.session import Database


class Opened:
    """The database of the settings, brought up to date, and the way to open a unit of work on it as the system."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogs = Catalogs(KINDS)
        try:
            self.database = Database(settings.database_url)
            upgrade(self.database)
            renew_indexes(self.database, self.catalogs)
        except (OSError, SQLAlchemyError) as error:
            raise cannot_open(error) from error

    @contextmanager
    def work(self, *, write: bool, cause: str = "cli") -> Iterator[Work]:
        with working(self.database, self.catalogs, HOOKS, SYSTEM, now(), self.settings.zone, write=write, cause=cause) as work:
            yield work


def cannot_open(error: Exception) -> AppError:
    why = str(getattr(error, "orig", error)).strip()
    return AppError(
        Text(f"无法打开数据库：{why}", f"Cannot open the database: {why}"), Text("请检查 WEATHERGLASS_DATABASE_URL", "See WEATHERGLASS_DATABASE_URL")
    )


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
    mark = "" if problem.severity == "error" else f"[{problem.severity}] "
    return f"{place or '-'}: {mark}{problem.message.zh} / {problem.message.en}{hint}"


def say(text: Text) -> None:
    typer.echo(text.of(load().locale))


Day = Annotated[str, typer.Option("--as-of", help="A day, YYYY-MM-DD; none: today.")]
Folders = Annotated[list[Path] | None, typer.Argument(help="Folders or files of documents; none: the shipped template.")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
Note = Annotated[str, typer.Option(help="Why; kept with the release.")]


def plain(p: Problem) -> dict[str, Any]:
    def both(text: Text | None) -> dict[str, str] | None:
        return None if text is None else {"zh_CN": text.zh, "en": text.en}

    place = {} if p.start is None else {"start": p.start, "end": p.end}
    return {"file": p.file, "path": p.path, "message": both(p.message), "hint": both(p.hint), "severity": p.severity, "code": p.code, **place}


def day_of(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        refuse(f"{text!r}: YYYY-MM-DD")
