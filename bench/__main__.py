"""`make bench`: what the product costs beside another way of doing the same work, measured in one run.

Prints a table and appends one JSON line a row to var/bench.jsonl: {"name", "ours", "reference", "ratio", "unit"}. All of it takes most of an hour; to see
that every part works, a few minutes: make bench ARGS="--customers 2000 --orders 20000 --listed 20000 --rounds 1".
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import exports, imports, language, lists, pages, population, saves, web
from bench.row import Row
from bench.setup import postgres

PARTS = ("language", "population", "lists", "pages", "web", "imports", "saves", "during")
LARGE = ("memory", "exports")  # only when asked for


def rows(folder: Path, parts: Sequence[str], customers: int, orders: int, listed: int, rounds: int) -> Iterator[Row]:
    if "language" in parts:
        yield from language.rows(rounds)
    if "population" in parts:
        yield from _population(folder, customers, orders, rounds)
    if "lists" in parts:
        yield from _lists(folder, listed)
    if "pages" in parts:
        yield from pages.rows(folder, rounds)
    if "web" in parts:
        yield from web.rows(folder, 10_000, rounds)
    if "imports" in parts:
        yield from imports.rows(folder, customers // 2, rounds)
    if "saves" in parts:
        yield from saves.rows(folder, rounds)
    if "during" in parts:
        yield from saves.during(folder, customers // 2, rounds)
    if "memory" in parts:
        yield from imports.memory(folder, 10 * customers)
    if "exports" in parts:
        yield from exports.memory(folder, listed)


def _population(folder: Path, customers: int, orders: int, rounds: int) -> Iterator[Row]:
    with postgres(folder) as server:
        yield from population.rows(folder, server, customers, orders, rounds)


def _lists(folder: Path, customers: int) -> Iterator[Row]:
    inside = folder / "lists"
    inside.mkdir()
    with postgres(inside) as server:
        yield from lists.rows(inside, server, customers)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--listed", type=int, default=1_000_000, help="customers behind the lists")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("parts", nargs="*", help=f"only these of {', '.join((*PARTS, *LARGE))}")
    chosen = parser.parse_args()
    console = Console(stderr=True)
    table = Table("name", "ours", "reference", "ratio", "unit", title="ours beside the reference; smaller is better")
    out = Path("var/bench.jsonl")
    out.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weatherglass-bench-") as name, out.open("a", encoding="utf-8") as lines:
        for row in rows(Path(name), chosen.parts or PARTS, chosen.customers, chosen.orders, chosen.listed, chosen.rounds):
            lines.write(json.dumps(row.data(), ensure_ascii=False) + "\n")
            console.print(f"{row.name}: {row.ratio:.2f} x")
            table.add_row(row.name, f"{row.ours:.4g}", f"{row.reference:.4g}", f"{row.ratio:.2f}", row.unit)
    Console().print(table)


main()
