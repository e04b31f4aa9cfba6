"""Imports: upload a file, say which column is which, see what would happen, run it, mend what was refused."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from admin_ui.area import Area
from admin_ui.edge import Form, Id, Upload, is_partial, reading, texts, to, writing
from admin_ui.posted import posted_lists
from admin_ui.render import fragment, page
from server.errors import AppError, Conflict, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import people
from server.features.access import service as access
from server.features.imports import guessing, service, sheets
from server.features.imports.service import ImportRun
from server.features.objects.kind import ObjectType
from server.features.records import limits
from server.features.records.importing import MODES, may_import
from server.features.records.mapping import importable, key_fields
from server.features.records.rowfile import DELIMITERS, ENCODINGS, Reading
from server.jobs import ledger

router = APIRouter(include_in_schema=False)
AREA = Area(router, body_limits={"/imports/upload": "import_limit"})
STATES: Mapping[str, Text] = {
    "mapping": Text("待对应", "To be mapped"),
    "trying": Text("试导入中", "Being tried"),
    "tried": Text("待导入", "Ready to import"),
    "running": Text("导入中", "Importing"),
    "done": Text("完成", "Done"),
    "refused": Text("有错，未写入", "Refused, nothing written"),
    "cancelled": Text("已停止", "Stopped"),
    "failed": Text("失败", "Failed"),
}


def object_of(work: Work, key: str) -> ObjectType:
    """An object that this person may import into in some way."""
    found: ObjectType | None = work.catalog.get("object", key)
    if found is None or not access.allowed(work, key, "read") or not any(may_import(work, key, mode) for mode in MODES):
        raise NotFound(Text("没有这个对象，或无权导入", "There is no such object, or you may not import into it"))
    return found


@router.get("/imports", response_class=HTMLResponse)
def imports_page(request: Request, object: str = "") -> HTMLResponse:
    with reading(request) as work:
        return _start(request, work, object)


def _start(request: Request, work: Work, key: str, problems: tuple[Problem, ...] = (), status: int = 200) -> HTMLResponse:
    chosen = object_of(work, key) if key else None
    context: dict[str, Any] = {
        "chosen": chosen,
        "objects": [o for o in work.catalog.all("object") if access.allowed(work, o.key, "read") and any(may_import(work, o.key, m) for m in MODES)],
        "history": [service.settled(work, run) for run in service.history(work, key)],
        "titles": {o.key: o.title for o in work.catalog.all("object")},
        "people": people.user_names(work),
        "states": STATES,
        "problems": problems,
        "limit": request.app.state.settings.import_limit,
        "limits": limits.LIMITS,
    }
    return page(request, work, "pages/imports.html", status=status, area=f"o/{key}" if key else "", **context)


@router.post("/imports/upload", response_class=HTMLResponse)
def upload(request: Request, form: Upload) -> Response:
    object_key, file = texts(form).get("object", ""), form.get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid([Problem("file", Text("请选择一个文件", "Choose a file"), code="required")])
        with TemporaryDirectory(prefix="weatherglass-import-") as folder:
            path = Path(folder) / "rows"
            with path.open("wb") as copy:
                shutil.copyfileobj(file.file, copy, 1 << 20)
            with writing(request, brief=False) as work, path.open("rb") as source:
                object_of(work, object_key)
                run_id = service.begin(work, object_key, file.filename, source, path)
    except AppError as refused:
        if refused.status not in {413, 422}:
            raise
        with reading(request) as work:
            return _start(request, work, object_key, _problems(refused), refused.status)
    return to(request, f"/imports/{run_id}")


def _problems(refused: AppError) -> tuple[Problem, ...]:
    return refused.problems if isinstance(refused, Invalid) else (Problem("", refused.message, refused.hint),)


@router.get("/imports/{run_id}", response_class=HTMLResponse)
def import_page(request: Request, run_id: Id) -> HTMLResponse:
    with reading(request) as work:
        return _show(request, work, service.settled(work, service.get(work, run_id)))


def _show(request: Request, work: Work, run: ImportRun, problems: tuple[Problem, ...] = (), typed: Mapping[str, Any] | None = None) -> HTMLResponse:
    context = _context(work, run, problems, typed or {})
    if is_partial(request) and request.method == "GET":
        return fragment(request, work, "parts/import_state.html", **context)
    return page(request, work, "pages/import.html", status=422 if problems else 200, area=f"o/{run.object}", **context)


def _context(work: Work, run: ImportRun, problems: tuple[Problem, ...], typed: Mapping[str, Any]) -> dict[str, Any]:
    object_type = object_of(work, run.object)
    job = ledger.status(work.session, run.job) if run.job is not None else None
    fields = importable(work, object_type)
    classes = {c.key: (c.title, {k.key: k for k in c.classes}) for c in work.catalog.all("classification")}
    return {
        "run": run,
        "object_type": object_type,
        "job": job,
        "states": STATES,
        "fields": fields,
        "titles": {f.key: f.title for f in object_type.fields.values()},
        "keys": [f for f in key_fields(work, object_type) if f in fields],
        "formats": guessing.formats_of,
        "by": _by,
        "objects": {o.key: o for o in work.catalog.all("object")},
        "modes": {key: title for key, title in MODES.items() if may_import(work, run.object, key)},
        "encodings": ENCODINGS,
        "delimiters": DELIMITERS,
        "problems": problems,
        "typed": {"mapping": run.mapping, "key": run.key, "mode": run.mode, "atomic": run.atomic} | dict(typed),
        "atomic_rows": limits.LIMITS["import_atomic_rows"].value,
        "classes": classes,
        "refusals": service.refusals(work, run) if run.state in {"done", "refused", "cancelled", "failed"} else [],
        "mine": run.by == work.actor.username,
        "people": people.user_names(work),
    }


def _by(target: ObjectType | None) -> list[Any]:
    """Fields by which a cell may name a record of another object."""
    return [] if target is None else [f for f in target.fields.values() if f.unique or f.key == target.name_field]


@router.post("/imports/{run_id}/reading")
def read_as(request: Request, run_id: Id, form: Form) -> Response:
    said = texts(form)
    wanted = Reading(
        encoding=said.get("encoding", ""), delimiter={"tab": "\t"}.get(said.get("delimiter", ""), said.get("delimiter", "")), sheet=said.get("sheet", "")
    )
    with _shown(request, run_id) as answer, writing(request) as work:
        service.read_as(work, run_id, wanted)
    return answer() or to(request, f"/imports/{run_id}")


@dataclass(frozen=True)
class Choice:
    """What the form of the mapping holds."""

    mapping: Mapping[str, Any]
    key: str
    mode: str
    atomic: bool

    def data(self) -> dict[str, Any]:
        return {"mapping": self.mapping, "key": self.key, "mode": self.mode, "atomic": self.atomic}


def _choice(request: Request, run_id: int, form: Mapping[str, list[str]]) -> Choice:
    def text(name: str) -> str:
        return form.get(name, [""])[-1]

    mapping: dict[str, Any] = {}
    with reading(request) as work:
        for i, column in enumerate(service.get(work, run_id).columns):
            said = {"field": text(f"field-{i}"), "format": text(f"format-{i}"), "by": text(f"by-{i}")}
            mapping[column.header] = _fitting(work, run_id, {k: v for k, v in said.items() if v}) if said["field"] else ""
    return Choice(mapping, text("key"), text("mode"), text("atomic") == "1")


@router.post("/imports/{run_id}/columns", response_class=HTMLResponse)
def columns(request: Request, run_id: Id, form: Mapping[str, list[str]] = Depends(posted_lists)) -> HTMLResponse:
    """The form as it stands, after another field was chosen: a date asks how it is written, a reference by what it is named."""
    typed = _choice(request, run_id, form).data()
    with reading(request) as work:
        run = service.get(work, run_id)
        return fragment(request, work, "parts/import_mapping.html", **_context(work, run, (), typed))


@router.post("/imports/{run_id}/mapping", response_class=HTMLResponse)
def confirm(request: Request, run_id: Id, form: Mapping[str, list[str]] = Depends(posted_lists)) -> Response:
    chosen = _choice(request, run_id, form)
    with _shown(request, run_id, chosen.data()) as answer, writing(request) as work:
        service.confirm(work, run_id, chosen.mapping, chosen.key, chosen.mode, chosen.atomic)
    return answer() or to(request, f"/imports/{run_id}")


def _fitting(work: Work, run_id: int, said: Mapping[str, str]) -> Mapping[str, str]:
    """Without the format or the way to name a record that the field chosen before had."""
    object_type = object_of(work, service.get(work, run_id).object)
    f = object_type.fields.get(said["field"])
    kinds = {"format": {"date", "datetime"}, "by": {"reference"}}
    return {k: v for k, v in said.items() if k not in kinds or (f is not None and f.type in kinds[k])}


@contextmanager
def _shown(request: Request, run_id: int, typed: Mapping[str, Any] | None = None) -> Iterator[Callable[[], Response | None]]:
    """What the person can mend is shown beside what was typed; `answer()` gives that page, or None when all went well."""
    found: list[Response] = []
    try:
        yield lambda: found[0] if found else None
    except AppError as refused:
        if refused.status not in {413, 422}:
            raise
        with reading(request) as work:
            found.append(_show(request, work, service.settled(work, service.get(work, run_id)), _problems(refused), typed))


@router.post("/imports/{run_id}/run")
def run(request: Request, run_id: Id) -> Response:
    with writing(request) as work:
        service.start(work, run_id)
    return to(request, f"/imports/{run_id}")


@router.post("/imports/{run_id}/stop")
def stop(request: Request, run_id: Id) -> Response:
    with writing(request) as work:
        service.stop(work, run_id)
    return to(request, f"/imports/{run_id}")


@router.post("/imports/{run_id}/again")
def again(request: Request, run_id: Id) -> Response:
    with writing(request) as work:
        service.again(work, run_id)
    return to(request, f"/imports/{run_id}")


@router.get("/imports/{run_id}/refused.{kind}")
def refused_file(request: Request, run_id: Id, kind: str) -> Response:
    """The refused rows as they came, with the reason behind them."""
    _known(kind)
    with reading(request) as work:
        found = service.get(work, run_id)
        if not found.rejected:
            raise Conflict(Text("没有被拒绝的行", "No row was refused"))
        make = sheets.refused_csv if kind == "csv" else sheets.refused_xlsx
        data = make(work, service.mended(work, found))
        name = Text("待修正", "to mend").of(work.actor.locale)
    return _file(data, kind, f"{found.file_name.rpartition('.')[0] or found.file_name} {name}")


@router.get("/imports/template/{object_key}.{kind}")
def template_file(request: Request, object_key: str, kind: str) -> Response:
    """An empty file to fill in."""
    _known(kind)
    with reading(request) as work:
        object_type = object_of(work, object_key)
        data = (sheets.template_csv if kind == "csv" else sheets.template_xlsx)(work, object_type)
        name = f"{object_type.title.of(work.actor.locale)} {Text('导入模板', 'template').of(work.actor.locale)}"
    return _file(data, kind, name)


def _known(kind: str) -> None:
    if kind not in sheets.MEDIA:
        raise NotFound(Text("没有这种文件", "There is no such file"))


def _file(data: bytes, kind: str, name: str) -> Response:
    return Response(data, media_type=sheets.MEDIA[kind], headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name + '.' + kind, safe='')}"})
