"""A piece of generated Python: source that may be evaluated only where none of the variables it needs is null."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.expressions import limits
from server.expressions.function import BASE, Size


@dataclass(frozen=True)
class Part:
    """The value is null where one of `needs` is null, and what `code` says elsewhere.

    `atom`: a variable or a constant, free to be mentioned twice. `whole`: an int that stands for a number (Python computes with both alike).
    `size`: how small and how large a number can be here, which is less than the checker had to think of.
    `height`: how deep brackets are nested. `held`: source that is true exactly when the value is, also where `needs` are null.
    """

    code: str
    needs: tuple[str, ...] = ()
    atom: bool = False
    whole: bool = False
    height: int = 0
    held: str = ""
    size: Size = BASE

    @property
    def sure(self) -> bool:
        """It cannot be null."""
        return not self.needs and self.code != "None"

    @property
    def inner(self) -> str:
        """As operand of something larger."""
        return self.code if self.atom else f"({self.code})"

    @property
    def value(self) -> str:
        """With its nulls."""
        if self.needs in ((), (self.code,)):
            return self.code
        return f"None if {self.missing} else {self.inner}"

    @property
    def missing(self) -> str:
        return " or ".join(f"{name} is None" for name in self.needs)

    def decided(self, wanted: bool) -> str:
        """Source that is true exactly when the value is the wanted one of true and false."""
        if self.code == "None":
            return "False"
        if wanted and (self.held or self.needs in ((), (self.code,))):
            return self.held or self.inner
        if self.needs == (self.code,):
            return f"{self.code} is False"
        test = self.inner if wanted else f"not {self.inner}"
        return " and ".join([*(f"{name} is not None" for name in self.needs), test])


NULL = Part("None", atom=True)
ANY_INTEGER = Size(1, limits.INTEGER + 1)


def widest(parts: Iterable[Part]) -> Size:
    sizes = [p.size for p in parts if p is not NULL]
    return Size(min(s.small for s in sizes), max(s.large for s in sizes)) if sizes else BASE


def union(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.needs))


def higher(parts: Sequence[Part]) -> int:
    return 1 + max((p.height for p in parts), default=0)
