"""A running gateway has no validator in its memory; what it gets is the same."""

import subprocess
import sys
from pathlib import Path

from agent import config

EXAMPLE = Path(__file__).parents[2] / "agent" / "config" / "example.toml"


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_gateway_comes_back_whole_and_the_validator_stays_away() -> None:
    code = """
import sys
from pathlib import Path
import agent.commands.run
from agent.config import load_apart
gateway = load_apart(Path(sys.argv[1]))
assert "pydantic" not in sys.modules
assert {alarm.source for alarm in gateway.alarms} >= set(gateway.checks), "sensors are compared by identity"
print(gateway)
"""
    done = run(code, EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(config.load(EXAMPLE))


def test_every_mistake_comes_back_too(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\nid = "a b"\n')
    done = run("import sys; from agent.__main__ import main; sys.exit(main(['run', sys.argv[1]]))", path)
    assert done.returncode == 2
    checked = run("import sys; from agent.__main__ import main; sys.exit(main(['check-config', sys.argv[1]]))", path)
    assert done.stderr == checked.stderr
    assert "gateway.id" in done.stderr
