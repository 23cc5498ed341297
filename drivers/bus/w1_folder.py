"""1-Wire through the kernel: a folder with a folder a thermometer, and in that the file `w1_slave`.

To read the file is to measure: the kernel orders the conversion, waits up to 750 ms and reads the scratchpad, so it is
read in a thread. The kernel cannot be interrupted; a read that takes longer than the timeout is nobody's value, and the
line carries no other before that one has ended.
"""

import asyncio
import errno
from pathlib import Path

from agent.domain.clock import Clock
from agent.domain.errors import BusError, NoReply
from agent.domain.farm import BusSettings, Folder
from drivers.bus.tap import Frame, Tap


class W1Folder:
    """A `OneWireBus`."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        if not isinstance(settings.port, Folder):
            raise TypeError(f"bus {settings.name}: 1-Wire needs a folder")
        self.name = settings.name
        self.quiet_s = settings.quiet_s
        self._folder = Path(settings.port.path)
        self._timeout_s = settings.timeout_s
        self._clock = clock
        self._tap = tap
        self._lock = asyncio.Lock()
        self._reading: asyncio.Future[str] | None = None

    async def open(self) -> None:
        if not self._folder.is_dir():
            raise BusError(
                f"{self._folder} is not there: is 1-Wire switched on (dtoverlay=w1-gpio in config.txt, then a restart)?"
            )

    async def close(self) -> None:
        """There is nothing to release."""

    async def measure(self, device: str) -> str:
        async with self._lock:
            await self.open()
            self._tell(True, device)
            try:
                text = await self._read(device)
                if not text.strip():
                    raise NoReply(f"no answer from {device} on {self._folder}")
            except (BusError, NoReply) as error:
                self._tell(False, "", str(error))
                raise
            self._tell(False, text)
            return text

    async def _read(self, device: str) -> str:
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=self._timeout_s)
            if not self._reading.done():
                raise NoReply(f"the kernel still measures on {self._folder}, longer than {self._timeout_s:g} s")
        reading = asyncio.get_running_loop().run_in_executor(None, (self._folder / device / "w1_slave").read_text)
        self._reading = reading
        # Nobody may be left to hear how a read ended that was given up.
        reading.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(reading)
        except TimeoutError:
            raise NoReply(f"no answer from {device} in {self._timeout_s:g} s on {self._folder}") from None
        except UnicodeDecodeError as error:
            raise NoReply(f"{device} on {self._folder} answers with what is not text") from error
        except OSError as error:
            raise self._not_read(device, error) from error

    def _not_read(self, device: str, error: OSError) -> BusError | NoReply:
        if error.errno == errno.EACCES:
            return BusError(f"{self._folder}/{device}/w1_slave may not be read by the gateway's user")
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            return NoReply(f"no answer from {device} on {self._folder}: {error.strerror}")
        there = sorted(found.name for found in self._folder.glob("28-*"))
        return NoReply(f"{device} is not on {self._folder}; there {'are ' + ', '.join(there) if there else 'is none'}")

    def _tell(self, sent: bool, text: str, objection: str | None = None) -> None:
        if self._tap is not None:
            self._tap(Frame(self._clock.boot_s(), sent, text.encode("utf-8"), objection))
