"""How much of the line a sink may use: a token bucket in bytes. Pure.

It is filled at the permitted rate and may be overdrawn by one send, which later ones have to wait for.
"""

_BURST_S = 5.0
_FIRST_GUESS = 100.0  # compressed bytes a record


class Bandwidth:
    """At most `max_kbit_s` (1 kbit = 1000 bit) over time; None: no limit. Times are seconds of the boot clock.

    In any stretch of time no more is sent than the rate allows, 5 s of it in advance, and one send.
    """

    def __init__(self, max_kbit_s: float | None, now_s: float) -> None:
        self._rate = None if max_kbit_s is None else max_kbit_s * 125.0
        self._left = (self._rate or 0.0) * _BURST_S
        self._filled_s = now_s
        self._bytes_a_record = _FIRST_GUESS

    def wait_s(self, now_s: float) -> float:
        """Until the next send may begin; 0 is now."""
        if self._rate is None:
            return 0.0
        self._fill(self._rate, now_s)
        return max(0.0, -self._left / self._rate)

    def sent(self, now_s: float, records: int, sent_bytes: int) -> None:
        """So many records were sent in so many bytes (0: the sink does not count them, or nothing went out)."""
        if sent_bytes:
            self._bytes_a_record = sent_bytes / records
        self._spend(now_s, sent_bytes)

    def failed(self, now_s: float, records: int) -> None:
        """A send failed, and nobody knows what of it went out: counted like the last one that did."""
        self._spend(now_s, records * self._bytes_a_record)

    def _spend(self, now_s: float, size: float) -> None:
        if self._rate is not None:
            self._fill(self._rate, now_s)
            self._left -= size

    def _fill(self, rate: float, now_s: float) -> None:
        self._left = min(rate * _BURST_S, self._left + rate * (now_s - self._filled_s))
        self._filled_s = now_s
