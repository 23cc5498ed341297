"""How the way to a sink may be used; the same settings for every sink."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """On a `metered` link only alerts, gaps, roll-ups and replayed dead letters are sent; readings wait in the ring
    buffer. At most `max_kbit_s` (1 kbit = 1000 bit) are used over time; alerts count, but never wait for it.

    Readings whose time is not known yet wait for the clock until the link has been up for `clock_patience_s` seconds;
    left out, what suits the sink.
    """

    metered: bool = False
    max_kbit_s: float | None = None
    clock_patience_s: float | None = None

    def __post_init__(self) -> None:
        if self.max_kbit_s is not None and not 0.1 <= self.max_kbit_s <= 10_000_000:
            raise ValueError(f"max_kbit_s must be between 0.1 and 10000000 kbit/s, not {self.max_kbit_s}")
        if self.clock_patience_s is not None and not 0 <= self.clock_patience_s <= 604_800:
            raise ValueError(f"clock_patience_s must be between 0 and 604800 seconds, not {self.clock_patience_s}")


DEFAULT_LINK = Link()
