"""The kind `role`: what its holders may do. What is not said is denied."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, title_of
from server.errors import Text

# What a role may do besides records; pages and services name these, a role document lists them.
CAPABILITIES: Mapping[str, Text] = {
    "desk": Text("工作台", "Desk"),
    "matrix": Text("查看风险矩阵", "See the risk matrix"),
    "alerts": Text("处理预警", "Handle alerts"),
    "tasks": Text("处理任务", "Handle tasks"),
    "reviews": Text("查看评估", "See reviews"),
    "sign": Text("签署评估", "Sign reviews"),
    "reports": Text("查看报告", "See reports"),
    "assess": Text("运行评估", "Run assessments"),
    "studio": Text("编辑配置", "Edit documents"),
    "publish": Text("发布与回滚", "Publish and roll back"),
    "people": Text("管理人员", "Manage people"),
    "audit": Text("查看审计", "See the audit"),
    "forms": Text("管理公开表单", "Manage public forms"),
}


@dataclass(frozen=True)
class Grant:
    """Rights on one object. Each of read, create, edit, delete is an expression over the record and `current_user`: "True", "False" or a condition."""

    read: str = "False"
    create: str = "False"
    edit: str = "False"
    delete: str = "False"
    hidden: tuple[str, ...] = ()  # fields that do not exist for this role
    readonly: tuple[str, ...] = ()
    unmasked: tuple[str, ...] = ()  # masked fields shown in full


@dataclass(frozen=True)
class Role:
    key: str
    title: Text
    grants: Mapping[str, Grant]  # object key, or "*" for every object not named
    capabilities: frozenset[str]


def parse(document: Document) -> Role:
    b = document.body
    return Role(
        document.key,
        title_of(b),
        {
            key: Grant(
                g.get("read", "False"),
                g.get("create", "False"),
                g.get("edit", "False"),
                g.get("delete", "False"),
                tuple(g.get("hidden", ())),
                tuple(g.get("readonly", ())),
                tuple(g.get("unmasked", ())),
            )
            for key, g in b.get("objects", {}).items()
        },
        frozenset(b.get("capabilities", ())),
    )


KIND = Kind("role", Text("角色", "Role"), "schemas/roles", parse)
