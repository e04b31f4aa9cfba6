"""The help page of the API: how a script signs in, each call as a command that can be copied, the fields of each object, what refusals mean."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area
from admin_ui.edge import reading
from admin_ui.render import page
from server.errors import Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.kind import ObjectType
from server.features.records import describing
from server.features.web.problems import KINDS, PREFIX

router = APIRouter(prefix="/help", include_in_schema=False)
AREA = Area(router)
SAMPLES: Mapping[str, Any] = {"integer": 1, "number": 12.5, "boolean": True, "array": []}
KIND_WORDS: Mapping[str, Text] = {
    "string": Text("文本", "text"),
    "integer": Text("整数", "whole number"),
    "number": Text("数字", "number"),
    "boolean": Text("true 或 false", "true or false"),
    "array": Text("数组", "array"),
    "object": Text("对象", "object"),
}

VALUES: tuple[tuple[Text, Text], ...] = (
    (
        Text("文本", "Text"),
        Text(
            "首尾空白去掉，空的存为 null；存为 NFC；控制字符（多行文本的换行和制表符除外）和残缺字符拒绝；长度按字符数。",
            "White space at both ends is taken off, empty is null; kept as NFC; controls (but tab and new line in long text) and half characters are refused;"
            " lengths count characters.",
        ),
    ),
    (
        Text("数字", "Numbers"),
        Text(
            'ASCII 数字和一个小数点；千分位、下划线、全角数字、NaN 和无穷拒绝。JSON 里 12.0 和 1e3 是整数，true 和 "12" 不是。'
            "小数位多了拒绝，不四舍五入；小数字段以文本给出，可用文本或数字写入。",
            "ASCII digits and one point; thousands separators, underscores, full-width digits, NaN and infinities are refused. In JSON 12.0 and 1e3 are whole"
            ' numbers, true and "12" are none. Too many decimals are refused, never rounded; decimals are given as text and taken as text or number.',
        ),
    ),
    (
        Text("日期与时间", "Days and times"),
        Text(
            "日期写 2024-01-05；时刻写 2024-01-05T08:30:00+08:00，存 UTC。JSON 必须带时区；表单和导入没写时区时按组织的时区："
            "夏令时跳过的时刻按跳之前的时差，重复的时刻取第一个。",
            "A day is 2024-01-05; an instant 2024-01-05T08:30:00+08:00, kept in UTC. JSON must say the offset; a form or import without one means the"
            " organisation's zone: a time the clock skipped has the offset before the change, one it passed twice is the first.",
        ),
    ),
)


@router.get("/api", response_class=HTMLResponse)
def api_page(request: Request, object: str = "") -> HTMLResponse:
    with reading(request) as work:
        objects = [o for o in work.catalog.all("object") if access.allowed(work, o.key, "read")]
        shown = sorted(objects, key=lambda o: (o.menu == 0, o.menu))
        chosen = next((o for o in shown if o.key == object), shown[0] if shown else None)
        context: dict[str, Any] = {
            "objects": shown,
            "chosen": chosen,
            "kinds": KINDS,
            "values": VALUES,
            "commands": _commands(work, chosen, str(request.base_url).rstrip("/")) if chosen else [],
            "fields": _fields(work, chosen) if chosen else [],
            "site": str(request.base_url).rstrip("/"),
            "username": work.actor.username,
        }
        return page(request, work, "pages/help_api.html", **context)


def _commands(work: Work, object_type: ObjectType, site: str) -> list[tuple[Text, str]]:
    """(what it does, the command), in the order one meets them."""
    records = f"{site}{PREFIX}/objects/{object_type.key}/records"
    base = records.removesuffix("/records")
    change = describing.schema_of(work, object_type, "change")["properties"]
    one = object_type.name_field if object_type.name_field in change else next(iter(change), "name")
    patch = json.dumps({one: _value(change[one]) if one in change else None}, ensure_ascii=False)
    make = json.dumps(_sample(describing.schema_of(work, object_type, "create")), ensure_ascii=False)
    unique = next((f.key for f in object_type.fields.values() if f.unique), "id")
    search = next((f.key for f in object_type.fields.values() if f.options and not f.mask), "")
    filter = f"{search} == '{object_type.fields[search].options[0].key}'" if search else "id > 0"
    curl = "curl -b jar"
    return [
        (
            Text("列表：筛选、排序、取几个字段", "List: filter, sort, some fields"),
            f'{curl} -G {records} --data-urlencode "filter={filter}" -d sort=-updated_at -d limit=20',
        ),
        (Text("一条记录；-i 显示 ETag", "One record; -i shows its ETag"), f"{curl} -i {records}/1"),
        (
            Text("新建；同一个 Idempotency-Key 重发只建一条", "Create; sent again with one Idempotency-Key it makes one record"),
            f"{curl} {records} -H 'Content-Type: application/json' -H 'Idempotency-Key: 4f1c' -d '{make}'",
        ),
        (
            Text("修改；If-Match 是读到的 ETag，别人先改了就返回 412", "Change; If-Match is the ETag one read, 412 when somebody was first"),
            f"{curl} -X PATCH {records}/1 -H 'Content-Type: application/merge-patch+json' -H 'If-Match: \"1\"' -d '{patch}'",
        ),
        (Text("删除", "Delete"), f"{curl} -X DELETE {records}/1 -H 'If-Match: \"2\"'"),
        (
            Text("一次写多条，各有结果", "Write many at once, each with its result"),
            f"{curl} {records}:bulk -H 'Content-Type: application/json' -d '"
            + json.dumps({"operations": [{"op": "delete", "id": 1, "version": 2}], "atomic": False})
            + "'",
        ),
        (Text("谁在何时改了什么", "Who changed what when"), f"{curl} {records}/1/history"),
        (Text("导出整个列表", "Export a whole list"), f'{curl} -G {base}/export -d format=xlsx --data-urlencode "filter={filter}" -o {object_type.key}.xlsx'),
        (
            Text("导入 CSV、XLSX 或 JSON 行", "Import CSV, XLSX or JSON lines"),
            f"{curl} '{base}/import?key={unique}&dry_run=true' -H 'Content-Type: text/csv' --data-binary @{object_type.key}.csv",
        ),
        (Text("对象的 JSON Schema", "The object's JSON Schema"), f"{curl} '{base}/schema?use=create'"),
    ]


def _sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(schema["properties"][key]) for key in schema.get("required", ())}


def _value(spec: Mapping[str, Any]) -> Any:
    kind = spec["type"][0] if isinstance(spec["type"], list) else spec["type"]
    if "enum" in spec:
        return spec["enum"][0]
    if kind == "string":
        return {"date": "2026-01-31", "date-time": "2026-01-31T08:30:00Z"}.get(spec.get("format", ""), "100" if "pattern" in spec else "…")
    return spec.get("minimum", SAMPLES.get(kind))


def _fields(work: Work, object_type: ObjectType) -> list[dict[str, Any]]:
    """The rows of the table of fields."""
    record = describing.schema_of(work, object_type, "record")["properties"]
    required = set(describing.schema_of(work, object_type, "create").get("required", ()))
    return [
        {
            "key": key,
            "title": spec["title"],
            "kind": _kind(spec),
            "required": key in required,
            "readonly": spec.get("readOnly", False),
            "masked": spec.get("x-masked", False),
            "words": [v for v in spec.get("enum", spec.get("items", {}).get("enum", ())) if v is not None],
            "unit": spec.get("x-unit", ""),
            "reference": spec.get("x-reference", ""),
        }
        for key, spec in record.items()
        if key != "$results"
    ]


def _kind(spec: Mapping[str, Any]) -> Text:
    kind = spec["type"][0] if isinstance(spec["type"], list) else spec["type"]
    if spec.get("format") in {"date", "date-time"}:
        return Text("日期", "date") if spec["format"] == "date" else Text("时刻", "instant")
    if "pattern" in spec:
        return Text("小数（文本）", "decimal, as text")
    return KIND_WORDS[kind]
