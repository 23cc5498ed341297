"""Whether a Pi can install without a compiler: `python -m tests.wheels [LOCK …]`.

For every Python that is supported pip resolves every package of the lock to a wheel for 64-bit ARM Linux, checks its
hash against the lock, and installs nothing; the lock's markers are judged by the Python that runs this. Ends with
status 1 and pip's own words when one is missing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
# glibc of Debian 12, on which Raspberry Pi OS is built: 2.36
_PLATFORMS = (*(f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)), "manylinux2014_aarch64")


def wheels(lock: Path, python: str) -> list[str]:
    """The names of the wheels. Raises RuntimeError with what pip says."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run",
            "--ignore-installed", "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation", "cp",
            "--python-version", python, *(f"--platform={name}" for name in _PLATFORMS),
            "--target", folder, "--report", str(report), "-r", str(lock),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{lock}, Python {python} on aarch64: {done.stderr.strip()}")
        installed = json.loads(report.read_text())["install"]
    return [found["download_info"]["url"].rpartition("/")[2] for found in installed]


def main() -> int:
    status = 0
    for lock in [Path(name) for name in sys.argv[1:]] or [Path("requirements.lock")]:
        for python in PYTHONS:
            try:
                found = wheels(lock, python)
            except RuntimeError as error:
                print(error, file=sys.stderr)
                status = 1
            else:
                compiled = [name for name in found if not name.endswith("-any.whl")]
                print(f"{lock}, Python {python}: {len(found)} wheels for aarch64; compiled: {', '.join(compiled)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
