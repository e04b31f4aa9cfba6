"""Records and their assessment: import, assess, explain."""

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn

from server.cli.shared import AsJson, day_of, opened, say
from server.errors import AppError, Text
from server.feature import Work
from server.features.assessment.report import explanation_data, explanation_lines, summary_data
from server.features.assessment.service import assess_all
from server.features.records.downloads import save
from server.features.records.exporting import note, plan
from server.features.records.importing import import_file
from server.features.records.liststate import ListState
from server.features.records.mapping import load_mapping
from server.features.records.rowfile import Reading

app = typer.Typer()
records = typer.Typer(no_args_is_help=True, help="Records as files.")
app.add_typer(records, name="records")


@app.command("import")
def import_records(
    object_key: Annotated[str, typer.Argument(metavar="OBJECT", help="Key of the object, such as customer.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV (UTF-8, UTF-16 or GB18030) or .xlsx; the first line names the columns.")],
    mapping: Annotated[Path | None, typer.Option("--map", help='JSON file: column to field, or to {field, zone, format, by}; to "" leaves it out.')] = None,
    key: Annotated[str, typer.Option(help="Field that tells which record a row is: there it is changed, else made. Then the file may be imported again.")] = "",
    mode: Annotated[str, typer.Option(help="insert, update or upsert; none: upsert with --key, insert without.")] = "",
    atomic: Annotated[bool, typer.Option("--all-or-nothing", help="One bad row, and nothing is written.")] = False,
    sheet: Annotated[str, typer.Option(help="Sheet of an .xlsx file; none: the first.")] = "",
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV file; none: found out.")] = "",
    delimiter: Annotated[str, typer.Option(help="Separator of a CSV file; none: found out.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Read and judge every row, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Imports a CSV or .xlsx file into an object. Bad rows are reported by line and column and left out; exit code 1 when there are any."""
    columns = load_mapping(mapping) if mapping else None
    reading = Reading(encoding=encoding, delimiter=delimiter.replace("\\t", "\t"), sheet=sheet)
    with opened() as it, Progress(*Progress.get_default_columns(), TextColumn("{task.fields[rows]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=None, rows="")

        def show(read: int, size: int, rows: int) -> None:
            bar.update(task, completed=read, total=size, rows=f"{rows:,}")

        def work() -> AbstractContextManager[Work]:
            return it.work(write=True, cause="import")

        report = import_file(work, object_key, file, columns, key, dry_run, show, mode=mode, atomic=atomic, reading=reading)
    if as_json:
        errors_found = [{"line": e.line, "column": e.column, "message": {"zh_CN": e.message.zh, "en": e.message.en}} for e in report.errors]
        typer.echo(json.dumps({**vars(report), "errors": errors_found}, ensure_ascii=False))
    else:
        for e in report.errors:
            typer.echo(f"{file}:{e.line}: {e.column + ': ' if e.column else ''}{e.message.zh} / {e.message.en}", err=True)
        nothing = Text("（有错，全部未写入）", " (nothing was written)") if report.refused else Text("", "")
        tried = Text("（试运行，未写入）", " (dry run, nothing written)") if dry_run else nothing
        zh = f"{report.rows} 行：新建 {report.created}，更新 {report.updated}，未变 {report.unchanged}，拒绝 {report.rejected}{tried.zh}"
        en = f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, {report.rejected} rejected{tried.en}"
        say(Text(zh, f"{report.rows} rows: {en}"))
    if report.rejected:
        raise typer.Exit(1)


@records.command("export")
def export_records(
    object_key: Annotated[str, typer.Argument(metavar="OBJECT", help="Key of the object, such as customer.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .xlsx or .jsonl; a file of that name is replaced.")],
    filter: Annotated[str, typer.Option(help="Expression that a record must meet.")] = "",
    search: Annotated[str, typer.Option(help="Words that a record must contain.")] = "",
    sort: Annotated[str, typer.Option(help='Names with commas; "-" before one: descending.')] = "",
    columns: Annotated[str, typer.Option(help="Fields, results and id, version ... with commas; none: all fields.")] = "",
) -> None:
    """Writes the records of an object into a CSV, XLSX or JSON lines file, which `import` takes without change."""
    names = [c.strip() for c in columns.split(",") if c.strip()] or None
    format = file.suffix.removeprefix(".").lower()
    with opened() as it:
        with it.work(write=False) as system:
            work = replace(system, actor=replace(system.actor, locale=it.settings.locale))
            export = plan(work, object_key, format, names, ListState(search=search, filter=filter, sort=sort))
            try:
                with file.open("wb") as target:
                    rows = save(work, export, target)
            except OSError as error:
                raise AppError(Text(f"无法写入 {file}：{error.strerror}", f"Cannot write to {file}: {error.strerror}")) from error
        with it.work(write=True) as work:
            note(work, export, rows)
    say(Text(f"已写出 {rows} 条记录到 {file}", f"Wrote {rows} records to {file}"))


@app.command()
def assess(
    object_key: Annotated[str, typer.Argument(metavar="[OBJECT]", help="Key of an assessed object; none: all of them.")] = "",
    as_of: Annotated[str, typer.Option(help="A past day, YYYY-MM-DD: repeats its numbers into the history and touches nothing else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Indicators, scores, classes, levels and alerts of the whole population. A run that was cut off is continued."""
    day = day_of(as_of)
    with opened() as it, Progress(console=Console(stderr=True), transient=True) as bar:
        with it.work(write=False) as work:
            keys = [object_key] if object_key else [o.key for o in work.catalog.all("object") if o.assessed]
        found = []
        for key in keys:
            task = bar.add_task(key, total=None)

            def show(done: int, total: int, task: TaskID = task) -> None:
                bar.update(task, completed=done, total=total)

            found.append((key, assess_all(lambda: it.work(write=True, cause="assess"), key, day, show, look=lambda: it.work(write=False))))
    if as_json:
        typer.echo(json.dumps([summary_data(key, s) for key, s in found], ensure_ascii=False))
        return
    if not keys:
        say(Text("没有参与评估的对象；先发布文档", "No object is assessed; publish documents first"))
    for key, s in found:
        zh = f"{key} {s.as_of}：评估 {s.records}，变化 {s.changed}，新预警 {s.alerts_opened}，解除 {s.alerts_cleared}，{s.seconds:.1f} 秒"
        en = f"{s.records} assessed, {s.changed} changed, {s.alerts_opened} alerts opened, {s.alerts_cleared} cleared, {s.seconds:.1f} s"
        say(Text(zh, f"{key} {s.as_of}: {en}"))


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
