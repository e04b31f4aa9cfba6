"""Documents from files: strict JSON, with a clear word about everything that is not."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.config.document import Document
from server.config.names import pointer, shown
from server.errors import Problem, Text
from server.settings import data_folder

MAX_BYTES = 1_048_576  # of one document
MAX_DEPTH = 32
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def load_folder(*paths: Path) -> tuple[list[Document], list[Problem]]:
    """All documents below the folders (or in the files) given; meta-schemas are left out."""
    documents: dict[tuple[str, str], Document] = {}
    problems: list[Problem] = []
    for path in paths:
        if not path.exists():
            problems.append(Problem("", Text("没有这个文件夹或文件", "There is no such folder or file"), file=str(path), code="no_file"))
            continue
        for file in _files(path):
            document, found = load_file(file)
            problems += found
            if document is None:
                continue
            first = documents.setdefault((document.kind, document.key), document)
            if first is not document:
                name = f"{document.kind} “{document.key}”"
                message = Text(f"{name} 已在 {first.file} 中定义", f"{name} is defined in {first.file} already")
                problems.append(Problem("/key", message, file=str(file), code="duplicate_document"))
    return list(documents.values()), problems


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*.json")):
        inner = file.relative_to(path).parts
        if not file.name.endswith(".schema.json") and "meta" not in inner[:-1] and not any(p.startswith(".") for p in inner) and file.is_file():
            yield file


def load_file(file: Path) -> tuple[Document | None, list[Problem]]:
    name = str(file)
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        return None, [Problem("", Text(f"无法读取：{error.strerror}", f"cannot be read: {error.strerror}"), file=name, code="unreadable")]
    if size > MAX_BYTES:
        return None, [Problem("", _too_large(size), file=name, code="too_large")]
    if data.startswith(b"\xef\xbb\xbf"):
        message = Text("文件以字节顺序标记（BOM）开头", "The file begins with a byte order mark")
        return None, [Problem("", message, Text("请另存为不带 BOM 的 UTF-8", "Save it as UTF-8 without BOM"), file=name, code="bom")]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = Text(f"第 {line} 行不是 UTF-8 编码", f"Line {line} is not UTF-8")
        return None, [Problem("", message, Text("请把文件另存为 UTF-8 编码", "Save the file as UTF-8"), file=name, code="encoding")]
    return read_document(text, name)


def _too_large(size: int) -> Text:
    return Text(f"文件有 {size:,} 字节，一份文档最多 {MAX_BYTES:,} 字节", f"The file has {size:,} bytes; a document may have {MAX_BYTES:,}")


def read_document(text: str, file: str = "") -> tuple[Document | None, list[Problem]]:
    """One document from JSON text. Without problems there is a document."""
    body, problems = read_json(text, file)
    if problems:
        return None, problems
    if not isinstance(body, dict):
        return None, [Problem("", Text("文档必须是一个 JSON 对象 {…}", "A document must be a JSON object {…}"), file=file, code="not_an_object")]
    for member in ("kind", "key"):
        if not isinstance(body.get(member), str) or not body[member]:
            message = Text(f"缺少 “{member}”", f"“{member}” is missing")
            example = '"kind": "object", "key": "customer"'
            problems.append(Problem(pointer(member), message, Text("例如 " + example, "For example " + example), file=file, code="required"))
    return (None, problems) if problems else (Document(body["kind"], body["key"], body, file), [])


class _Refused(ValueError):
    def __init__(self, message: Text, code: str) -> None:
        super().__init__(message.en)
        self.message = message
        self.code = code


def read_json(text: str, file: str = "") -> tuple[Any, list[Problem]]:
    """JSON as the standard has it and nothing more: no NaN, no doubled members, no control characters, no bottomless nesting."""
    if len(text) > MAX_BYTES:
        return None, [Problem("", _too_large(len(text.encode("utf-8", "replace"))), file=file, code="too_large")]
    doubled: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            doubled.append("")
        return value

    try:
        value = json.loads(text, object_pairs_hook=members, parse_constant=_constant, parse_int=_integer, parse_float=_number)
    except json.JSONDecodeError as error:
        message = Text(f"第 {error.lineno} 行第 {error.colno} 列不是正确的 JSON", f"Not JSON at line {error.lineno}, column {error.colno}: {error.msg}")
        return None, [Problem("", message, _syntax_hint(text, error), file=file, start=error.pos, end=error.pos + 1, code="json")]
    except _Refused as error:
        return None, [Problem("", error.message, file=file, code=error.code)]
    except RecursionError:
        return None, [Problem("", _too_deep(), file=file, code="too_deep")]
    if doubled:
        return None, [
            Problem(
                path,
                Text(f"第 {line} 行：“{shown(name)}” 在同一个对象里出现了两次", f"Line {line}: “{shown(name)}” stands twice in one object"),
                Text("删去其中一个，或改名", "Remove one of them or rename it"),
                file=file,
                code="duplicate_member",
            )
            for path, name, line in _doubled(text)
        ]
    return value, list(_bad_values(value, file))


def _syntax_hint(text: str, error: json.JSONDecodeError) -> Text | None:
    before = text[: error.pos].rstrip()
    if not text.strip():
        return Text("文件是空的", "The file is empty")
    if text[error.pos : error.pos + 1] == "'":
        return Text("JSON 使用双引号", "JSON uses double quotes")
    if text[error.pos : error.pos + 1] in {"/", "#"}:
        return Text("JSON 没有注释", "JSON has no comments")
    if before.endswith(",") and text[error.pos : error.pos + 1] in {"}", "]"}:
        return Text("最后一项后面不能有逗号", "No comma after the last item")
    if "delimiter" in error.msg:
        return Text("可能缺少逗号或冒号", "A comma or colon may be missing")
    return None


def _too_deep() -> Text:
    return Text(f"嵌套太深，最多 {MAX_DEPTH} 层", f"Nested too deep, {MAX_DEPTH} levels at most")


def _constant(name: str) -> Any:
    raise _Refused(Text(f"{name} 不是 JSON 的数", f"{name} is not a number of JSON"), "not_a_number")


def _integer(text: str) -> int:
    if len(text) > 19 or abs(int(text)) >= 2**63:
        raise _Refused(Text(f"整数 {shown(text, 24)} 超出 64 位", f"The integer {shown(text, 24)} does not fit 64 bits"), "number_range")
    return int(text)


def _number(text: str) -> float | int:
    """12.0 and 1e3 are whole numbers."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Refused(Text(f"数 {shown(text, 24)} 太大", f"The number {shown(text, 24)} is too large"), "number_range")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _bad_values(root: Any, file: str) -> Iterator[Problem]:
    """Text that no database and no page can hold, and nesting that no reader can follow."""
    todo: list[tuple[tuple[object, ...], Any]] = [((), root)]
    while todo:
        path, value = todo.pop()
        if len(path) > MAX_DEPTH:
            yield Problem(pointer(*path), _too_deep(), file=file, code="too_deep")
            return
        if isinstance(value, dict):
            for name, inner in value.items():
                if _CONTROL.search(name):
                    yield _control(pointer(*path, shown(name)), file)
                todo.append(((*path, name), inner))
        elif isinstance(value, list):
            todo += [((*path, i), inner) for i, inner in enumerate(value)]
        elif isinstance(value, str) and _CONTROL.search(value):
            yield _control(pointer(*(shown(p) for p in path)), file)


