"""Records over HTTP: list, get, create, change, delete, many at once, history, schema. The rights are those of whoever is signed in."""

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from server.errors import Invalid, NotFound, Problem, Text, TooLarge
from server.feature import Work
from server.features.objects.kind import ObjectType
from server.features.records import bulk, describing, exporting, openapi, service
from server.features.records.downloads import download
from server.features.records.importing import MODES, OpenWork, Report, import_file
from server.features.records.jsonlines import import_lines
from server.features.records.liststate import ListState
from server.features.records.reading import no_record, row_of
from server.features.records.representation import change_json, record_json
from server.features.records.rights import can, rights
from server.features.web import calls
from server.features.web.bodies import CSV_TYPE, LINES_TYPE, XLSX_TYPE, Body, JsonBody, PatchBody, body_of, count, members, names, one_of, parameters, truth
from server.features.web.calls import ANY_VERSION, Reply, looking, matched, once
from server.features.web.edge import Id, session_cookie, writing
from server.features.web.problems import MEDIA, PREFIX, Malformed, details, encoded, status_of

router = APIRouter()
ImportBody = Annotated[Body, Depends(body_of(CSV_TYPE, LINES_TYPE, XLSX_TYPE))]
LIMIT, MOST = 50, 500  # records a page
OPERATIONS_LIMIT, HISTORY_LIMIT = 500, 500
ACTIONS = ("read", "create", "edit", "delete")


def object_for(work: Work, key: str) -> ObjectType:
    """The object, when the caller may do anything with it at all; otherwise there is none."""
    found: ObjectType | None = work.catalog.get("object", key)
    if found is None or not any(can(work, key, action) for action in ACTIONS):
        raise NotFound(Text("没有这个对象，或无权查看", "There is no such object, or you may not see it"))
    return found


def path_of(object_key: str, record_id: int | None = None) -> str:
    return f"{PREFIX}/objects/{object_key}/records" + ("" if record_id is None else f"/{record_id}")


# -- Objects -----------------------------------------------------------------------------------------------------------------


@router.get("/objects")
def objects(request: Request) -> Response:
    """The objects one may do anything with."""
    parameters(request)
    with looking(request) as work:
        allowed = [(o, [a for a in ACTIONS if can(work, o.key, a)]) for o in work.catalog.all("object")]
        found = [
            {
                "key": o.key,
                "title": o.title.of(work.actor.locale),
                "plural": o.plural.of(work.actor.locale),
                "actions": actions,
                "records": path_of(o.key),
                "schema": f"{PREFIX}/objects/{o.key}/schema",
            }
            for o, actions in allowed
            if actions
        ]
        return matched(request, _listed({"release": work.catalog.release, "objects": found}))


@router.get("/objects/{object_key}/schema")
def schema(request: Request, object_key: str) -> Response:
    """The object's own JSON Schema: `use` is record (what one gets), create or change (what one sends)."""
    given = parameters(request, "use")
    use = one_of(given, "use", "record", describing.USES)
    with looking(request) as work:
        found = describing.schema_of(work, object_for(work, object_key), use)
        document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{PREFIX}/objects/{object_key}/schema?use={use}", **found}
        return matched(request, _listed(document, media="application/schema+json"))


def _listed(data: Any, headers: Mapping[str, str] | None = None, media: str = "") -> Reply:
    kind = {"content-type": media} if media else {}
    return Reply(data, headers={**(headers or {}), **kind, "etag": "W/" + calls.tag(0, data), "vary": "Accept-Language"})


@router.get("/openapi.json")
def openapi_document(request: Request) -> Response:
    """The whole API as the caller may use it."""
    parameters(request)
    with looking(request) as work:
        return matched(request, _listed(openapi.document(work, session_cookie(request))))


# -- Lists -------------------------------------------------------------------------------------------------------------------

ASKED = ("filter", "q", "sort", "cursor", "limit", "fields", "results", "count")


