"""`make run`: the simulated farm and the gateway side by side, and the gateway's own view of them in this terminal.

Everything lives in var/farm of the current directory. The farm's and the gateway's configuration are copied there anew
every time; what the gateway stored stays, so a second run goes on where the first one ended.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_FARM = Path(__file__).parent / "farms" / "demo"
_FIRST_STATUS_WITHIN_S = 20.0
_ENDS_WITHIN_S = 5.0
_TAIL_LINES = 25


class Ended(Exception):
    """A process of the demonstration ended by itself."""


class Part:
    """One process of the demonstration, writing to a log of its own."""

    def __init__(self, name: str, folder: Path, arguments: Sequence[str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            # a session of its own: Ctrl-C reaches this program alone, which then ends the parts in order
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent", *arguments], stdout=log, stderr=log, start_new_session=True
            )

    def check(self) -> None:
        """Raises Ended, with the end of the log."""
        status = self._process.poll()
        if status is not None:
            tail = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
            raise Ended("\n".join([f"{self.name} ended with status {status}; the end of {self.log}:", *tail]))

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def main() -> int:
    """Exit status: 0 interrupted, 1 a part ended by itself."""
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path("var") / "farm"
    _prepare(folder)
    parts: list[Part] = []
    try:
        _run(folder, parts)
    except KeyboardInterrupt:
        return 0
    except Ended as ended:
        print(ended, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave processes behind
        for part in reversed(parts):
            part.end()
        print(f"\nStopped. Configuration, readings and logs are in {folder}/; `make run` goes on with them.")
    return 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source in _FARM.iterdir():
        if source.is_file():
            copied = shutil.copy(source, folder)
            if source.suffix == ".secret":
                Path(copied).chmod(0o600)  # a checkout knows no private files, and the gateway refuses any other
    print(f"{folder}/: configuration copied anew; changes made there last until the next start", flush=True)


def _run(folder: Path, parts: list[Part]) -> None:
    farm, config = str(folder / "farm.toml"), str(folder / "gateway.toml")
    parts.append(Part("simulate", folder, ["simulate", farm]))
    _wait_until_served(parts[0])
    parts.append(Part("run", folder, ["run", config]))
    _wait_for_status(config, parts)
    view = subprocess.Popen([sys.executable, "-m", "agent", "status", config, "--follow"], start_new_session=True)
    try:
        while view.poll() is None:
            time.sleep(0.2)
            for part in parts:
                part.check()
    finally:
        if view.poll() is None:
            view.send_signal(signal.SIGINT)
            try:
                view.wait(2)
            except subprocess.TimeoutExpired:
                view.kill()
                view.wait()


def _wait_until_served(farm: Part) -> None:
    while not farm.log.read_bytes():
        farm.check()
        time.sleep(0.05)


def _wait_for_status(config: str, parts: Sequence[Part]) -> None:
    until = time.monotonic() + _FIRST_STATUS_WITHIN_S
    while time.monotonic() < until:
        for part in parts:
            part.check()
        asked = subprocess.run([sys.executable, "-m", "agent", "status", config], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.2)
    raise Ended(f"the gateway tells no status after {_FIRST_STATUS_WITHIN_S:.0f} s; see {parts[-1].log}")


if __name__ == "__main__":
    sys.exit(main())
