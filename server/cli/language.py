"""The expression language from the shell: one expression, or a file of them, on any of the engines."""

import itertools
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.exc import SQLAlchemyError

from server.cli.shared import cannot_open, plain, refuse
from server.clock import now
from server.errors import Invalid, Problem, Text
from server.expressions.check import check
from server.expressions.checked import Checked
from server.expressions.explain import Trace, explain, sentence
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, TEXTS, At, Name, Scope, Type
from server.expressions.values import READERS
from server.settings import load
from server.storage.evaluation import Run, compiled, in_python, on_database
from server.storage.session import Database

app = typer.Typer()
TYPES: Mapping[str, Type] = {t.name: t for t in (INTEGER, NUMBER, TEXT, BOOLEAN, DATE, DATETIME, TEXTS)} | {"decimal": NUMBER}
GUESSES = 2_000  # how many ways the types of values that are all null are tried


class Backend(StrEnum):
    python = "python"
    compiled = "compiled"
    sqlite = "sqlite"
    postgres = "postgres"


@app.command("eval")
def evaluate_expressions(
    expr: Annotated[str, typer.Option(help="One expression.")] = "",
    values: Annotated[str, typer.Option(help='Its values as JSON: {"orders": 2, "customer": {"region": "east"}}.')] = "{}",
    types: Annotated[
        str, typer.Option(help='Types as JSON where the values do not say: {"due": "date"}. text integer number decimal boolean date datetime list.')
    ] = "{}",
    as_of: Annotated[str, typer.Option(help="The day or moment of evaluation, ISO 8601; none: now.")] = "",
    backend: Annotated[Backend, typer.Option(help="Which engine; they give the same.")] = Backend.compiled,
    database: Annotated[str, typer.Option(help="A PostgreSQL address for --backend postgres; WEATHERGLASS_DATABASE_URL otherwise.")] = "",
    explained: Annotated[bool, typer.Option("--explain", help="With the value of every part and a sentence.")] = False,
    jsonl: Annotated[Path | None, typer.Option(help='A file of lines {"id", "expr", "values", "types"?, "as_of"?}; - is standard input.')] = None,
) -> None:
    """Evaluates one expression, or one a line of a file; answers one line of JSON each. Exit code 1 when one had a problem."""
    if bool(expr) == (jsonl is not None):
        refuse("--expr 或 --jsonl 之一 / either --expr or --jsonl")
    zone, failed = load().zone, False
    with _engine(backend, database) as run:
        lines: Iterable[tuple[str, Callable[[], Any]]]
        if jsonl is None:
            one = {"expr": expr, "as_of": as_of}
            lines = [("", lambda: one | {"values": _json(values, "--values"), "types": _json(types, "--types")})]
        else:
            lines = _lines(jsonl)
        for place, read in lines:
            answer = _answer(place, read, run, zone, explained)
            failed = failed or not answer["ok"]
            sys.stdout.buffer.write(_written(answer))
        sys.stdout.buffer.flush()
    if failed:
        raise typer.Exit(1)


@contextmanager
def _engine(backend: Backend, address: str) -> Iterator[Run]:
    if backend in (Backend.python, Backend.compiled):
        yield in_python if backend is Backend.python else compiled
        return
    with tempfile.TemporaryDirectory() if backend is Backend.sqlite else nullcontext("") as folder:
        url = f"sqlite:///{folder}/eval.sqlite" if folder else address or load().database_url
        if not folder and not url.startswith("postgresql"):
            refuse("--database postgresql://... 或设置 WEATHERGLASS_DATABASE_URL / or set WEATHERGLASS_DATABASE_URL")
        database = Database(url)
        try:
            with ExitStack() as stack:
                try:
                    connection = stack.enter_context(database.read())
                except SQLAlchemyError as error:
                    raise cannot_open(error) from error
                yield on_database(connection)
        finally:
            database.close()