@router.get("/objects/{object_key}/records")
def list_records(request: Request, object_key: str) -> Response:
    given = parameters(request, *ASKED)
    limit = count(given, "limit", LIMIT, MOST)
    counting = truth(given, "count", default=True)
    fields, results = names(given, "fields"), names(given, "results") or ()
    with looking(request) as work:
        object_type = object_for(work, object_key)
        _known_fields(work, object_type, fields)
        try:
            page = service.query(
                work,
                object_key,
                search=given.get("q", ""),
                filter=given.get("filter", ""),
                sort=given.get("sort", ""),
                cursor=given.get("cursor", ""),
                limit=limit,
                columns=fields,
                results=results,
                count=counting,
            )
        except Invalid as refused:
            raise Invalid([_asked(p, given) for p in refused.problems], refused.message) from None
        data: dict[str, Any] = {"records": [record_json(object_type, r, fields) for r in page.rows], "next": page.next or None}
        if counting:
            data["total"] = min(page.total_capped, 1000)
            data["total_is_more"] = page.total_capped > 1000
        following = f"{path_of(object_key)}?{urlencode({**given, 'cursor': page.next})}"
        return matched(request, _listed(data, {"link": f'<{following}>; rel="next"'} if page.next else {}))


def _known_fields(work: Work, object_type: ObjectType, fields: tuple[str, ...] | None) -> None:
    hidden = rights(work, object_type.key).hidden
    unknown = [f for f in fields or () if f not in object_type.fields or f in hidden]
    if unknown:
        raise Invalid([Problem("?fields", Text(f"没有“{f}”这个字段", f"There is no field {f}"), code="unknown_field") for f in unknown])


def _asked(problem: Problem, given: Mapping[str, str]) -> Problem:
    """Which parameter a finding of the list is about: a place in an expression is in the filter; a name is where it was written."""
    if problem.code == "unknown_column":
        parameter = "results"
    elif problem.path == "cursor" or problem.start is not None:
        parameter = "cursor" if problem.path == "cursor" else "filter"
    else:
        parameter = next((p for p in ("sort", "results", "filter") if problem.path and problem.path in given.get(p, "")), "filter")
    return Problem(f"?{parameter}", problem.message, problem.hint, "", problem.start, problem.end, problem.severity, problem.code)


@router.get("/objects/{object_key}/export")
def export_records(request: Request, object_key: str) -> Response:
    """A whole list as a file: the same filter, search and order; `fields` and `results` are its columns."""
    given = parameters(request, "format", "filter", "q", "sort", "fields", "results")
    format = one_of(given, "format", "csv", exporting.FORMATS)
    fields, results = names(given, "fields"), names(given, "results") or ()

    def plan(work: Work) -> exporting.Export:
        object_type = object_for(work, object_key)
        _known_fields(work, object_type, fields)
        known = exporting.columns_of(work, object_type)
        shown = fields if fields is not None else tuple(c.name for c in known.values() if c.field is not None)
        state = ListState(search=given.get("q", ""), filter=given.get("filter", ""), sort=given.get("sort", ""))
        return exporting.plan(work, object_key, format, ("id", *shown, *results), state)

    try:
        return download(request, plan)
    except Invalid as refused:
        raise Invalid([p if p.path.startswith("?") else _asked(p, given) for p in refused.problems], refused.message) from None


@router.post("/objects/{object_key}/import")
def import_records(request: Request, object_key: str, body: ImportBody) -> Response:
    """A file of rows. Good ones are saved, bad ones reported by line; with `atomic` one bad row refuses them all. Sent again with `key` it changes nothing."""
    given = parameters(request, "key", "mode", "dry_run", "atomic")
    dry_run, atomic = truth(given, "dry_run"), truth(given, "atomic")
    key, mode = given.get("key", ""), one_of(given, "mode", "upsert" if given.get("key") else "insert", MODES)
    if "idempotency-key" in request.headers:
        raise Malformed(
            Text("导入不用 Idempotency-Key", "An import takes no Idempotency-Key"),
            Text("用参数 key 指明键字段，重发不会重复", "Name the key field by the parameter key: sent again it doubles nothing"),
        )
    with looking(request) as work:
        object_for(work, object_key)
        locale = work.actor.locale

    def opened() -> AbstractContextManager[Work]:
        return writing(request, cause="api" if body.media == LINES_TYPE else "import", brief=False)

    try:
        if body.media == LINES_TYPE:
            report = import_lines(opened, object_key, body.raw, key, mode, dry_run=dry_run, atomic=atomic)
        else:
            report = _import_file(opened, object_key, body.raw, key, mode, dry_run, atomic)
    except Invalid as refused:
        raise Invalid([replace(p, path="?" + p.code) if p.code in {"key", "mode"} else p for p in refused.problems], refused.message) from None
    errors = [{"line": e.line, **({"column": e.column} if e.column else {}), "detail": e.message.of(locale)} for e in report.errors]
    if report.refused:
        message = Text(f"{report.rejected} 行有误，全部没有保存", f"{report.rejected} rows have problems; nothing was saved")
        return Response(encoded({**details(422, message, None, (), locale, request.url.path), "errors": errors}), 422, media_type=MEDIA)
    counts = {name: getattr(report, name) for name in ("rows", "created", "updated", "unchanged", "rejected")}
    return Reply({**counts, "dry_run": report.dry_run, "errors": errors}).response()


