"""Records of any object: search over everything, records to choose from."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area
from admin_ui.edge import reading
from admin_ui.render import fragment, page
from server.errors import NotFound, Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.kind import ObjectType
from server.features.records import service as records

router = APIRouter(include_in_schema=False)
FOUND_EACH = 6  # hits of the search over everything, for each object


def object_of(work: Work, key: str) -> ObjectType:
    """The object, when this person may read it at all; otherwise there is none."""
    found: ObjectType | None = work.catalog.get("object", key)
    if found is None or not access.allowed(work, key, "read"):
        raise NotFound(Text("没有这个对象，或无权查看", "There is no such object, or you may not see it"))
    return found


@router.get("/search", response_class=HTMLResponse)
def search(request: Request, q: str = "") -> HTMLResponse:
    with reading(request) as work:
        found = []
        text = q.strip()[:200]
        if text:
            shown = [o for o in work.catalog.all("object") if access.allowed(work, o.key, "read") and (o.search_fields or o.menu)]
            for object_type in sorted(shown, key=lambda o: (o.menu == 0, o.menu)):
                columns = tuple(dict.fromkeys([*object_type.search_fields, *object_type.list_columns]))[:4]
                hits = records.query(work, object_type.key, search=text, columns=[c for c in columns if c in object_type.fields], limit=FOUND_EACH, count=False)
                if hits.rows:
                    found.append((object_type, hits))
        return page(request, work, "pages/search.html", q=text, found=found)


@router.get("/o/{object_key}/options", response_class=HTMLResponse)
def options(request: Request, object_key: str, into: str = "", nested: bool = False) -> HTMLResponse:
    """Records to choose from, for the reference picker: `q` is what was typed. `nested`: asked from the form of a quick create."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        text = request.query_params.get("_q_" + into, "").strip()[:200]
        found = records.options(work, object_key, text)
        may_create = not nested and into != "bv" and access.allowed(work, object_key, "create")
        return fragment(request, work, "parts/options.html", found=found, into=into, object_type=object_type, q=text, may_create=may_create)


AREA = Area(router)
