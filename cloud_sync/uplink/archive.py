"""The archive: every record as daily compressed JSON Lines files in a folder, one folder a topic.

`sensor-readings/2026-11-23.jsonl.gz` and its neighbours can be read with `zcat` while they grow, and copied or
uploaded as they are. Each record is in them exactly once, whatever was interrupted: see `day_file`.
"""

import errno
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.uplink.archive_packing import ArchivePacking, by_day
from cloud_sync.uplink.day_file import DayFile, PackedRecords, make_folder
from cloud_sync.uplink.interfaces import Batching, Delivery, check_batching
from cloud_sync.uplink.own_thread import OwnThread
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.packing_help import PackingHelp

T = TypeVar("T")

_FOR_A_PERSON = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
}  # fmt: skip
_FILES_REMEMBERED = 4
_SUFFIX = ".jsonl.gz"
_CLOCK_PATIENCE_S = 6 * 3600.0  # no network tells when the clock could be set, and nobody waits for these files


class ArchiveSink:
    """Implements `Sink` on a folder of this machine."""

    @dataclass(frozen=True, slots=True)
    class Settings:
        """`folder` is made if it is missing.

        Readings wait up to `linger_s` seconds, so that one write holds many, at most `batch` of them. Nothing is
        written that would leave less than `leave_free_mb` (1 MB = 1,000,000 bytes) on the disk, which the ring buffer
        needs too. The newest `keep_days` files of each topic are kept; 0 keeps all. `level` is gzip's, 1 to 9.
        """

        folder: Path
        linger_s: float = 30.0
        batch: int = 1000
        leave_free_mb: int = 256
        keep_days: int = 0
        level: int = 6

        def __post_init__(self) -> None:
            check_batching(self.linger_s, self.batch)
            if not 1 <= self.level <= 9:
                raise ValueError(f"level must be between 1 (quick) and 9 (small), not {self.level}")
            if self.leave_free_mb < 0 or self.keep_days < 0:
                raise ValueError("leave_free_mb and keep_days cannot be negative; 0 switches them off")

    def __init__(self, settings: Settings, gateway_id: str) -> None:
        self._settings = settings
        self._files: dict[Path, DayFile] = {}
        packing = ArchivePacking(settings.level)
        self._packer = Packer(packing, "archive", PackingHelp(packing, "archive"))
        self._thread = OwnThread(f"{settings.folder}: the disk")

    @property
    def batching(self) -> Batching:
        return Batching(self._settings.batch, self._settings.linger_s, clock_patience_s=_CLOCK_PATIENCE_S, health=False)

    async def open(self) -> None:
        await self._on_disk(lambda: make_folder(self._settings.folder))

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        members = await self._packer.packed(batch)
        days = {
            Path(batch[0].topic, day + _SUFFIX): PackedRecords(records, members[day])
            for day, records in by_day(batch).items()
        }
        return Delivery(sent_bytes=await self._on_disk(lambda: self._append(days)))

    async def close(self) -> None:
        self._files.clear()
        await self._packer.close()

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            return await self._thread.run(work)
        except OSError as error:
            where = error.filename or self._settings.folder
            kind = SinkMisconfigured if error.errno in _FOR_A_PERSON else SinkUnavailable
            raise kind(f"{where}: {error.strerror}") from error

    def _append(self, days: dict[Path, PackedRecords]) -> int:
        """Returns how many bytes that took."""
        written = 0
        folder, least = self._settings.folder, self._settings.leave_free_mb
        if shutil.disk_usage(folder).free < least * 1_000_000:
            raise OSError(errno.ENOSPC, f"less than leave_free_mb = {least} MB are left on the disk", str(folder))
        for name, records in days.items():
            path = folder / name
            try:
                written += self._day_file(path).append(records)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error
        return written

    def _day_file(self, path: Path) -> DayFile:
        file = self._files.pop(path, None)
        if file is None:
            file = DayFile(path, self._settings.level)
            make_folder(path.parent)
            if not path.exists():
                self._make_room_for(path)
        while len(self._files) >= _FILES_REMEMBERED:
            del self._files[next(iter(self._files))]
        self._files[path] = file
        return file

    def _make_room_for(self, new: Path) -> None:
        """Delete older days than this, oldest first, while there are too many. A day that a wrong clock puts into the
        past deletes nothing: everything else is newer.
        """
        if not self._settings.keep_days:
            return
        days = sorted(new.parent.glob(f"????-??-??{_SUFFIX}"))
        older = [day for day in days if day.name < new.name]
        for path in older[: max(0, len(days) + 1 - self._settings.keep_days)]:
            path.unlink()
