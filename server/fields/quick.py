"""The short way to read a value: what most entries of a field look like, as Python expressions for a function that is generated once an object.

A quick way is sure or silent: where its test holds, its value is what `parse` gives; everything else goes through `parse`. tests/fields compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Quick:
    """`test` and `value`: expressions over `{r}`, the raw value, and over `{name}` for each of `names`. A ValueError counts as a test that fails."""

    test: str
    value: str
    names: Mapping[str, Any] = field(default_factory=dict)

    def written(self, raw: str, prefix: str) -> tuple[str, str, dict[str, Any]]:
        """Test and value with names of their own, and what these names mean."""
        own = {name: f"{prefix}_{name}" for name in self.names}
        return self.test.format(r=raw, **own), self.value.format(r=raw, **own), {own[name]: value for name, value in self.names.items()}
