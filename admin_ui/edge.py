"""What pages share of a request: htmx, where one goes next, and what a form posted. Who asks and the unit of work come from below."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from server.errors import Text
from server.features.web.edge import (
    LOCALE_COOKIE,
    Asked,
    BadMedia,
    Id,
    ReleaseNumber,
    anonymous,
    as_system,
    locale_of,
    reading,
    session_cookie,
    token_of,
    writing,
)
from server.features.web.problems import Malformed

__all__ = [
    "DAYS_KEPT",
    "LOCALE_COOKIE",
    "Asked",
    "BadMedia",
    "Form",
    "Id",
    "ReleaseNumber",
    "anonymous",
    "as_system",
    "is_htmx",
    "is_partial",
    "local_path",
    "locale_of",
    "only",
    "read_form",
    "reading",
    "session_cookie",
    "texts",
    "to",
    "token_of",
    "writing",
]
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_FIELDS, FORM_FILES = 20_000, 0  # the form of a large object document has thousands of small inputs; the body limit holds before this
DAYS_KEPT = 7


def is_partial(request: Request) -> bool:
    """htmx asks for a part of a page."""
    return request.headers.get("hx-request-type") == "partial"


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def to(request: Request, path: str) -> Response:
    """After a write: look at the result."""
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def local_path(path: str, default: str = "/") -> str:
    """A path inside this site, or the default: nobody is sent elsewhere after signing in."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(c < " " or c == "\\" for c in path):
        return default
    return path


async def read_form(request: Request) -> FormData:
    """The posted form. Other kinds of bodies are refused before they are read."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media and media not in FORM_TYPES:
        raise BadMedia(Text("只接受表单数据", "Only form data is accepted here"))
    if media == FORM_TYPES[0]:
        return FormData(_pairs(await request.body()))
    return await request.form(max_fields=FORM_FIELDS, max_files=FORM_FILES)


def _pairs(body: bytes) -> list[tuple[str, str | UploadFile]]:
    """Read at once: a parser that is fed piece by piece takes five times as long. Bytes that are no UTF-8 are refused, not replaced."""
    try:
        return [*parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)]
    except UnicodeDecodeError:
        raise Malformed(Text("表单不是 UTF-8 文本，没有保存", "The form is not UTF-8 text; nothing was saved")) from None
    except ValueError:
        raise Malformed(Text(f"表单超过 {FORM_FIELDS} 个字段，没有保存", f"The form has more than {FORM_FIELDS} fields; nothing was saved")) from None


async def read_upload(request: Request) -> FormData:
    """A posted form with one file. Its route has a body limit of its own (`Area.body_limits`)."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != "multipart/form-data":
        raise BadMedia(Text("这里要上传文件", "A file is to be uploaded here"))
    return await request.form(max_fields=20, max_files=1)


Form = Annotated[FormData, Depends(read_form)]
Upload = Annotated[FormData, Depends(read_upload)]


def texts(form: FormData) -> dict[str, str]:
    """The form as text, the last of each name."""
    return {key: value for key, value in form.items() if isinstance(value, str)}


def only(form: FormData, *names: str) -> Mapping[str, Any]:
    """Some members of a form; what was not sent is empty."""
    values = texts(form)
    return {name: values.get(name, "") for name in names}
