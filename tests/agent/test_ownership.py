"""Two gateways never share a ring buffer."""

from pathlib import Path

import pytest

from agent.domain.errors import StoreError
from agent.store.ownership import owned


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with owned(folder), pytest.raises(StoreError, match=f"another gateway runs with {folder}"), owned(folder):
        pass
    with owned(folder):
        pass


def test_where_nothing_can_be_written_the_gateway_runs_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file in the place of the folder")
    with owned(tmp_path / "state"):
        assert "running without a hold on it" in caplog.text