def _import_file(opened: OpenWork, object_key: str, content: bytes, key: str, mode: str, dry_run: bool, atomic: bool) -> Report:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return import_file(opened, object_key, Path(file.name), key=key, dry_run=dry_run, mode=mode, atomic=atomic)


# -- One record --------------------------------------------------------------------------------------------------------------


def _reply(work: Work, object_type: ObjectType, record_id: int, status: int = 200) -> Reply:
    """A record as it is now. Who may write it and not see it gets its number."""
    try:
        record = service.get(work, object_type.key, record_id)
    except NotFound:
        if status == 200:
            raise
        return Reply({"id": record_id}, status, {"location": path_of(object_type.key, record_id)})
    data = record_json(object_type, record)
    headers = {"etag": calls.tag(record.version, data), **({"location": path_of(object_type.key, record_id)} if status == 201 else {})}
    return Reply(data, status, headers)


@router.get("/objects/{object_key}/records/{record_id}")
def get_record(request: Request, object_key: str, record_id: Id) -> Response:
    parameters(request)
    with looking(request) as work:
        return matched(request, _reply(work, object_for(work, object_key), record_id))


@router.post("/objects/{object_key}/records")
def create_record(request: Request, object_key: str, body: JsonBody) -> Response:
    parameters(request)

    def act(work: Work) -> Reply:
        object_type = object_for(work, object_key)
        return _reply(work, object_type, service.create(work, object_key, members(body)), 201)

    return once(request, body, act)


@router.patch("/objects/{object_key}/records/{record_id}")
def change_record(request: Request, object_key: str, record_id: Id, body: PatchBody) -> Response:
    """JSON merge patch: null empties a field, what is not named stays."""
    parameters(request)
    wanted = calls.version_wanted(request)

    def act(work: Work) -> Reply:
        object_type = object_for(work, object_key)
        service.update(work, object_key, record_id, members(body), _version(work, object_key, record_id, wanted))
        return _reply(work, object_type, record_id)

    return once(request, body, act)


@router.delete("/objects/{object_key}/records/{record_id}")
def delete_record(request: Request, object_key: str, record_id: Id) -> Response:
    parameters(request)
    wanted = calls.version_wanted(request)

    def act(work: Work) -> Reply:
        object_for(work, object_key)
        service.delete(work, object_key, record_id, _version(work, object_key, record_id, wanted))
        return Reply(status=204)

    return once(request, None, act)


def _version(work: Work, object_key: str, record_id: int, wanted: tuple[int, ...]) -> int:
    """The version to change: the present one when it is among those the caller holds, else one that is refused as stale."""
    row = row_of(work, object_key, record_id, lock=True)
    if row is None:
        raise no_record()
    present: int = row["version"]
    return present if present in wanted or wanted == (ANY_VERSION,) else wanted[0]


@router.get("/objects/{object_key}/records/{record_id}/history")
def record_history(request: Request, object_key: str, record_id: Id) -> Response:
    """Who changed which field when, newest first; `limit` counts versions."""
    limit = count(parameters(request, "limit"), "limit", LIMIT, HISTORY_LIMIT)
    with looking(request) as work:
        object_type = object_for(work, object_key)
        masked = rights(work, object_key).masked
        changes = [change_json(object_type, c, masked) for c in service.history(work, object_key, record_id, limit)]
        return matched(request, _listed({"changes": changes}))


# -- Many at once ------------------------------------------------------------------------------------------------------------


