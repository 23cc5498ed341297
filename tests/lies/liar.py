"""A Modbus twin at the end of a line on which everything goes wrong that a wire or a gateway can do to bytes.

Each register holds something else in every transaction, so that an answer of any other time or question is told from
the right one. What comes late comes within `timeout_s` and `quiet_s` of its question, and a copy within `quiet_s` of
the first: that is what these two settings promise to cover. Damage is what a CRC-16 always sees (a burst of 16 bits at
most): of any other, one in 65,536 gets through, and nothing on the wire can tell.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from simulators.frames import MbapSplitter, Request, RtuSplitter, mbap_frame, rtu_frame


class Later(NamedTuple):
    """What goes on the wire, in seconds from now; in pieces, `gap_s` apart."""

    after_s: float
    pieces: tuple[bytes, ...]
    gap_s: float = 0.002


class Asked(NamedTuple):
    """A read, as the twin understood it."""

    unit: int
    function: int
    address: int
    registers: int


class Liar:
    """Answers reads; `faults` counts what was done to them. `transaction` is set by whoever asks."""

    def __init__(self, rtu: bool, random: Random, timeout_s: float, quiet_s: float, share: float) -> None:
        self.transaction = 0
        self.on_the_way = 0
        self.done: list[str] = []
        """What was done to the answers of this transaction."""
        self.send: Callable[[bytes], None] = lambda data: None
        self._rtu = rtu
        self._random = random
        self._timeout_s, self._quiet_s, self._share = timeout_s, quiet_s, share
        self._whole_at = 0.0
        self._asking = False
        """Whether a question is still without any answer."""
        self.forget()
        self._before: tuple[float, bytes] = (-1.0, b"")
        """The last answer that went out untouched: when, and its bytes without transaction id."""
        self._faults = [
            self._silence,
            self._late,
            self._twice,
            self._again_instead,
            self._other_unit,
            self._other_function,
            self._other_length,
            self._over_long,
            self._torn,
            self._merged,
            self._damaged,
            self._refused,
        ]
        self._faults += [self._echoed, self._noise] if rtu else [self._other_transaction, self._target_silent]

    def held(self, asked: Asked) -> tuple[int, ...]:
        """What the registers hold in this transaction."""
        return tuple(
            hash((asked.unit, asked.function, address, self.transaction)) & 0xFFFF
            for address in range(asked.address, asked.address + asked.registers)
        )

    def hear(self, data: bytes) -> None:
        for request in self._splitter.feed(data):
            first, count = int.from_bytes(request.pdu[1:3], "big"), int.from_bytes(request.pdu[3:5], "big")
            self._answer(data, request, Asked(request.unit, request.pdu[0], first, count))

    def forget(self) -> None:
        """The connection is gone, and with it what was half heard."""
        self._splitter: RtuSplitter | MbapSplitter = RtuSplitter() if self._rtu else MbapSplitter()

    def _answer(self, question: bytes, request: Request, asked: Asked) -> None:
        self._question, self._request, self._asked, self._asking = question, request, asked, True
        self._after_s = self._random.uniform(0.001, 0.5 * self._timeout_s)
        answer = self._frame(asked, self.held(asked))
        if self._random.random() < self._share:
            fault = self._random.choice(self._faults)
            self.done.append(fault.__name__.strip("_"))
            deliveries = fault(answer)
        else:
            self.done.append("")
            deliveries = [self._now(answer)]
            self._before = (asyncio.get_running_loop().time() + self._after_s, answer if self._rtu else answer[2:])
        for later in deliveries:
            self.on_the_way += len(later.pieces)
            asyncio.get_running_loop().call_later(later.after_s, self._arrive, later)

    def _arrive(self, later: Later) -> None:
        loop = asyncio.get_running_loop()
        if not self._rtu and loop.time() < self._whole_at:
            loop.call_at(self._whole_at + 0.0001, self._arrive, later)
            return
        self._whole_at = loop.time() + later.gap_s * (len(later.pieces) - 1)
        self._put(later.pieces[0])
        for number, piece in enumerate(later.pieces[1:], 1):
            loop.call_later(later.gap_s * number, self._put, piece)

    def _put(self, data: bytes) -> None:
        self.on_the_way -= 1
        self._asking = False
        self.send(data)

    def _now(self, data: bytes) -> Later:
        """In the usual time; in one piece or in three, as a serial adapter hands it over."""
        cuts = sorted(self._random.randrange(1, len(data)) for _ in range(2)) if self._random.random() < 0.2 else []
        pieces = (data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True))
        return Later(self._after_s, tuple(piece for piece in pieces if piece))

    def _frame(
        self, asked: Asked, registers: tuple[int, ...], extra: bytes = b"", transaction: int | None = None
    ) -> bytes:
        data = b"".join(register.to_bytes(2, "big") for register in registers)
        pdu = bytes((asked.function, len(data))) + data + extra
        if self._rtu:
            return rtu_frame(asked.unit, pdu)
        request = self._request if transaction is None else self._request.__class__(asked.unit, b"", transaction)
        return mbap_frame(request, asked.unit, pdu)

    def _soon(self) -> float:
        """Within the time in which a copy, or the rest of an answer, may come."""
        return self._random.uniform(0, 0.99 * self._quiet_s)

    def _maybe_then(self, answer: bytes) -> list[Later]:
        """Sometimes the answer itself comes as well, a little later."""
        return [Later(self._after_s + 0.01, (answer,))] if self._random.random() < 0.5 else []

    # What goes wrong, a method each: from the right answer to what comes instead.

    def _silence(self, answer: bytes) -> list[Later]:
        return []

    def _late(self, answer: bytes) -> list[Later]:
        return [Later(self._timeout_s + self._soon(), (answer,))]

    def _twice(self, answer: bytes) -> list[Later]:
        return [self._now(answer), Later(self._after_s + self._soon(), (answer,))]

    def _again_instead(self, answer: bytes) -> list[Later]:
        """A gateway returns the frame of the request before: as its own, with the right transaction id."""
        at_s, before = self._before
        if asyncio.get_running_loop().time() + self._after_s > at_s + 0.95 * self._quiet_s:
            return []
        return [self._now(before if self._rtu else answer[:2] + before)]

    def _other_unit(self, answer: bytes) -> list[Later]:
        asked = self._asked._replace(unit=self._asked.unit + 1)
        return [self._now(self._frame(asked, self.held(asked))), *self._maybe_then(answer)]

    def _other_function(self, answer: bytes) -> list[Later]:
        asked = self._asked._replace(function=self._random.choice([1, 2, 7 - self._asked.function, 6, 16, 23, 43]))
        return [self._now(self._frame(asked, self.held(asked))), *self._maybe_then(answer)]

    def _other_length(self, answer: bytes) -> list[Later]:
        asked = self._asked._replace(registers=self._asked.registers + self._random.choice([-1, 1, 2]))
        return [self._now(self._frame(asked, self.held(asked))), *self._maybe_then(answer)]

    def _over_long(self, answer: bytes) -> list[Later]:
        extra = self._random.randbytes(self._random.randint(1, 40))
        return [self._now(self._frame(self._asked, self.held(self._asked), extra)), *self._maybe_then(answer)]

    def _torn(self, answer: bytes) -> list[Later]:
        at = self._random.randrange(1, len(answer))
        rest = (answer[at:],) if self._random.random() < 0.5 or not self._rtu else ()
        return [Later(self._after_s, (answer[:at], *rest), self._soon())]

    def _merged(self, answer: bytes) -> list[Later]:
        """With the answer to another register, or with a copy of itself."""
        asked = self._asked._replace(address=self._asked.address + 1)
        other = self._random.choice([self._frame(asked, self.held(asked)), answer])
        parts = [answer, other]
        self._random.shuffle(parts)
        # The first of two answers would be the answer if it came by itself.
        return [Later(self._after_s, (b"".join(parts),))]

    def _damaged(self, answer: bytes) -> list[Later]:
        """A burst of up to 16 bits; on TCP, which has its own checksums, a header that does not fit."""
        burst, raw = self._random.randint(1, 0xFFFF), bytearray(answer)
        at = self._random.randrange(len(raw) - 1 if self._rtu else 7)
        raw[at] ^= burst >> 8
        raw[at + 1] ^= burst & 0xFF if self._rtu or at < 6 else 0
        return [self._now(bytes(raw))] if bytes(raw) != answer else []

    def _echoed(self, answer: bytes) -> list[Later]:
        before_s = self._random.choice([0.0, self._after_s])
        return [Later(before_s, (self._question,)), *self._maybe_then(answer)]

    def _noise(self, answer: bytes) -> list[Later]:
        noise = self._random.randbytes(self._random.randint(1, 20))
        return self._random.choice(
            [
                [self._now(noise + answer)],
                [self._now(answer + noise)],
                [Later(0.5 * self._after_s, (noise,)), self._now(answer)],
                [self._now(answer), Later(self._after_s + self._soon(), (noise,))],
                [Later(0.0, (noise * 20,)), self._now(answer)],
            ]
        )

    def _refused(self, answer: bytes) -> list[Later]:
        pdu = bytes((self._asked.function | 0x80, self._random.choice([1, 2, 4, 6, 11])))
        unit = self._asked.unit
        return [self._now(rtu_frame(unit, pdu) if self._rtu else mbap_frame(self._request, unit, pdu))]

    def _other_transaction(self, answer: bytes) -> list[Later]:
        asked = self._asked._replace(address=self._asked.address + 1)
        transaction = (self._request.transaction - self._random.choice([-1, 1, 2])) % 65536
        return [self._now(self._frame(asked, self.held(asked), b"", transaction)), *self._maybe_then(answer)]

    def _target_silent(self, answer: bytes) -> list[Later]:
        """A gateway gave its probe up (exception 11); the probe's late answer goes to the next question like it."""
        asked, registers = self._asked, self.held(self._asked)

        def came() -> None:
            if self._asking and self._asked[:2] == asked[:2] and self._asked.registers == asked.registers:
                self.send(self._frame(self._asked, registers))

        asyncio.get_running_loop().call_later(self._after_s + self._soon(), came)
        pdu = bytes((asked.function | 0x80, 11))
        return [self._now(mbap_frame(self._request, asked.unit, pdu))]
