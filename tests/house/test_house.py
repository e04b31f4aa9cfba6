"""The house keeps its order: what a reader may rely on without looking."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from server.registry import FEATURES, KINDS
from server.settings import load
from tests.conftest import TOGETHER

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("server/**/*.py"), *ROOT.glob("admin_ui/**/*.py")])
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()


def _calls(tree: ast.AST) -> set[str]:
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


def test_inits_are_empty() -> None:
    assert [str(p) for p in SOURCES if p.name == "__init__.py" and p.read_text().strip()] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [str(p) for p in SOURCES if p.name != "__init__.py" and not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_every_kind_has_its_meta_schema() -> None:
    for key in KINDS:
        assert (ROOT / "schemas" / "meta" / f"{key}.schema.json").is_file(), f"kind {key} has no meta-schema"


def test_features_and_kinds_have_one_name_each() -> None:
    assert len({f.key for f in FEATURES}) == len(FEATURES)
    assert len(KINDS) == sum(len(f.kinds) for f in FEATURES)


def test_only_the_edge_commits() -> None:
    allowed = {"server/storage"}
    found = [str(p.relative_to(ROOT)) for p in SOURCES if re.search(r"\.commit\(\)", p.read_text())]
    assert [f for f in found if not any(f.startswith(a) for a in allowed)] == []


def test_only_settings_reads_the_environment() -> None:
    found = [str(p.relative_to(ROOT)) for p in SOURCES if re.search(r"os\.environ|getenv", p.read_text())]
    assert found == ["server/settings.py"]


def test_only_storage_knows_the_dialect() -> None:
    """Expressions compile per dialect through SQLAlchemy's own compiler hooks; nobody asks `dialect.name`."""
    found = [str(p.relative_to(ROOT)) for p in SOURCES if re.search(r"dialect\.name", p.read_text())]
    assert [f for f in found if not f.startswith(("server/storage/", "server/expressions/"))] == []


def test_what_a_module_of_tests_makes_once_is_made_once() -> None:
    """Its tests stay in one process: spread over several each would make it again."""
    owners = [str(p.relative_to(ROOT)) for p in ROOT.glob("tests/**/*.py") if re.search(r'fixture\(scope="module"', p.read_text())]
    assert [p for p in owners if not p.startswith(TOGETHER)] == []


def test_pages_hold_no_sql() -> None:
    found = [str(p.relative_to(ROOT)) for p in SOURCES if p.is_relative_to(ROOT / "admin_ui") and "import sqlalchemy" in p.read_text()]
    assert found == []


def test_no_evaluation_of_text_outside_the_language() -> None:
    for path in SOURCES:
        calls = _calls(ast.parse(path.read_text())) & {"eval", "exec", "compile", "__import__"}
        inside = path.is_relative_to(ROOT / "server/expressions")
        assert not calls or (inside and "eval" not in calls), f"{path}: {calls}"


def test_templates_are_escaped_and_scriptless() -> None:
    for path in ROOT.glob("admin_ui/templates/**/*.html"):
        text = path.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), f"{path}: unescaped output"
        assert not re.search(r"\son[a-z]+\s*=|hx-on|js:", text), f"{path}: inline handler"
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script, f"{path}: inline script"


def test_object_tables_are_not_in_migrations() -> None:
    for path in ROOT.glob("migrations/versions/*.py"):
        assert not re.search(r"[\"'][ox]_[a-z]", path.read_text()), path


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(SystemExit, match="WEATHERGLASS_PROT"):
        load({"WEATHERGLASS_PROT": "1"})
    with pytest.raises(SystemExit, match="WEATHERGLASS_PORT"):
        load({"WEATHERGLASS_PORT": "many"})


@pytest.mark.skipif(not TRACKED, reason="not a git checkout")
def test_text_files_are_plain() -> None:
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in {".py", ".json", ".md", ".toml", ".html"} and "vendor" not in path.parts and path.is_file():
            data = path.read_bytes()
            assert b"\r" not in data and not data.startswith(b"\xef\xbb\xbf"), f"{name}: line ends or byte order mark"