def _control(path: str, file: str) -> Problem:
    return Problem(path, Text("文本含有控制字符或不完整的字符", "The text has control characters or half a character"), file=file, code="control_character")


def _doubled(text: str) -> Iterator[tuple[str, str, int]]:
    """Where members stand twice: (JSON pointer, name, line). The text is well-formed: it was read before."""
    stack: list[tuple[dict[str, int] | None, list[object]]] = []  # members seen (None in a list), path with the current member last
    key: str | None = None
    previous = ""
    for match in _TOKEN.finditer(text):
        token = match[0]
        seen, path = stack[-1] if stack else (None, [])
        if token in "{[":
            stack.append(({} if token == "{" else None, [*path, 0] if token == "[" else [*path, ""]))
        elif token in "}]":
            stack.pop()
        elif token == "," and seen is None and path:
            path[-1] = int(str(path[-1])) + 1
        elif token == ":" and seen is not None and key is not None:
            path[-1] = key
            if key in seen:
                yield pointer(*path), key, text.count("\n", 0, match.start()) + 1
            seen[key] = 1
        elif token.startswith('"') and seen is not None and previous in "{,":
            key = json.loads(token)
        previous = token


def as_document(kind: str, key: str, body: Mapping[str, Any] | str, file: str = "") -> tuple[Document | None, list[Problem]]:
    """A document that came from a page: text or a value, of a kind and key that are fixed."""
    try:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    except (RecursionError, ValueError):
        return None, [Problem("", _too_deep(), file=file, code="too_deep")]
    document, problems = read_document(text, file)
    if document and (document.kind, document.key) != (kind, key):
        message = Text(f"这里只能保存 {kind} “{key}”", f"Only {kind} “{key}” can be saved here")
        hint = Text("改键请用“另存为”：它会成为一份新文档", "For another key make a new document")
        return None, [Problem("/key", message, hint, file=file, code="wrong_key")]
    return document, problems


def template_folders(folder: str = "") -> tuple[Path, ...]:
    """Where the documents of a first start come from: the folder given by the settings, or the template that ships with the product."""
    return (Path(folder),) if folder else (data_folder("schemas"), data_folder("workflows"))
