"""What more than one test here has to make first."""

import pytest

from tests.cloud_sync.timescale_world import migrated
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def gateways_template(postgres: Postgres) -> str:
    """A migrated database to be copied, which is quicker than to migrate again."""
    return migrated(postgres)
