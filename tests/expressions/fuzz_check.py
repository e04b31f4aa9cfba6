"""Random and hostile texts for the parser and the checker: none may raise, hang or be refused without a place. `make fuzz-check`.

    python -m tests.expressions.fuzz_check --seconds 600 --seed 1

Two ways, half the time each: texts of the corpus cut, joined and disturbed, and atheris (where it is installed), which looks for new paths.
Ends with 1 at the first finding, and prints the text.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from server.expressions.check import check
from server.expressions.compile import compile_python
from server.expressions.registry import FUNCTIONS
from tests.expressions.generate import SCOPE, Maker

try:
    import atheris
except ImportError:  # it has no build for every machine
    atheris = None

CASES = Path(__file__).parents[1] / "cases/expressions"
SLOWEST = 2.0  # seconds
KINDS = ("boolean", "number", "integer", "text", "date", "datetime")
PIECES = [
    *"()[]{}.,:;'\"\\#@`~!$^&|?=<>+-*/% \n\t\0",
    "**",
    "//",
    ":=",
    "==",
    "if ",
    " else ",
    " and ",
    " or ",
    "not ",
    " in ",
    " is ",
    "None",
    "True",
    "lambda ",
    "f'",
    "b'",
]
PIECES += [
    "for x in ",
    "await ",
    "yield ",
    "__class__",
    "\ufeff",
    "\ud800",
    "\u200b",
    "\u202e",
    "\xa0",
    "（",
    "，",
    "“",
    "é",
    "客户",
    "ｅ",
    "ﬁ",
    "0x",
    "1e999",
    "1_0",
    "9" * 400,
    "1j",
    "...",
]
PIECES += [*SCOPE.names, *FUNCTIONS]


def corpus() -> list[str]:
    found = [case["text"] for case in json.loads((CASES / "hostile.json").read_text("utf-8"))]
    for path in sorted(CASES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [row["expression"] for row in csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE) if row.get("expression")]
    return found + [source for function in FUNCTIONS.values() for source, _ in function.examples]


def finding(source: str) -> str:
    """What is wrong with how a text is answered; empty when nothing is."""
    began = time.perf_counter()
    checked, problems = check(source, SCOPE)
    if checked is not None:
        compile_python(checked)
    if time.perf_counter() - began > SLOWEST:
        return f"takes {time.perf_counter() - began:.1f} s"
    if (checked is None) is not bool(problems):
        return "is neither fine nor refused"
    for problem in problems:
        if problem.start is None or problem.end is None or not 0 <= problem.start <= problem.end <= max(len(source), 1):
            return f"is refused at no place: {problem}"
        if not (problem.code and problem.message.zh and problem.message.en):
            return f"is refused without a word: {problem}"
    return ""


def disturbed(texts: Sequence[str], chance: random.Random) -> str:
    source = chance.choice(texts) if chance.random() < 0.8 else Maker(chance.randrange).make(chance.choice(KINDS), 3)
    for _ in range(chance.randrange(1, 5)):
        at, until = sorted((chance.randrange(len(source) + 1), chance.randrange(len(source) + 1)))
        way = chance.randrange(6)
        if way == 0:
            source = source[:at] + source[until:]
        elif way == 1:
            source = source[:at] + chance.choice(PIECES) + source[at:]
        elif way == 2:
            source = source[:at] + chance.choice(texts) + source[until:]
        elif way == 3:
            source = source[:until] + source[at:until] * chance.choice((1, 2, 40)) + source[until:]
        elif way == 4:
            source = source[:at] + chr(chance.choice((chance.randrange(128), chance.randrange(0x3000), chance.randrange(0x110000)))) + source[at + 1 :]
        else:
            source = chance.choice("([-") * chance.choice((1, 30, 250)) + source
    return source[:6000]


def disturb(seconds: float, seed: int) -> int:
    """How many texts were tried."""
    chance, texts, until, tried = random.Random(seed), corpus(), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        _tried(disturbed(texts, chance))
        tried += 1
    return tried


def _tried(source: str) -> None:
    try:
        wrong = finding(source)
    except Exception as error:  # noqa: BLE001 whatever is raised is what we look for
        wrong = f"raises {error!r}"
    if wrong:
        print(f"{source!r} {wrong}", flush=True)
        raise SystemExit(1)


def guided(seconds: int) -> int:
    """Atheris ends the process it runs in: it gets one of its own."""
    command = [sys.executable, "-m", "tests.expressions.fuzz_check", "--guided", "--seconds", str(seconds)]
    return subprocess.run(command, check=False).returncode


def _guide(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="weatherglass-fuzz-") as folder:
        for number, source in enumerate(corpus()):
            (Path(folder) / str(number)).write_bytes(source.encode("utf-8", "surrogatepass"))
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], folder, f"-max_total_time={seconds}", "-max_len=2000", "-timeout=10", "-print_final_stats=1", "-verbosity=0"], _bytes)
        atheris.Fuzz()


def _bytes(data: bytes) -> None:
    _tried(data.decode("utf-8", "surrogateescape"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.expressions.fuzz_check")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="only atheris")
    chosen = parser.parse_args()
    if chosen.guided:
        _guide(chosen.seconds)
        return
    share = chosen.seconds if atheris is None else chosen.seconds // 2
    print(f"{disturb(share, chosen.seed):,} disturbed texts in {share} s: no finding", flush=True)
    if atheris is None:
        print("atheris is not installed: no guided search")
    elif guided(share):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
