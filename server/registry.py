"""The list of features, lowest floor first. Adding one: its folder and its line here."""

from collections.abc import Mapping

from server.config.kind import Kind
from server.feature import Feature, Hooks
from server.features.access.feature import FEATURE as ACCESS
from server.features.alerts.feature import FEATURE as ALERTS
from server.features.assessment.feature import FEATURE as ASSESSMENT
from server.features.audit.feature import FEATURE as AUDIT
from server.features.calendars.feature import FEATURE as CALENDARS
from server.features.classification.feature import FEATURE as CLASSIFICATION
from server.features.comments.feature import FEATURE as COMMENTS
from server.features.duplicates.feature import FEATURE as DUPLICATES
from server.features.files.feature import FEATURE as FILES
from server.features.forms.feature import FEATURE as FORMS
from server.features.imports.feature import FEATURE as IMPORTS
from server.features.indicators.feature import FEATURE as INDICATORS
from server.features.matrix.feature import FEATURE as MATRIX
from server.features.notifications.feature import FEATURE as NOTIFICATIONS
from server.features.objects.feature import FEATURE as OBJECTS
from server.features.records.feature import FEATURE as RECORDS
from server.features.reports.feature import FEATURE as REPORTS
from server.features.reviews.feature import FEATURE as REVIEWS
from server.features.scoring.feature import FEATURE as SCORING
from server.features.strategies.feature import FEATURE as STRATEGIES
from server.features.web.feature import FEATURE as WEB
from server.features.workflows.feature import FEATURE as WORKFLOWS
from server.jobs.job import Job

FEATURES: tuple[Feature, ...] = (
    AUDIT,
    ACCESS,
    WEB,
    CALENDARS,
    OBJECTS,
    FILES,
    RECORDS,
    NOTIFICATIONS,
    COMMENTS,
    DUPLICATES,
    FORMS,
    INDICATORS,
    SCORING,
    CLASSIFICATION,
    MATRIX,
    ASSESSMENT,
    IMPORTS,
    ALERTS,
    STRATEGIES,
    WORKFLOWS,
    REVIEWS,
    REPORTS,
)

KINDS: Mapping[str, Kind] = {kind.key: kind for feature in FEATURES for kind in feature.kinds}

HOOKS = Hooks(
    on_saved=tuple(f.on_saved for f in FEATURES if f.on_saved),
    on_assessed=tuple(f.on_assessed for f in FEATURES if f.on_assessed),
    on_published=tuple(f.on_published for f in FEATURES if f.on_published),
    merge_objections=tuple(f.merge_objections for f in FEATURES if f.merge_objections),
    on_merged=tuple(f.on_merged for f in FEATURES if f.on_merged),
    on_noticed=tuple(f.on_noticed for f in FEATURES if f.on_noticed),
    on_tick=tuple(f.on_tick for f in FEATURES if f.on_tick),
)

JOBS: Mapping[str, Job] = {job.key: job for feature in FEATURES for job in feature.jobs}
