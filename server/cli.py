"""The `weatherglass` command. Each command reads its arguments, calls a service, shows the result and sets the exit code."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from server.app import create_app
from server.clock import now
from server.config.catalog import Catalog
from server.config.check import check as check_documents
from server.config.check import errors
from server.config.drafts import draft_catalog
from server.config.load import load_folder, template_folders
from server.config.publish import publish as publish_documents
from server.config.publish import rollback as publish_older
from server.config.releases import Catalogs, list_releases
from server.demo.people import PASSWORD, PEOPLE
from server.demo.run import Demo, Wish
from server.errors import AppError, Invalid, Problem, Text
from server.expressions.types import At
from server.feature import SYSTEM, Work, working
from server.features.access.people import first_admin
from server.features.assessment.report import explanation_data, explanation_lines, simulation_data, simulation_lines, summary_data
from server.features.assessment.service import assess_all
from server.features.assessment.simulation import simulate
from server.features.audit import service as audit
from server.features.records.importing import import_csv
from server.features.records.mapping import load_mapping
from server.features.reviews import service as reviews
from server.registry import HOOKS, KINDS
from server.settings import Settings, load
from server.storage.migrate import upgrade
from server.storage.session import Database

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Weatherglass 晴雨表: forms, rules and workflows for customer risk."
)


class Opened:
    """The database of the settings, brought up to date, and the way to open a unit of work on it as the system."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogs = Catalogs(KINDS)
        try:
            self.database = Database(settings.database_url)
            upgrade(self.database)
        except (OSError, SQLAlchemyError) as error:
            why = str(getattr(error, "orig", error)).strip()
            raise AppError(
                Text(f"无法打开数据库：{why}", f"Cannot open the database: {why}"), Text("请检查 WEATHERGLASS_DATABASE_URL", "See WEATHERGLASS_DATABASE_URL")
            ) from error

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
    mark = "" if problem.severity == "error" else f"[{problem.severity}] "
    return f"{place or '-'}: {mark}{problem.message.zh} / {problem.message.en}{hint}"


def say(text: Text) -> None:
    typer.echo(text.of(load().locale))


