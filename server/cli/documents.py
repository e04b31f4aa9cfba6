"""Documents and releases: check, publish, simulate, roll back, export."""

import json
from pathlib import Path
from typing import Annotated

import typer

from server.cli.shared import AsJson, Folders, Note, line_of, opened, plain, say
from server.config.catalog import Catalog
from server.config.check import check as check_documents
from server.config.check import errors
from server.config.drafts import draft_catalog
from server.config.load import load_folder, template_folders
from server.config.publish import publish as publish_documents
from server.config.publish import rollback as publish_older
from server.config.releases import list_releases
from server.errors import AppError, Invalid, Text
from server.features.assessment.report import simulation_data, simulation_lines
from server.features.assessment.simulation import simulate
from server.registry import KINDS
from server.settings import load

app = typer.Typer()


@app.command()
def check(folders: Folders = None, as_json: AsJson = False) -> None:
    """Finds every problem of the documents in folders. Exit code 1 when there is an error."""
    documents, problems = load_folder(*(folders or template_folders(load().template)))
    problems += check_documents(Catalog(0, {(d.kind, d.key): d for d in documents}, KINDS), KINDS)
    if as_json:
        typer.echo(json.dumps({"documents": len(documents), "problems": [plain(p) for p in problems]}, ensure_ascii=False, indent=2))
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
