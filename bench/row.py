"""One line of the table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    ours: float
    reference: float
    unit: str

    @property
    def ratio(self) -> float:
        return self.ours / self.reference

    def data(self) -> dict[str, object]:
        return {"name": self.name, "ours": self.ours, "reference": self.reference, "ratio": round(self.ratio, 3), "unit": self.unit}
