"""The server, and the demo company."""

import signal
import threading
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from server.cli.shared import opened, refuse
from server.clock import now
from server.demo.people import PASSWORD, PEOPLE
from server.demo.run import Demo, Wish
from server.errors import Text
from server.expressions.types import At
from server.jobs.background import Background
from server.settings import Settings, load
from server.worker import job_house

app = typer.Typer()


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another number, another company.")] = 1,
    customers: Annotated[int, typer.Option(min=50, max=20_000, help="How many customers.")] = 600,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day the 36 months end on; none: today.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build it and stop.")] = False,
) -> None:
    """Builds the demo company 晴川工业品 where it is not there yet, then starts the server. Cut off, the next run goes on where it was."""
    settings = load()
    with opened() as it:
        today = At(now(), settings.zone).today
        day = as_of.date() if as_of else today
        if day > today:
            refuse(f"--as-of {day}: 不能晚于今天 / must not lie in the future")
        with Progress(TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)) as bars:
            shown: dict[str, TaskID] = {}

            def show(title: Text, done: int, total: int) -> None:
                name = f"{title.zh} {title.en}"
                if name not in shown:
                    shown[name] = bars.add_task(name, total=max(total, 1))
                bars.update(shown[name], completed=done, total=max(total, 1))

            build = Demo(it.database, it.catalogs, settings.zone, Wish(seed, customers, day), show, settings.template)
            build.build()
    table = Table("用户 user", "姓名 name", "角色 role", title=f"演示登录 demo logins · 密码 password: {PASSWORD}")
    for person in PEOPLE:
        table.add_row(person.username, person.name, ", ".join(person.roles))
    Console(stderr=True).print(table)
    if not no_serve:
        run_server(settings)


@app.command()
def serve(
    host: str = typer.Option("", help="address to listen on; WEATHERGLASS_HOST otherwise"),
    port: int = typer.Option(0, help="port to listen on; WEATHERGLASS_PORT otherwise"),
) -> None:
    """Start the server. On an empty database the first page asks for the first administrator."""
    settings = load()
    run_server(replace(settings, host=host or settings.host, port=port or settings.port))


@app.command()
def work() -> None:
    """Works through background jobs beside the server, on this host or another (PostgreSQL; on SQLite the server does it alone)."""
    with opened() as it:
        if it.database.is_sqlite:
            refuse("SQLite 上由服务器自己执行作业 / on SQLite the server does the jobs itself")
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        jobs = Background(job_house(it.database, it.catalogs, it.settings.zone))
        jobs.start()
        stopped.wait()
        jobs.stop()


def run_server(settings: Settings) -> None:
    """Serves until Ctrl+C. One process: on SQLite its writers queue for one lock. The pages are loaded here: no other command waits for them."""
    import uvicorn  # noqa: PLC0415

    from server.app import create_app  # noqa: PLC0415

    typer.echo(f"晴雨表 Weatherglass  http://{settings.host}:{settings.port}   (Ctrl+C stops it)")
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", server_header=False, timeout_graceful_shutdown=5))
    app.state.live.ending = lambda: server.should_exit  # who watches would keep the server from ending
    server.run()
