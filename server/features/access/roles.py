"""What the roles of the actor allow besides records."""

from server.errors import Forbidden, Text
from server.feature import Work
from server.features.access.kind import CAPABILITIES


def may(work: Work, capability: str) -> bool:
    if work.actor.is_system:
        return True
    roles = (work.catalog.get("role", key) for key in work.actor.roles)
    return any(capability in role.capabilities for role in roles if role is not None)


def require(work: Work, capability: str) -> None:
    if not may(work, capability):
        title = CAPABILITIES.get(capability, Text(capability, capability))
        raise Forbidden(Text(f"没有权限:{title.zh}", f"You may not: {title.en}"))
