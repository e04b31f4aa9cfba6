"""Upkeep: the audit chain, reviews and their metrics, the first administrator."""

import json
from typing import Annotated

import typer

from server.cli.shared import AsJson, Day, day_of, opened, plain, say
from server.errors import Text
from server.features.access.people import first_admin
from server.features.audit import service as audit
from server.features.reviews import service as reviews

app = typer.Typer()


audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")
review_app = typer.Typer(no_args_is_help=True, help="Metrics and reviews.")
app.add_typer(audit_app, name="audit")
app.add_typer(review_app, name="review")


@app.command()
def createadmin(username: str, password: str = typer.Option(..., prompt=True, hide_input=True, confirmation_prompt=True)) -> None:
    """Make the first administrator; refused when there is one."""
    with opened() as it, it.work(write=True) as work:
        first_admin(work, username=username, name=username, password=password)
    typer.echo(f"administrator {username} created")


@audit_app.command("verify")
def verify_audit(head: Annotated[str, typer.Option(help="A head noted earlier: it must still be in the chain.")] = "", as_json: AsJson = False) -> None:
    """Checks every row and block; prints the head to keep elsewhere. Exit code 1 when something was changed, removed or inserted."""
    with opened() as it, it.work(write=False) as work:
        problem = audit.verify(work, head)
        known = audit.head(work.session)
    if as_json:
        typer.echo(json.dumps({"ok": problem is None, "head": known, "problem": plain(problem) if problem else None}, ensure_ascii=False))
    else:
        say(problem.message if problem else Text(f"审计链完整，链首 {known}", f"The audit chain holds; head {known}"))
    if problem:
        raise typer.Exit(1)


@audit_app.command("seal")
def seal_audit() -> None:
    """Chains what was written since the last seal; the server does this by itself."""
    with opened() as it, it.work(write=True) as work:
        rows = audit.seal(work)
    say(Text(f"封存 {rows} 行", f"{rows} rows sealed"))


@review_app.command("open")
def open_review(
    key: Annotated[str, typer.Argument(help="Key of the review, e.g. quarterly_review.")],
    period: Annotated[str, typer.Option(help="2026-03, 2026-Q1 or 2026; none: the period today is in.")] = "",
) -> None:
    """Opens the review of a period and takes the snapshots it looks at; opened already, it stays as it is."""
    with opened() as it, it.work(write=True) as work:
        number = reviews.open_review(work, key, period)
    say(Text(f"评估 {number} 已打开", f"Review {number} is open"))


@review_app.command("snapshot")
def snapshot_metrics(as_of: Day = "") -> None:
    """Measures all metrics and keeps them as of a day; the same day again changes only what differs."""
    with opened() as it, it.work(write=True) as work:
        written = reviews.take_snapshots(work, day_of(as_of))
    say(Text(f"写入 {written} 个指标", f"{written} metrics written"))
