"""A 1-Wire line as the kernel shows it: a folder with a folder a thermometer, and in that the file `w1_slave`.

The kernel measures when the file is read; here it is written anew several times a second.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from simulators.twins.ds18b20 import Ds18b20Twin

_EVERY_S = 0.1


class W1Folder:
    """The tree below `folder`, which is made by `plug` and taken away by `unplug`."""

    def __init__(self, folder: Path, twins: Sequence[Ds18b20Twin] = ()) -> None:
        self.folder = folder
        self.twins = list(twins)
        self._writing: asyncio.Task[None] | None = None

    @property
    def link(self) -> Path:
        return self.folder

    async def plug(self) -> None:
        if self._writing is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write()
            self._writing = asyncio.get_running_loop().create_task(self._run())

    async def unplug(self) -> None:
        if self._writing is None:
            return
        self._writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writing
        self._writing = None
        for twin in self.twins:
            shutil.rmtree(self.folder / twin.unit, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            self._write()

    def _write(self) -> None:
        for twin in self.twins:
            place = self.folder / twin.unit
            if twin.faults.amount("unplug"):
                shutil.rmtree(place, ignore_errors=True)
                continue
            place.mkdir(exist_ok=True)
            fresh = place / ".w1_slave"
            fresh.write_text(twin.w1_slave(), encoding="ascii")
            fresh.replace(place / "w1_slave")
