"""What a form posted, as plain text by name; of inputs with one name the last counts, so that a ticked box overrules its hidden "false"."""

from collections.abc import Mapping

from admin_ui.edge import Form, texts


def posted(form: Form) -> Mapping[str, str]:
    return texts(form)


def posted_lists(form: Form) -> Mapping[str, list[str]]:
    """For inputs that may be given more than once."""
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