def _lines(file: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Line by line: a file of any length takes no more memory than its longest line."""
    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield f"line {number}", lambda line=line, number=number: _json(line, f"line {number}")  # type: ignore[misc]
    except OSError as error:
        refuse(f"{file}: {error.strerror}")


def _json(text: str | bytes, place: str) -> Any:
    try:
        found = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise Invalid([Problem(place, Text(f"不是 JSON：{error}", f"Is not JSON: {error}"), code="json")]) from error
    if not isinstance(found, dict):
        raise Invalid([Problem(place, Text("须为 JSON 对象 {...}", "Must be a JSON object {...}"), code="json")])
    return found


def _finite(word: str) -> float:
    if not math.isfinite(number := float(word)):
        raise ValueError(word)
    return number


def _written(answer: Mapping[str, Any]) -> bytes:
    """One line; Han as it is, half a surrogate pair (an id may be anything) escaped."""
    try:
        return (json.dumps(answer, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(answer, allow_nan=False) + "\n").encode()


def _answer(place: str, read: Callable[[], Any], run: Run, zone: ZoneInfo, explained: bool) -> dict[str, Any]:
    """Never raises on what a line says: a line that fails does not stop the others."""
    asked: dict[str, Any] = {}
    try:
        asked = read()
        at, source = _at(asked.get("as_of"), zone), asked.get("expr")
        if not isinstance(source, str):
            raise Invalid([Problem("/expr", Text("没有表达式", "There is no expression"), code="required")])
        values, kinds = _values(asked.get("values") or {}, asked.get("types") or {})
        checked = _checked(source, kinds)
        found: dict[str, Any] = {"id": asked.get("id"), "ok": True, "value": _shown(run(checked, values, at)), "type": str(checked.type)}
        if explained:
            found["sentence"] = {locale: sentence(checked, {}, values, locale, at) for locale in ("zh_CN", "en")}
            found["trace"] = _trace(explain(checked, values, at))
        return found
    except Invalid as refused:
        problems = [{k: v for k, v in plain(p).items() if v not in ("", None)} for p in refused.problems]
        return {"id": asked.get("id"), "ok": False, "problems": problems} | ({"at": place} if place else {})


def _at(text: Any, zone: ZoneInfo) -> At:
    if not text:
        return At(now(), zone)
    try:
        if isinstance(text, str) and len(text) == 10:
            return At.end_of(date.fromisoformat(text), zone)
        moment = datetime.fromisoformat(text)
        return At((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC), zone)
    except (ValueError, TypeError, OverflowError):
        raise Invalid([Problem("/as_of", Text(f"{text!r} 不是日期或时刻", f"{text!r} is not a day or a moment"), code="as_of")]) from None


def _values(given: Any, said: Any) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """Values by dotted name, and the type of each; "" where nothing tells it."""
    if not isinstance(given, dict) or not isinstance(said, dict):
        raise Invalid([Problem("/values", Text("values 和 types 须为对象", "values and types must be objects"), code="json")])
    flat, kinds = dict(_flat(given)), dict(_flat(said))
    problems = [
        Problem(f"/types/{name}", Text(f"没有类型 {kind}", f"There is no type {kind}"), Text(" ".join(TYPES), " ".join(TYPES)), code="unknown_type")
        for name, kind in kinds.items()
        if not isinstance(kind, str) or kind not in TYPES
    ]
    values: dict[str, Any] = {}
    for name in flat.keys() | kinds.keys():
        raw = flat.get(name)
        kind = kinds.setdefault(name, _inferred(raw))
        if raw is None or kind not in TYPES:
            values[name] = None
            continue
        values[name] = _read(kind, raw)
        if values[name] is None and raw != []:
            problems.append(Problem(f"/values/{name}", Text(f"{name} 的值不是 {kind}", f"The value of {name} is no {kind}"), code="value"))
    if problems:
        raise Invalid(problems)
    return values, tuple(sorted(kinds.items()))


def _flat(given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _inferred(value: Any) -> str:
    if value is None:
        return ""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "text")):
        if isinstance(value, kind):
            return name
    return "list"


def _read(kind: str, value: Any) -> Any:
    """The value as the language sees it; None for what is none of its type."""
    if kind == "decimal":
        try:
            return READERS["number"](float(Decimal(str(value))))
        except (InvalidOperation, OverflowError, ValueError):
            return None
    if kind in ("integer", "number") and isinstance(value, bool | str):
        return None
    if kind == "list" and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        return None
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(t, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in t) for t in texts):
        return None
    return READERS[TYPES[kind].name](value)


@lru_cache(maxsize=4096)
def _checked(source: str, kinds: tuple[tuple[str, str], ...]) -> Checked:
    """A name whose value is null and whose type nobody said may be of any type: the first that makes sense is taken."""
    unsaid = [name for name, kind in kinds if not kind]
    known = {name: kind for name, kind in kinds if kind}
    first: tuple[Problem, ...] = ()
    for guess in itertools.islice(itertools.product(list(TYPES)[:7], repeat=len(unsaid)), GUESSES):
        types = known | dict(zip(unsaid, guess, strict=True))
        checked, problems = check(source, Scope({name: Name(TYPES[kind]) for name, kind in types.items()}))
        if checked is not None:
            return checked
        first = first or problems
    raise Invalid(first)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _trace(trace: Trace) -> dict[str, Any]:
    found: dict[str, Any] = {"text": trace.text, "value": _shown(trace.value), "start": trace.start, "end": trace.end}
    if trace.cause:
        found["cause"] = {"zh_CN": trace.cause.zh, "en": trace.cause.en}
    return found | ({"parts": [_trace(part) for part in trace.children]} if trace.children else {})
