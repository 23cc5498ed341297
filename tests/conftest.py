"""What every test can rely on: skips that CI does not accept, and real services where they are asked for."""

import os

import pytest
from hypothesis import settings

from tests.services.fixtures import (  # noqa: F401
    kafka,
    mock_kafka,
    own_service,
    postgres,
    registry,
    secured_kafka,
    tahu,
    timescale,
)

# A busy machine is slow, not wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where AQUA_TESTS_MUST_NOT_SKIP is set (CI), a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("AQUA_TESTS_MUST_NOT_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not accept: {report.longrepr}"
    return report
