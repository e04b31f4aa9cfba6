"""The system tables of all features: importing this module fills `metadata`. Adding tables: a feature's tables.py and its line here."""

from types import ModuleType

from server.config import tables as config
from server.features.access import tables as access
from server.features.alerts import tables as alerts
from server.features.assessment import tables as assessment
from server.features.audit import tables as audit
from server.features.comments import tables as comments
from server.features.duplicates import tables as duplicates
from server.features.files import tables as files
from server.features.forms import tables as forms
from server.features.imports import tables as imports
from server.features.notifications import tables as notifications
from server.features.records import tables as records
from server.features.reviews import tables as reviews
from server.features.strategies import tables as strategies
from server.features.web import tables as web
from server.features.workflows import tables as workflows
from server.jobs import tables as jobs
from server.storage.system import metadata

MODULES: tuple[ModuleType, ...] = (
    config,
    jobs,
    audit,
    access,
    web,
    files,
    records,
    notifications,
    comments,
    duplicates,
    forms,
    assessment,
    alerts,
    strategies,
    workflows,
    reviews,
    imports,
)

__all__ = ["MODULES", "metadata"]
