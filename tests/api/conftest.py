"""The site of tests/admin_ui: the shipped template with a person of each role and a few records."""

from tests.admin_ui.conftest import bare_site, furnished, postgres_site, site

__all__ = ["bare_site", "furnished", "postgres_site", "site"]