Folders = Annotated[list[Path] | None, typer.Argument(help="Folders or files of documents; none: the shipped template.")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
Note = Annotated[str, typer.Option(help="Why; kept with the release.")]


@app.command()
def createadmin(username: str, password: str = typer.Option(..., prompt=True, hide_input=True, confirmation_prompt=True)) -> None:
    """Make the first administrator; refused when there is one."""
    with opened() as it, it.work(write=True) as work:
        first_admin(work, username=username, name=username, password=password)
    typer.echo(f"administrator {username} created")


# -- Documents and releases ----------------------------------------------------------------------------------------------------


@app.command()
def check(folders: Folders = None, as_json: AsJson = False) -> None:
    """Finds every problem of the documents in folders. Exit code 1 when there is an error."""
    documents, problems = load_folder(*(folders or template_folders(load().template)))
    problems += check_documents(Catalog(0, {(d.kind, d.key): d for d in documents}, KINDS), KINDS)
    if as_json:
        typer.echo(json.dumps({"documents": len(documents), "problems": [_plain(p) for p in problems]}, ensure_ascii=False, indent=2))
    else:
        for problem in problems:
            typer.echo(line_of(problem))
        bad = len(errors(problems))
        say(
            Text(
                f"{len(documents)} 份文档，{bad} 个错误，{len(problems) - bad} 个警告",
                f"{len(documents)} documents, {bad} errors, {len(problems) - bad} warnings",
            )
        )
    if errors(problems):
        raise typer.Exit(1)


@app.command()
def publish(
    folders: Folders = None, note: Note = "", prune: Annotated[bool, typer.Option(help="Remove live documents that the folders do not have.")] = False
) -> None:
    """Publishes the documents in folders as a new release: adds and replaces; with --prune they become all there is."""
    documents, problems = load_folder(*(folders or template_folders(load().template)))
    if problems:
        raise Invalid(problems)
    with opened() as it, it.work(write=True) as work:
        wanted = {(d.kind, d.key): d for d in documents}
        release = publish_documents(work, wanted if prune else {**work.catalog.documents, **wanted}, note)
        changed = release != work.catalog.release
    say(
        Text(f"已发布版本 {release}", f"Published release {release}")
        if changed
        else Text(f"没有改动，仍是版本 {release}", f"Nothing changed; still release {release}")
    )


@app.command()
def releases(as_json: AsJson = False) -> None:
    """Lists the releases, newest first."""
    with opened() as it, it.work(write=False) as work:
        found = list_releases(work.session)
    if as_json:
        typer.echo(json.dumps([{**vars(r), "at": r.at.isoformat()} for r in found], ensure_ascii=False, indent=2))
        return
    for r in found:
        restored = f" <- {r.restored}" if r.restored else ""
        typer.echo(f"{r.id}{restored}\t{r.at.astimezone(it.settings.zone):%Y-%m-%d %H:%M}\t{r.by}\t{r.documents}\t{r.note}")


@app.command()
def rollback(release: Annotated[int, typer.Argument(help="The release whose documents are to be live again.")], note: Note = "") -> None:
    """Publishes the documents of an older release as a new one."""
    with opened() as it, it.work(write=True) as work:
        number = publish_older(work, release, note)
        changed = number != work.catalog.release
    if changed:
        say(Text(f"已发布版本 {number}，内容同版本 {release}", f"Published release {number} with the documents of release {release}"))
    else:
        say(Text(f"版本 {number} 的内容已与版本 {release} 相同", f"Release {number} has the documents of release {release} already"))


@app.command()
def export(folder: Annotated[Path, typer.Argument(help="Where the files go; files of the same name are replaced.")]) -> None:
    """Writes the live documents as files, one each, as `publish` reads them."""
    with opened() as it, it.work(write=False) as work:
        documents = list(work.catalog.documents.values())
    try:
        for document in documents:
            file = folder / KINDS[document.kind].folder / f"{document.key}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(document.body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise AppError(Text(f"无法写入 {folder}：{error.strerror}", f"Cannot write to {folder}: {error.strerror}")) from error
    say(Text(f"已写出 {len(documents)} 份文档到 {folder}", f"Wrote {len(documents)} documents to {folder}"))


def _plain(p: Problem) -> dict[str, Any]:
    def both(text: Text | None) -> dict[str, str] | None:
        return None if text is None else {"zh_CN": text.zh, "en": text.en}

    place = {} if p.start is None else {"start": p.start, "end": p.end}
    return {"file": p.file, "path": p.path, "message": both(p.message), "hint": both(p.hint), "severity": p.severity, "code": p.code, **place}


# -- Records -------------------------------------------------------------------------------------------------------------------


@app.command("import")
def import_records(
    object_key: Annotated[str, typer.Argument(metavar="OBJECT", help="Key of the object, such as customer.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8 or GB18030; the first line names the columns.")],
    mapping: Annotated[Path | None, typer.Option("--map", help='JSON file: column to field, or to {field, zone, format, by}; to "" leaves it out.')] = None,
    key: Annotated[str, typer.Option(help="Field that tells which record a row is: there it is changed, else made. Then the file may be imported again.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Read and judge every row, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Imports a CSV file into an object. Bad rows are reported by line and column and left out; exit code 1 when there are any."""
    columns = load_mapping(mapping) if mapping else None
    with opened() as it, Progress(*Progress.get_default_columns(), TextColumn("{task.fields[rows]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=None, rows="")

        def show(read: int, size: int, rows: int) -> None:
            bar.update(task, completed=read, total=size, rows=f"{rows:,}")

        report = import_csv(lambda: it.work(write=True, cause="import"), object_key, file, columns, key, dry_run, show)
    if as_json:
        errors_found = [{"line": e.line, "column": e.column, "message": {"zh_CN": e.message.zh, "en": e.message.en}} for e in report.errors]
        typer.echo(json.dumps({**vars(report), "errors": errors_found}, ensure_ascii=False))
    else:
        for e in report.errors:
            typer.echo(f"{file}:{e.line}: {e.column + ': ' if e.column else ''}{e.message.zh} / {e.message.en}", err=True)
        tried = Text("（试运行，未写入）", " (dry run, nothing written)") if dry_run else Text("", "")
        zh = f"{report.rows} 行：新建 {report.created}，更新 {report.updated}，未变 {report.unchanged}，拒绝 {report.rejected}{tried.zh}"
        en = f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, {report.rejected} rejected{tried.en}"
        say(Text(zh, f"{report.rows} rows: {en}"))
    if report.rejected:
        raise typer.Exit(1)


# -- Assessment ----------------------------------------------------------------------------------------------------------------


@app.command()
def assess(
    object_key: Annotated[str, typer.Argument(metavar="[OBJECT]", help="Key of an assessed object; none: all of them.")] = "",
    as_of: Annotated[str, typer.Option(help="A past day, YYYY-MM-DD: repeats its numbers into the history and touches nothing else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Indicators, scores, classes, levels and alerts of the whole population. A run that was cut off is continued."""
    day = _day(as_of)
    with opened() as it, Progress(console=Console(stderr=True), transient=True) as bar:
        with it.work(write=False) as work:
            keys = [object_key] if object_key else [o.key for o in work.catalog.all("object") if o.assessed]
        found = []
        for key in keys:
            task = bar.add_task(key, total=None)

            def show(done: int, total: int, task: TaskID = task) -> None:
                bar.update(task, completed=done, total=total)

            found.append((key, assess_all(lambda: it.work(write=True, cause="assess"), key, day, show)))
    if as_json:
        typer.echo(json.dumps([summary_data(key, s) for key, s in found], ensure_ascii=False))
        return
    if not keys:
        say(Text("没有参与评估的对象；先发布文档", "No object is assessed; publish documents first"))
    for key, s in found:
        zh = f"{key} {s.as_of}：评估 {s.records}，变化 {s.changed}，新预警 {s.alerts_opened}，解除 {s.alerts_cleared}，{s.seconds:.1f} 秒"
        en = f"{s.records} assessed, {s.changed} changed, {s.alerts_opened} alerts opened, {s.alerts_cleared} cleared, {s.seconds:.1f} s"
        say(Text(zh, f"{key} {s.as_of}: {en}"))


@app.command("simulate")
def simulate_documents(
    folders: Annotated[list[Path] | None, typer.Argument(help="Documents that replace live ones of their kind and key; none: the draft.")] = None,
    object_key: Annotated[str, typer.Option("--object", help="Key of the assessed object; none: the first.")] = "",
    as_json: AsJson = False,
) -> None:
    """What documents would change on the whole population: who moves, which alerts. Nothing is kept. Exit code 1 when they have problems."""
    documents, problems = load_folder(*folders) if folders else ([], [])
    if problems:
        raise Invalid(problems)
    with opened() as it, it.work(write=False) as work:
        candidate = work.catalog.with_documents(documents) if folders else draft_catalog(work)
        key = object_key or next((o.key for o in work.catalog.all("object") if o.assessed), "")
        found = simulate(work, candidate, key)
        if as_json:
            typer.echo(json.dumps(simulation_data(found), ensure_ascii=False))
        else:
            for line in simulation_lines(candidate, key, found, it.settings.locale):
                typer.echo(line)
    if not as_json:
        for problem in found.errors:
            typer.echo(line_of(problem), err=True)
    if errors(found.errors):
        raise typer.Exit(1)


@app.command()
def explain(
    object_key: Annotated[str, typer.Argument(metavar="OBJECT")],
    record_id: Annotated[int, typer.Argument(metavar="ID")],
    name: Annotated[str, typer.Argument(help="A score, class, risk type or indicator; none: all but the indicators.")] = "",
    as_json: AsJson = False,
) -> None:
    """Why a record has its scores, classes and levels: what was seen, what it contributed, which condition was met."""
    with opened() as it, it.work(write=False) as work:
        data = explanation_data(work, object_key, record_id, name)
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False))
        return
    for line in explanation_lines(data, it.settings.locale):
        typer.echo(line)


# -- Audit and reviews -----------------------------------------------------------------------------------------------------------

audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")
review_app = typer.Typer(no_args_is_help=True, help="Metrics and reviews.")
app.add_typer(audit_app, name="audit")
app.add_typer(review_app, name="review")
Day = Annotated[str, typer.Option("--as-of", help="A day, YYYY-MM-DD; none: today.")]


@audit_app.command("verify")
def verify_audit(head: Annotated[str, typer.Option(help="A head noted earlier: it must still be in the chain.")] = "", as_json: AsJson = False) -> None:
    """Checks every row and block; prints the head to keep elsewhere. Exit code 1 when something was changed, removed or inserted."""
    with opened() as it, it.work(write=False) as work:
        problem = audit.verify(work, head)
        known = audit.head(work.session)
    if as_json:
        typer.echo(json.dumps({"ok": problem is None, "head": known, "problem": _plain(problem) if problem else None}, ensure_ascii=False))
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
        written = reviews.take_snapshots(work, _day(as_of))
    say(Text(f"写入 {written} 个指标", f"{written} metrics written"))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        refuse(f"{text!r}: YYYY-MM-DD")


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


def run_server(settings: Settings) -> None:
    """Serves until Ctrl+C. One process: on SQLite its writers queue for one lock."""
    typer.echo(f"晴雨表 Weatherglass  http://{settings.host}:{settings.port}   (Ctrl+C stops it)")
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_level="warning", server_header=False, timeout_graceful_shutdown=5)


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
