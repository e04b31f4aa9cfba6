"""The API of one release as OpenAPI 3.1: the addresses of each object with its own schemas, as far as the reader may use them."""

from collections.abc import Mapping
from typing import Any

from server.errors import Text
from server.feature import Work
from server.features.objects.kind import ObjectType
from server.features.records import describing, exporting
from server.features.records.bulk import OPERATIONS
from server.features.records.rights import can
from server.features.web.bodies import CSV_TYPE, JSON_TYPE, LINES_TYPE, PATCH_TYPE, XLSX_TYPE
from server.features.web.problems import KINDS, MEDIA, PREFIX

TITLE = Text("晴雨表 API", "Weatherglass API")
ABOUT = Text(
    "每个对象的记录，权限与登录的人相同。出错时返回 RFC 9457 问题说明，语言由 Accept-Language 决定。",
    "The records of each object, with the rights of whoever is signed in. Refusals are RFC 9457 problem details in the language of Accept-Language.",
)


def document(work: Work, session_cookie: str) -> dict[str, Any]:
    """Kept with the catalog for each set of roles and each language."""
    memo = ("records.openapi", work.actor.roles, work.actor.is_system, work.actor.locale, session_cookie)
    if memo not in work.catalog.memo:
        work.catalog.memo[memo] = _document(work, session_cookie)
    found: dict[str, Any] = work.catalog.memo[memo]
    return found


def _document(work: Work, session_cookie: str) -> dict[str, Any]:
    said = _Said(work.actor.locale)
    paths: dict[str, Any] = {
        "/objects": {"get": said.operation("objects", "list_objects", Text("可用的对象", "The objects"), {"200": said.answer({"type": "object"})})},
        "/openapi.json": {"get": said.operation("objects", "openapi", Text("本文档", "This document"), {"200": said.answer({"type": "object"})})},
    }
    schemas: dict[str, Any] = {"problem": _problem(), "result": _result()}
    for object_type in work.catalog.all("object"):
        if any(can(work, object_type.key, action) for action in ("read", "create", "edit", "delete")):
            paths |= _paths(object_type, said)
            schemas |= {f"{object_type.key}.{use}": describing.schema_of(work, object_type, use) for use in describing.USES}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE.of(said.locale), "version": f"release-{work.catalog.release}", "description": ABOUT.of(said.locale)},
        "servers": [{"url": PREFIX}],
        "security": [{"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"problem": _problem_answer(said)},
            "parameters": _shared(said),
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": session_cookie}},
        },
    }


