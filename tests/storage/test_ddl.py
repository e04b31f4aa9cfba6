"""The plan from one set of tables to another, and names that fit."""

import sqlalchemy as sa

from server.storage import ddl
from server.storage.ddl import AddColumn, CreateIndex, CreateTable, DropIndex, RenameColumn, RenameTable


def table(name: str, *columns: str, refers: dict[str, str] | None = None, unique: str = "", indexed: str = "") -> sa.Table:
    keys = {c: [sa.ForeignKey(f"{t}.id")] for c, t in (refers or {}).items()}
    made = sa.Table(
        name,
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("deleted_at", sa.DateTime),
        *(sa.Column(c, sa.Integer if c in keys or c.startswith("n") else sa.Text, *keys.get(c, [])) for c in columns),
    )
    if unique:
        sa.Index(f"uq_{name}_{unique}", made.c[unique], unique=True, sqlite_where=made.c.deleted_at.is_(None))
    if indexed:
        sa.Index(f"ix_{name}_{indexed}", made.c[indexed])
    return made


def said(steps: list[ddl.Step]) -> list[str]:
    out = []
    for step in steps:
        match step:
            case CreateTable(made, later):
                out.append(f"create {made.name} without {sorted(later)}")
            case RenameTable(name, to):
                out.append(f"rename {name} to {to}")
            case AddColumn(name, column):
                out.append(f"add {name}.{column.name}")
            case RenameColumn(name, column_name, to):
                out.append(f"rename {name}.{column_name} to {to}")
            case CreateIndex(name, index):
                out.append(f"index {index.name}")
            case DropIndex(name, index_name):
                out.append(f"drop {index_name}")
    return out


def test_nothing_to_do_is_no_step() -> None:
    assert ddl.plan([table("o_a", "x", unique="x")], [table("o_a", "x", unique="x")], 2) == []


def test_columns_come_and_go() -> None:
    steps = ddl.plan([table("o_a", "x", "y", unique="x")], [table("o_a", "y", "z", indexed="z")], 7)
    assert said(steps) == ["drop uq_o_a_x", "rename o_a.x to x__gone_7", "add o_a.z", "index ix_o_a_z"]


def test_a_column_of_another_type_is_another_column() -> None:
    steps = ddl.plan([table("o_a", "x", "n", indexed="n")], [_with_text("n")], 3)
    assert said(steps) == ["drop ix_o_a_n", "rename o_a.n to n__gone_3", "add o_a.n", "index ix_o_a_n"]


def _with_text(name: str) -> sa.Table:
    columns = (sa.Column("id", sa.Integer, primary_key=True), sa.Column("deleted_at", sa.DateTime), sa.Column("x", sa.Text), sa.Column(name, sa.Text))
    made = sa.Table("o_a", sa.MetaData(), *columns)
    sa.Index(f"ix_o_a_{name}", made.c[name])
    return made


def test_a_reference_to_another_table_is_another_column() -> None:
    old, new = table("o_a", "b", refers={"b": "o_b"}), table("o_a", "b", refers={"b": "o_c"})
    assert said(ddl.plan([old, table("o_b"), table("o_c")], [new, table("o_b"), table("o_c")], 3)) == ["rename o_a.b to b__gone_3", "add o_a.b"]


def test_tables_go_with_their_indexes_before_others_come() -> None:
    steps = ddl.plan([table("o_a", "x", unique="x")], [table("o_b")], 3)
    assert said(steps) == ["drop uq_o_a_x", "rename o_a to o_a__gone_3", "create o_b without []"]


def test_parents_are_made_first_and_circles_are_closed_afterwards() -> None:
    c, b = table("o_c", "b", refers={"b": "o_b"}), table("o_b", "a", refers={"a": "o_a"})
    a = table("o_a", "b", "a", refers={"b": "o_b", "a": "o_a"}, indexed="b")
    assert said(ddl.plan([], [c, b, a], 1)) == [
        "create o_c without ['b']",
        "create o_b without ['a']",
        "create o_a without []",
        "add o_c.b",
        "add o_b.a",
        "index ix_o_a_b",
    ]
    assert said(ddl.plan([], [c, table("o_b")], 1)) == ["create o_b without []", "create o_c without []"]


def test_names_are_cut_where_the_database_would_cut_them_and_stay_apart() -> None:
    assert ddl.short("x__gone_1") == "x__gone_1"
    long = [ddl.short("客" * 20 + f"__gone_{i}") for i in (10, 11)]
    assert len(set(long)) == 2 and all(len(n.encode()) <= 63 for n in long)
