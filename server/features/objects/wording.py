"""Values in sentences: messages of alerts, reasons of scores. Plain: numbers in groups of three digits and
without zeros at the end, options by their titles."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from server.config.catalog import Catalog
from server.errors import Text
from server.features.objects import results
from server.features.objects.kind import ObjectType

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
Options = Mapping[str, Mapping[str, Text]]  # name -> option key -> title


def placeholders(text: Text) -> frozenset[str]:
    return frozenset(name.strip() for side in text for name in PLACEHOLDER.findall(side))


def filled(text: Text, values: Mapping[str, Any], options: Options, own: Mapping[str, Text] | None = None) -> Text:
    """`{name}` replaced by its value, or by one of `own`, which are words already."""

    def side(source: str, locale: str) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1].strip()
            return own[name].of(locale) if own and name in own else plain(values.get(name), options.get(name, {}), locale)

        return PLACEHOLDER.sub(found, source)

    return Text(side(text.zh, "zh_CN"), side(text.en, "en"))


def plain(value: Any, options: Mapping[str, Text], locale: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return (Text("是", "yes") if value else Text("否", "no")).of(locale)
    if isinstance(value, float | Decimal):
        return plain_number(float(value))
    if isinstance(value, list):
        return ("、" if locale.startswith("zh") else ", ").join(plain(v, options, locale) for v in value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return options[value].of(locale) if value in options else str(value)


def plain_number(value: float) -> str:
    text = f"{value:,.6f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:,.0f}"
    return "0" if text == "-0" else text


def option_titles(catalog: Catalog, object_key: str, names: Iterable[str]) -> Options:
    """The titles of the options of choices, classes and levels."""
    object_type: ObjectType = catalog.get("object", object_key)
    given = results.names(catalog, object_key)
    found: dict[str, Mapping[str, Text]] = {}
    for name in names:
        if name in given:
            found[name] = dict(given[name].options)
        elif name in object_type.fields:
            found[name] = {o.key: o.title for o in object_type.fields[name].options}
    return found
