"""Outside JSON Schemas: made to objects, and documents of them saved as records."""

import json
from pathlib import Path
from typing import Annotated

import typer

from server.cli.shared import opened, say
from server.config import drafts
from server.config.load import read_json
from server.errors import AppError, Invalid, Problem, Text
from server.features.objects.outside.importing import import_schema
from server.features.objects.outside.making import key_of
from server.features.records.together import save_document

app = typer.Typer()
schema = typer.Typer(no_args_is_help=True, help="Outside JSON Schemas: make objects of them, save documents of them.")
app.add_typer(schema, name="schema")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise AppError(Text(f"无法读取 {file}：{why}", f"Cannot read {file}: {why}")) from error


@schema.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSON Schema, 2020-12 or draft-07.")],
    key: Annotated[str, typer.Option(help="Key of the object; none: from the file's name.")] = "",
    title: Annotated[str, typer.Option(help="Its title; none: the schema's.")] = "",
    to: Annotated[Path | None, typer.Option(help="A folder for the documents as files; none: they go into the draft.")] = None,
) -> None:
    """Makes a draft object of an outside JSON Schema, which it keeps exactly. Exit code 1, with places, when something is not supported."""
    with opened() as it, it.work(write=to is None) as work:
        catalog = drafts.draft_catalog(work)
        made = import_schema(_text(file), key or key_of(file.name.split(".")[0]), catalog, title)
        taken = [b["key"] for b in made.bodies if catalog.document("object", b["key"])]
        if taken:
            hint = Text("用 --key 换一个键", "Choose another key with --key")
            raise Invalid([Problem("/key", Text(f"已有对象“{k}”", f"There is an object {k!r} already"), hint, str(file)) for k in taken])
        if made.problems:
            raise Invalid([Problem(p.path, p.message, p.hint, str(file), code=p.code) for p in made.problems])
        for body in made.bodies:
            if to is None:
                drafts.save_draft(work, "object", body["key"], body)
            else:
                _write(to / f"{body['key']}.json", body)
    keys = ", ".join(b["key"] for b in made.bodies)
    say(
        Text(f"已建到草稿：{keys}。请在“配置”里查看并发布", f"In the draft: {keys}. Look at it in the studio and publish it")
        if to is None
        else Text(f"已写出到 {to}：{keys}", f"Written to {to}: {keys}")
    )


def _write(file: Path, body: object) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise AppError(Text(f"无法写入 {file}：{error.strerror}", f"Cannot write {file}: {error.strerror}")) from error


@schema.command()
def fill(
    object_key: Annotated[str, typer.Argument(help="An object made of an outside schema.")],
    file: Annotated[Path, typer.Argument(help="A JSON document of that schema.")],
) -> None:
    """Saves a document of an object's outside schema as a record with its rows. Exit code 1 when the schema or a rule is against it."""
    document, problems = read_json(_text(file), str(file))
    if problems:
        raise Invalid(problems)
    with opened() as it, it.work(write=True, cause="api") as work:
        record_id = save_document(work, object_key, document)
    say(Text(f"已保存为 {object_key} #{record_id}", f"Saved as {object_key} #{record_id}"))
