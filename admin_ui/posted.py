"""What a form posted, as plain text by name; of inputs with one name the last counts, so that a ticked box overrules its hidden "false"."""

from collections.abc import Mapping

from admin_ui.edge import Form, texts

LARGEST = 2**63 - 1  # what a database's whole number holds


def whole(text: str) -> int | None:
    """A count or a number of a record, as a form or an address says it; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= LARGEST else None


def posted(form: Form) -> Mapping[str, str]:
    return texts(form)


def posted_lists(form: Form) -> Mapping[str, list[str]]:
    """For inputs that may be given more than once."""
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