class _Said:
    """Pieces of the document in one language."""

    def __init__(self, locale: str) -> None:
        self.locale = locale

    def operation(self, tag: str, key: str, title: Text, responses: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        answers = {**responses, "default": {"$ref": "#/components/responses/problem"}}
        return {"tags": [tag], "operationId": key, "summary": title.of(self.locale), **more, "responses": answers}

    def answer(self, schema: Mapping[str, Any], about: Text = Text("结果", "The result"), media: str = JSON_TYPE, *headers: str) -> dict[str, Any]:
        told = {name: {"schema": {"type": "string"}} for name in headers}
        return {"description": about.of(self.locale), "content": {media: {"schema": dict(schema)}}, **({"headers": told} if told else {})}

    def body(self, schema: Mapping[str, Any], *media: str) -> dict[str, Any]:
        return {"required": True, "content": {kind: {"schema": dict(schema)} for kind in media}}

    def parameter(self, name: str, about: Text, schema: Mapping[str, Any] | None = None, place: str = "query") -> dict[str, Any]:
        found = {"name": name, "in": place, "description": about.of(self.locale), "schema": dict(schema or {"type": "string"})}
        return {**found, "required": True} if place == "path" else found


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _given(*names: str) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _shared(said: _Said) -> dict[str, Any]:
    whole = {"type": "integer", "minimum": 1}
    return {
        "id": said.parameter("record_id", Text("记录编号", "Number of the record"), whole, "path"),
        "filter": said.parameter("filter", Text("条件表达式，写法见 /help/expressions", "A condition, written as /help/expressions says")),
        "q": said.parameter("q", Text("搜索词", "Words to look for")),
        "sort": said.parameter("sort", Text("排序的字段，逗号分隔，前加 - 为降序", "Names to sort by, with commas; - before one for descending")),
        "cursor": said.parameter("cursor", Text("上一页给的 next", "The `next` of the page before")),
        "limit": said.parameter("limit", Text("每页条数", "Records a page"), {**whole, "maximum": 500, "default": 50}),
        "fields": said.parameter("fields", Text("要哪些字段，逗号分隔", "Which fields, with commas")),
        "results": said.parameter("results", Text("要哪些评估结果，逗号分隔", "Which results of the assessment, with commas")),
        "count": said.parameter("count", Text("是否计数（到 1000）", "Whether to count (up to 1000)"), {"type": "boolean", "default": True}),
        "if_match": said.parameter("If-Match", Text("记录的 ETag；* 为任意版本", "ETag of the record; * for any version"), place="header") | {"required": True},
        "if_none_match": said.parameter("If-None-Match", Text("已有的 ETag", "The ETag one holds"), place="header"),
        "key": said.parameter(
            "Idempotency-Key",
            Text("同一键的同一请求只执行一次，24 小时内得到同样的回答", "The same call with the same key acts once and is answered the same for 24 hours"),
            {"type": "string", "minLength": 1, "maxLength": 255},
            "header",
        ),
    }


def _paths(it: ObjectType, said: _Said) -> dict[str, Any]:
    key, title = it.key, it.title
    base, one = f"/objects/{key}", f"/objects/{key}/records/{{record_id}}"
    record, make, change = (_ref(f"{key}.{use}") for use in describing.USES)
    got = said.answer(record, Text("记录", "The record"), JSON_TYPE, "ETag")
    made = said.answer(record, Text("新记录", "The new record"), JSON_TYPE, "ETag", "Location")
    listed = {
        "type": "object",
        "properties": {
            "records": {"type": "array", "items": record},
            "next": {"type": ["string", "null"]},
            "total": {"type": "integer"},
            "total_is_more": {"type": "boolean"},
        },
        "required": ["records", "next"],
    }
    unchanged = {"304": {"description": Text("没有变化", "Not changed").of(said.locale)}}
    bulk = {"operations": {"type": "array", "minItems": 1, "maxItems": 500, "items": _operation(make, change)}, "atomic": {"type": "boolean", "default": False}}
    tallies = {word: {"type": "integer"} for word in ("created", "updated", "unchanged", "deleted", "failed")}
    results = {"type": "object", "properties": {"results": {"type": "array", "items": _ref("result")}, **tallies}}
    changes = {"type": "object", "properties": {"changes": {"type": "array", "items": {"type": "object"}}}, "required": ["changes"]}

    def operation(name: str, zh: str, en: str, responses: Mapping[str, Any], *parameters: str, **more: Any) -> dict[str, Any]:
        asked = {"parameters": _given(*parameters)} if parameters else {}
        return said.operation(key, f"{name}_{key}", Text(zh + title.zh, f"{en} {title.en}"), responses, **asked, **more)

    file = {"description": Text("文件", "The file").of(said.locale), "content": {kind: {"schema": {}} for kind in (CSV_TYPE, XLSX_TYPE, LINES_TYPE)}}
    uses = {"enum": list(describing.USES), "default": "record"}
    use = said.parameter("use", Text("得到的、新建的、修改的", "what one gets, sends to make, sends to change"), uses)
    format = said.parameter("format", Text("文件格式", "Kind of file"), {"enum": list(exporting.FORMATS), "default": "csv"})
    described = {"200": said.answer({"type": "object"}, media="application/schema+json")}
    counts = {word: {"type": "integer"} for word in ("rows", "created", "updated", "unchanged", "rejected")}
    line = {"type": "object", "properties": {"line": {"type": "integer"}, "column": {"type": "string"}, "detail": {"type": "string"}}}
    report = {"type": "object", "properties": {**counts, "dry_run": {"type": "boolean"}, "errors": {"type": "array", "items": line}}}
    taking = [
        said.parameter("key", Text("哪个字段认出记录", "Which field tells the record")),
        said.parameter("mode", Text("新建、更新或两者", "Make, change or both"), {"enum": ["upsert", "insert", "update"]}),
        said.parameter("dry_run", Text("只判断，不写入", "Judge and write nothing"), {"type": "boolean"}),
        said.parameter("atomic", Text("一行有误则全部不写入", "One bad row, and nothing is written"), {"type": "boolean"}),
    ]
    many = {"type": "object", "properties": bulk, "required": ["operations"], "additionalProperties": False}
    return {
        f"{base}/schema": {"get": operation("schema", "结构：", "Schema:", described) | {"parameters": [use]}},
        f"{base}/records": {
            "get": operation("list", "列表：", "List:", {"200": said.answer(listed, Text("一页", "A page"), JSON_TYPE, "ETag", "Link"), **unchanged},
                             "filter", "q", "sort", "cursor", "limit", "fields", "results", "count", "if_none_match"),
            "post": operation("create", "新建", "Create", {"201": made}, "key", requestBody=said.body(make, JSON_TYPE)),
        },
        f"{base}/records:bulk": {
            "post": operation("bulk", "批量写入", "Write many of", {"200": said.answer(results)}, "key", requestBody=said.body(many, JSON_TYPE)),
        },
        one: {
            "parameters": _given("id"),
            "get": operation("get", "查看", "Get", {"200": got, **unchanged}, "if_none_match"),
            "patch": operation("change", "修改", "Change", {"200": got}, "if_match", "key", requestBody=said.body(change, PATCH_TYPE)),
            "delete": operation("delete", "删除", "Delete", {"204": {"description": Text("已删除", "Deleted").of(said.locale)}}, "if_match", "key"),
        },
        f"{one}/history": {"parameters": _given("id"), "get": operation("history", "历史：", "History of", {"200": said.answer(changes)}, "limit")},
        f"{base}/import": {
            "post": operation("import", "导入", "Import", {"200": said.answer(report)}, requestBody=said.body({}, CSV_TYPE, XLSX_TYPE, LINES_TYPE))
            | {"parameters": taking},
        },
        f"{base}/export": {
            "get": operation("export", "导出", "Export", {"200": file}) | {"parameters": [format, *_given("filter", "q", "sort", "fields", "results")]},
        },
    }  # fmt: skip


def _operation(make: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"type": "integer", "minimum": 1}
    members = {
        "create": {"values": dict(make)},
        "update": {"id": whole, "version": whole, "values": dict(change)},
        "delete": {"id": whole, "version": whole},
    }
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {"op": {"const": op}, **members[op]},
                "required": ["op", *members[op]],
                "additionalProperties": False,
            }
            for op in OPERATIONS
        ]
    }


def _problem() -> dict[str, Any]:
    error = {
        "pointer": {"type": "string"},
        "parameter": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
        "severity": {"enum": ["error", "warning"]},
        "start": {"type": "integer"},
        "end": {"type": ["integer", "null"]},
    }
    members = {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"enum": [kind.code for kind in KINDS]},
        "hint": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "properties": error, "required": ["code", "detail"]}},
    }
    return {"type": "object", "properties": members, "required": ["type", "title", "status", "detail", "code"]}


def _result() -> dict[str, Any]:
    members = {
        "index": {"type": "integer"},
        "id": {"type": "integer"},
        "version": {"type": "integer"},
        "status": {"type": "integer"},
        "done": {"enum": ["created", "updated", "unchanged", "deleted"]},
        "problem": _ref("problem"),
    }
    return {"type": "object", "properties": members, "required": ["index", "status"]}


def _problem_answer(said: _Said) -> dict[str, Any]:
    return {"description": Text("拒绝的原因", "Why it was refused").of(said.locale), "content": {MEDIA: {"schema": _ref("problem")}}}
