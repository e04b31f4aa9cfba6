"""Files of records: uploaded one by one while a form is filled in, and given out to those who may see them."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile

from admin_ui.area import Area
from admin_ui.edge import BadMedia, reading, writing
from admin_ui.render import fragment
from server.errors import AppError, NotFound, Text
from server.features.files import service as files
from server.features.files.limits import limits_of
from server.fields.file import IMAGES
from server.settings import Settings
from server.storage.blobs import CONTENT, THUMBS, BlobStore

router = APIRouter(include_in_schema=False)
# Whatever a file is: nothing in it runs, loads or frames anything.
HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox", "cache-control": "private, no-cache"}
NO_THUMB = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="#d3d9db"/></svg>'  # too large to be drawn small


async def read_upload(request: Request) -> UploadFile:
    """The one file of an upload; it is on disk, not in memory, when it is large."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise BadMedia(Text("这里只接受上传的文件", "Only an uploaded file is accepted here"))
    form = await request.form(max_files=1, max_fields=4)
    found = form.get("file")
    if not isinstance(found, UploadFile):
        raise AppError(Text("没有收到文件", "No file came"))
    return found


@router.post("/files/upload/{object_key}/{field_key}", response_class=HTMLResponse)
def upload(request: Request, object_key: str, field_key: str, sent: Annotated[UploadFile, Depends(read_upload)]) -> HTMLResponse:
    """Keeps a file for the form being filled in; the answer is its line in the form."""
    settings: Settings = request.app.state.settings
    limits = limits_of(settings)
    with reading(request) as work:
        field = files.may_upload(work, object_key, field_key, limits)
    taken = files.receive(request.app.state.files, sent.filename or "", sent.file, field, limits)
    with writing(request) as work:
        files.may_upload(work, object_key, field_key, limits)
        ref = files.enter(work, object_key, taken, limits)
        return fragment(request, work, "parts/file_added.html", ref=ref, key=request.query_params.get("as", field_key)[:200])


@router.get("/files/{file_id}")
def download(request: Request, file_id: str) -> Response:
    return _served(request, file_id, CONTENT)


@router.get("/files/{file_id}/thumb")
def thumb(request: Request, file_id: str) -> Response:
    return _served(request, file_id, THUMBS)


def _served(request: Request, file_id: str, kind: str) -> Response:
    """Pictures are shown, everything else is saved. Asked for again, the right to see it is asked again, and the bytes stay where they are."""
    with reading(request) as work:
        found = files.stored(work, file_id)
    store: BlobStore = request.app.state.files
    if kind == THUMBS and not found.thumb:
        return Response(NO_THUMB, media_type="image/svg+xml", headers=HEADERS)
    if not store.has(found.digest, kind):
        raise NotFound(Text("文件内容不在存储里，请告诉管理员", "The file's content is not in the store; tell an administrator"))
    tag = f'"{found.digest[:32]}{kind[0]}"'
    media = "image/webp" if kind == THUMBS else found.ref.type
    shown = "inline" if media in IMAGES else "attachment"
    headers = {**HEADERS, "etag": tag, "content-disposition": f"{shown}; filename*=UTF-8''{quote(found.ref.name, safe='')}"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    path = store.path(found.digest, kind)
    if path is not None:
        return FileResponse(path, media_type=media, headers=headers)  # answers ranges too
    return StreamingResponse(store.chunks(found.digest, kind), media_type=media, headers=headers)


AREA = Area(router, body_limits={"/files/upload": "upload_limit"})
