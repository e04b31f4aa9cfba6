"""What a form posted, as plain text by name; of inputs with one name the last counts, so that a ticked box overrules its hidden "false"."""

from collections.abc import Mapping

from fastapi import Request

MAX_FIELDS = 40_000  # the form of a large object document has thousands of inputs; the body limit holds before this


async def posted(request: Request) -> Mapping[str, str]:
    form = await request.form(max_fields=MAX_FIELDS, max_files=0)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def posted_lists(request: Request) -> Mapping[str, list[str]]:
    """For inputs that may be given more than once."""
    form = await request.form(max_fields=MAX_FIELDS, max_files=0)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
