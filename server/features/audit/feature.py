"""What the rest of the product knows of audit: every release stands in it."""

from server.config.catalog import Catalog
from server.feature import Feature, Work
from server.features.audit.service import record


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    changed = sorted(
        f"{kind}/{key}" for (kind, key), d in new.documents.items() if old.document(kind, key) is None or old.documents[kind, key].digest != d.digest
    )
    removed = sorted(f"{kind}/{key}" for kind, key in old.documents.keys() - new.documents.keys())
    shown = {"changed": changed[:200], "removed": removed[:200], "changed_count": len(changed), "removed_count": len(removed)}
    record(work, "publish", detail={"release": new.release, "before": old.release, **shown})


FEATURE = Feature("audit", on_published=on_published)
