"""Bodies and parameters of API requests, read strictly: the kind of content that was said, whole UTF-8, JSON without doubles, no unknown parameter."""

import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import Depends, Request

from server.errors import Invalid, Problem, Text
from server.features.web.edge import BadMedia
from server.features.web.problems import Malformed

JSON_TYPE, PATCH_TYPE, CSV_TYPE, LINES_TYPE = "application/json", "application/merge-patch+json", "text/csv", "application/jsonl"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Body:
    """What was sent: its kind and its bytes, and for JSON the value (numbers with a point as Decimal, so that no digit is lost)."""

    media: str
    raw: bytes
    value: Any = None


def body_of(*media: str) -> Callable[[Request], Coroutine[Any, Any, Body]]:
    async def read(request: Request) -> Body:
        sent = request.headers.get("content-type", "")
        kind, _, rest = sent.partition(";")
        kind = kind.strip().lower()
        if kind not in media or "charset=" in rest.lower().replace(" ", "") and "utf-8" not in rest.lower():
            wanted = ", ".join(media)
            raise BadMedia(Text(f"Content-Type 应为 {wanted}", f"Content-Type must be {wanted}"))
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise BadMedia(Text("不接受压缩的请求体", "Compressed bodies are not taken"))
        raw = await request.body()
        return Body(kind, raw, parsed(raw) if kind in {JSON_TYPE, PATCH_TYPE} else None)

    return read


JsonBody = Annotated[Body, Depends(body_of(JSON_TYPE))]
PatchBody = Annotated[Body, Depends(body_of(PATCH_TYPE))]


def parsed(raw: bytes) -> Any:
    """The JSON value. NaN and infinities, members that appear twice and broken UTF-8 are refused: each could be read in more than one way."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(Text(f"第 {error.start} 字节不是 UTF-8", f"Byte {error.start} is not UTF-8")) from None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Malformed(
            Text(f"不是 JSON：第 {error.lineno} 行第 {error.colno} 列", f"Is not JSON: line {error.lineno} column {error.colno}: {error.msg}")
        ) from None
    except RecursionError:
        raise Malformed(Text("嵌套太深", "Nested too deep")) from None
    except (ValueError, InvalidOperation):
        raise Malformed(Text("不是 JSON：数字无法读取", "Is not JSON: a number cannot be read")) from None


def _no_constant(name: str) -> Any:
    raise Malformed(Text(f"不是 JSON：{name} 不是数字", f"Is not JSON: {name} is not a number"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise Malformed(Text(f"成员“{twice}”出现两次", f"The member {twice!r} appears twice"))
    return found


def members(body: Body) -> Mapping[str, Any]:
    """The body as an object."""
    if not isinstance(body.value, dict):
        raise Invalid([Problem("", Text("应为 JSON 对象", "Must be a JSON object"), code="type")])
    return body.value


def parameters(request: Request, *known: str) -> Mapping[str, str]:
    """The query string; what is unknown or said twice is refused, because a misspelt filter would give everything."""
    problems, found = [], dict[str, str]()
    for name, value in request.query_params.multi_items():
        if name not in known:
            hint = Text(f"可用：{', '.join(known)}", f"Known: {', '.join(known)}") if known else None
            problems.append(Problem("?" + name, Text("没有这个参数", "There is no such parameter"), hint, code="unknown_parameter"))
        elif name in found:
            problems.append(Problem("?" + name, Text("参数出现两次", "The parameter appears twice"), code="twice"))
        found[name] = value
    if problems:
        raise Invalid(problems)
    return found


def count(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid([Problem("?" + name, Text(f"应为 1 到 {most} 的整数", f"Must be a whole number from 1 to {most}"), code="range")])
    return int(text)


def truth(given: Mapping[str, str], name: str, default: bool = False) -> bool:
    text = given.get(name, "")
    if text not in {"", "true", "false"}:
        raise Invalid([Problem("?" + name, Text("应为 true 或 false", "Must be true or false"), code="type")])
    return text == "true" if text else default


def names(given: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    """A list with commas; None when it was not said."""
    return tuple(dict.fromkeys(part.strip() for part in given[name].split(",") if part.strip())) if name in given else None


def one_of(given: Mapping[str, str], name: str, default: str, known: Iterable[str]) -> str:
    text = given.get(name, "") or default
    if text not in known:
        listed = ", ".join(known)
        raise Invalid([Problem("?" + name, Text(f"应为 {listed} 之一", f"Must be one of {listed}"), code="option")])
    return text
