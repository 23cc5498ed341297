"""The same for a text probe: an EZO pH circuit on a UART on which bytes get lost, late, twice and mixed up.

Text has no checksum: a digit that turned into another digit is a value, and nothing on the wire can tell. Everything
else is no value. A copy comes at once; there is no gateway on a UART.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.domain.reading import Missing
from drivers.bus.serial_text import TextLine
from drivers.probes.atlas_ezo import _SETTING_WITHIN_S, EZO_PROFILES
from tests.lies.trial import QUIET_S, TIMEOUT_S, Tally
from tests.lies.virtual_time import LoopClock

_PH = EZO_PROFILES[0]
_COPY_WITHIN_S = 0.05
_SAYS = {b"Status": b"?Status,P,5.038\r", b"Slope,?": b"?Slope,99.7,100.3,-0.89\r"}


class TextLiar:
    """The circuit; `ph` is what it measures in this transaction."""

    def __init__(self, random: Random, share: float) -> None:
        self.ph = 7.0
        self.done: list[str] = []
        self.on_the_way = 0
        self._random = random
        self._share = share
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._faults: dict[str, Callable[[bytes], list[tuple[float, bytes]]]] = {
            "silence": lambda answer: [],
            "late": lambda answer: [(self._given_s + random.uniform(0, 0.99 * QUIET_S), answer)],
            "twice": lambda answer: [
                (self._soon_s, answer),
                (self._soon_s + random.uniform(0, _COPY_WITHIN_S), answer),
            ],
            "refused": lambda answer: [(self._soon_s, b"*ER\r")],
            "other command": lambda answer: [(self._soon_s, b"?Cal,3\r*OK\r")],
            "echoed": lambda answer: [(0.0, self._question), (self._soon_s, answer)],
            "torn": self._torn,
            "merged": lambda answer: [(self._soon_s, b"%.3f\r" % (self.ph - 1) + answer)],
            "merged behind": lambda answer: [(self._soon_s, answer.replace(b"*OK", b"%.3f\r*OK" % (self.ph - 1)))],
            "no line end": lambda answer: [(self._soon_s, answer.replace(b"\r", b"", 1))],
            "damaged": self._damaged,
            "noise": self._noise,
        }

    def port(self, *args: object, **kwargs: object) -> SimpleNamespace:
        """In the place of serial.Serial."""
        asyncio.get_running_loop().add_reader(self._near.fileno(), self._hear)
        return SimpleNamespace(fileno=self._far.fileno, close=lambda: None)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._near.fileno())
        self._near.close()
        self._far.close()

    def _hear(self) -> None:
        for question in os.read(self._near.fileno(), 1024).split(b"\r")[:-1]:
            self._question = question + b"\r"
            self._given_s = _PH.answer_within_s if question == b"R" else _SETTING_WITHIN_S
            says = b"%.3f\r" % self.ph if question == b"R" else _SAYS.get(question, b"")
            self._answer(says + b"*OK\r")

    def _answer(self, answer: bytes) -> None:
        self._soon_s = self._random.uniform(0.1, 0.9)
        fault = self._random.choice(list(self._faults)) if self._random.random() < self._share else ""
        if fault.startswith("merged") and self._question != b"R\r":
            fault = ""  # only a reading can be taken for a reading
        self.done.append(fault)
        for after_s, data in self._faults[fault](answer) if fault else [(self._soon_s, answer)]:
            self.on_the_way += 1
            asyncio.get_running_loop().call_later(after_s, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        self.on_the_way -= 1
        self._near.send(data)

    def _torn(self, answer: bytes) -> list[tuple[float, bytes]]:
        at = self._random.randrange(1, answer.index(b"\r") + 1)
        rest = [(self._soon_s + self._random.uniform(0, QUIET_S), answer[at:])]
        return [(self._soon_s, answer[:at]), *(rest if self._random.random() < 0.5 else [])]

    def _damaged(self, answer: bytes) -> list[tuple[float, bytes]]:
        raw = bytearray(answer)
        raw[self._random.randrange(len(raw))] = self._random.choice(b"\x00\x07\x80\xb7\xff_eEnNx,+")
        return [(self._soon_s, bytes(raw))]

    def _noise(self, answer: bytes) -> list[tuple[float, bytes]]:
        noise = bytes(self._random.choice(b"\x00\x07\x80\xb7\xff\r\nx?") for _ in range(self._random.randint(1, 12)))
        at = self._random.randrange(len(answer) + 1)
        return self._random.choice(
            [
                [(self._soon_s, noise + answer)],
                [(self._soon_s, answer + noise)],
                [(self._soon_s, answer[:at] + noise + answer[at:])],
                [(0.0, noise), (self._soon_s, answer)],
            ]
        )


async def text_trial(protocol: Protocol, transactions: int, seed: int, share: float = 0.2) -> Tally:
    """`transactions` readings of one circuit, a `share` of whose answers is tampered with: after a failure it is asked
    five other things before the reading.
    """
    random, tally = Random(seed), Tally()
    liar = TextLiar(random, share)
    settings = BusSettings("lab", protocol, SerialLine("liar"), TIMEOUT_S, QUIET_S)
    with patch("serial.Serial", liar.port):
        line = TextLine(settings, LoopClock())
        driver = _PH.driver(line, 0)
        for transaction in range(transactions):
            liar.ph, liar.done = 3 + transaction % 1009 * 0.01, []
            undisturbed = liar.on_the_way == 0
            try:
                value = (await driver.read())["ph"]
                outcome = "Missing" if isinstance(value, Missing) else "value"
                if value != float(f"{liar.ph:.3f}"):
                    tally.lies.append(f"{transaction}: {liar.done}: {value} instead of {liar.ph:.3f}")
            except (NoReply, BadReply, BusError) as error:
                outcome = type(error).__name__
                if undisturbed and not any(liar.done):
                    tally.deaf.append(f"{transaction}: {error}")
            tally.outcomes[outcome] += 1
            tally.faults.update(fault for fault in liar.done if fault)
            await asyncio.sleep(random.uniform(2 * _COPY_WITHIN_S, 1))
        await line.close()
    liar.close()
    return tally