@router.post("/objects/{object_key}/records:bulk")
def bulk_records(request: Request, object_key: str, body: JsonBody) -> Response:
    """Each operation has its own result; with `atomic` one refusal refuses them all."""
    parameters(request)

    def act(work: Work) -> Reply:
        object_type = object_for(work, object_key)
        operations, atomic = _operations(members(body))
        outcomes = bulk.write_many(work, object_type.key, operations, atomic=atomic)
        failed = [(i, o.error) for i, o in enumerate(outcomes) if o.error is not None]
        if atomic and failed:
            problems = [_moved(p, i, operations[i]) for i, error in failed for p in bulk.problem_at(error)]
            raise Invalid(problems, Text(f"{len(failed)} 项有误，全部没有保存", f"{len(failed)} operations have problems; nothing was saved"))
        done = [o.done for o in outcomes]
        tally = {word: done.count(word) for word in ("created", "updated", "unchanged", "deleted")}
        return Reply({"results": [_result(work, i, o) for i, o in enumerate(outcomes)], **tally, "failed": len(failed)})

    return once(request, body, act)


def _moved(problem: Problem, index: int, operation: bulk.Operation) -> Problem:
    inside = f"/values/{problem.path}" if problem.path and operation.op != "delete" else ""
    return Problem(f"/operations/{index}{inside}", problem.message, problem.hint, code=problem.code, severity=problem.severity)


STATUS = {"created": 201, "updated": 200, "unchanged": 200, "deleted": 204}


def _result(work: Work, index: int, outcome: bulk.Outcome) -> dict[str, Any]:
    named = {"index": index, **({"id": outcome.id} if outcome.id is not None else {})}
    error = outcome.error
    if error is None:
        return {**named, "status": STATUS[outcome.done], "done": outcome.done, **({"version": outcome.version} if outcome.version else {})}
    problems = error.problems if isinstance(error, Invalid) else ()
    problem = details(status_of(error), error.message, error.hint, problems, work.actor.locale, at=f"/operations/{index}/values")
    return {**named, "status": problem["status"], "problem": problem}


def _operations(sent: Mapping[str, Any]) -> tuple[list[bulk.Operation], bool]:
    """What was sent as operations; a wrong shape refuses the whole."""
    problems = [
        Problem("/" + key, Text("没有这个成员", "There is no such member"), code="unknown_member") for key in sent if key not in {"operations", "atomic"}
    ]
    listed, atomic = sent.get("operations"), sent.get("atomic", False)
    if not isinstance(listed, list) or not listed:
        problems.append(Problem("/operations", Text("应为非空数组", "Must be an array that is not empty"), code="type"))
        listed = []
    if not isinstance(atomic, bool):
        problems.append(Problem("/atomic", Text("应为 true 或 false", "Must be true or false"), code="type"))
    if len(listed) > OPERATIONS_LIMIT:
        raise TooLarge(
            Text(f"一次最多 {OPERATIONS_LIMIT} 项，现有 {len(listed)} 项", f"At most {OPERATIONS_LIMIT} operations at once; there are {len(listed)}"),
            Text("分几次发送，或用 /import", "Send them in several parts, or use /import"),
        )
    operations = []
    for i, item in enumerate(listed):
        problems += _wrong_shape(i, item)
        if isinstance(item, dict):
            operations.append(bulk.Operation(str(item.get("op")), item.get("values", {}), item.get("id"), item.get("version")))
    if problems:
        raise Invalid(problems)
    return operations, bool(atomic)


MEMBERS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"op", "values"}),
    "update": frozenset({"op", "id", "version", "values"}),
    "delete": frozenset({"op", "id", "version"}),
}


def _wrong_shape(index: int, item: Any) -> list[Problem]:
    at = f"/operations/{index}"
    if not isinstance(item, dict):
        return [Problem(at, Text("应为 JSON 对象", "Must be a JSON object"), code="type")]
    op = item.get("op")
    if not isinstance(op, str) or op not in MEMBERS:
        return [Problem(f"{at}/op", Text("应为 create、update 或 delete", "Must be create, update or delete"), code="option")]
    found = [Problem(f"{at}/{k}", Text("这里没有这个成员", "There is no such member here"), code="unknown_member") for k in item if k not in MEMBERS[op]]
    for key in sorted(MEMBERS[op] - {"op"}):
        value = item.get(key)
        if key == "values":
            good = isinstance(value, dict)
        else:
            good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
        if not good:
            wanted = Text("应为 JSON 对象", "Must be a JSON object") if key == "values" else Text("应为正整数", "Must be a positive whole number")
            found.append(Problem(f"{at}/{key}", wanted, code="required" if key not in item else "type"))
    return found
