"""Says how many disks were looked at, since that is what the power cuts are worth."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, count in report.user_properties:
            if name == "disks":
                terminalreporter.write_line(f"Power cuts: the gateway was started on {count} different disks")
