"""The list of page areas. Adding one: its file in pages/ and its line here; its place in the menu is told by its links."""

from admin_ui.area import Area
from admin_ui.pages.alerts import AREA as ALERTS
from admin_ui.pages.api import AREA as API
from admin_ui.pages.boards import AREA as BOARDS
from admin_ui.pages.bulk import AREA as BULK
from admin_ui.pages.channels import AREA as CHANNELS
from admin_ui.pages.comments import AREA as COMMENTS
from admin_ui.pages.deleted import AREA as DELETED
from admin_ui.pages.departments import AREA as DEPARTMENTS
from admin_ui.pages.desk import AREA as DESK
from admin_ui.pages.document import AREA as DOCUMENT
from admin_ui.pages.exports import AREA as EXPORTS
from admin_ui.pages.expressions import AREA as EXPRESSIONS
from admin_ui.pages.files import AREA as FILES
from admin_ui.pages.form_links import AREA as FORM_LINKS
from admin_ui.pages.help import AREA as HELP
from admin_ui.pages.imports import AREA as IMPORTS
from admin_ui.pages.jobs import AREA as JOBS
from admin_ui.pages.lists import AREA as LISTS
from admin_ui.pages.login import AREA as LOGIN
from admin_ui.pages.matrix import AREA as MATRIX
from admin_ui.pages.merging import AREA as MERGING
from admin_ui.pages.notifications import AREA as NOTIFICATIONS
from admin_ui.pages.printing import AREA as PRINTING
from admin_ui.pages.public_forms import AREA as PUBLIC_FORMS
from admin_ui.pages.record import AREA as RECORD
from admin_ui.pages.record_forms import AREA as RECORD_FORMS
from admin_ui.pages.records import AREA as RECORDS
from admin_ui.pages.releases import AREA as RELEASES
from admin_ui.pages.reports import AREA as REPORTS
from admin_ui.pages.reviews import AREA as REVIEWS
from admin_ui.pages.rows import AREA as ROWS
from admin_ui.pages.schema_import import AREA as SCHEMA_IMPORT
from admin_ui.pages.settings import AREA as SETTINGS
from admin_ui.pages.setup import AREA as SETUP
from admin_ui.pages.simulate import AREA as SIMULATE
from admin_ui.pages.studio import AREA as STUDIO
from admin_ui.pages.tasks import AREA as TASKS
from admin_ui.pages.views import AREA as VIEWS
from admin_ui.pages.workflows import AREA as WORKFLOWS

PAGES: tuple[Area, ...] = (
    SETUP,
    LOGIN,
    DESK,
    NOTIFICATIONS,
    RECORDS,
    RECORD,
    COMMENTS,
    DELETED,
    MERGING,
    LISTS,
    ROWS,
    BULK,
    BOARDS,
    VIEWS,
    RECORD_FORMS,
    EXPORTS,
    FILES,
    PRINTING,
    IMPORTS,
    WORKFLOWS,
    ALERTS,
    TASKS,
    MATRIX,
    REVIEWS,
    REPORTS,
    STUDIO,
    DOCUMENT,
    RELEASES,
    SCHEMA_IMPORT,
    SIMULATE,
    EXPRESSIONS,
    HELP,
    API,
    SETTINGS,
    DEPARTMENTS,
    CHANNELS,
    FORM_LINKS,
    PUBLIC_FORMS,
    JOBS,
)
