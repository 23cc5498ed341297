"""A small ext4 of its own behind a loop device: it can be filled and torn out, and the kernel counts its writes."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_SECTOR = 512
_SECTORS_WRITTEN = 6  # the field of /sys/block/*/stat


class LoopDisk:
    """`with LoopDisk(image, path, size_mb) as disk:` mounts it at `path`, an empty folder; the image should lie in
    memory. Its journal is written every `journal_s` seconds (mount option `commit`). OSError where this user may not do
    that.
    """

    def __init__(self, image: Path, path: Path, size_mb: int, journal_s: int = 5) -> None:
        self.path = path
        self._options = f"noatime,commit={journal_s}"
        self._image = image
        self._size_mb = size_mb
        self._device = ""

    def __enter__(self) -> Self:
        with self._image.open("wb") as image:
            image.truncate(self._size_mb * 1_000_000 // 4096 * 4096)
        try:
            _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", self._image)
            self._device = _run("losetup", "--find", "--show", self._image)
            self.path.mkdir(exist_ok=True)
            self.plug()
        except OSError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._device:
            self.tear_out()
            _run("losetup", "--detach", self._device)
        self._image.unlink(missing_ok=True)

    def plug(self) -> None:
        _run("mount", "-o", self._options, self._device, self.path)

    def tear_out(self) -> None:
        """Gone from its path; a process that has files open on it goes on writing where nobody will look."""
        if self.path.is_mount():
            _run("umount", "--lazy", self.path)

    def fill(self) -> None:
        """To the last byte, with a file of somebody else's."""
        with (self.path / "ballast").open("wb", buffering=0) as ballast:
            for size in (65536, 1):
                try:
                    while ballast.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        (self.path / "ballast").unlink()

    def commit_journal(self) -> None:
        """What changed of names, sizes and times is in ext4's journal, as every `journal_s` by itself."""
        with (self.path / "tick").open("ab") as tick:
            os.utime(tick.fileno())
            os.fsync(tick.fileno())

    def written(self) -> int:
        """Bytes that have reached the device since it was made."""
        _run("sync", "--file-system", self.path)
        stat = Path("/sys/block", Path(self._device).name, "stat").read_text().split()
        return int(stat[_SECTORS_WRITTEN]) * _SECTOR


def may_loop(folder: Path) -> bool:
    """Whether this user may mount such a disk here."""
    try:
        with LoopDisk(folder / "trial.img", folder / "trial", 4):
            return True
    except OSError:
        return False


def _run(*command: str | Path) -> str:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.strip()
