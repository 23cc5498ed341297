"""The course of a soak: let it run under misfortunes, let it come to rest, and judge."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.soak.chain import Chain
from tests.soak.chaos import Chaos
from tests.soak.verdict import Verdict, judge

_AT_REST_WITHIN_S = 300.0
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """`disorder` counts arrivals in Kafka behind a later one of their sensor and lane."""

    verdict: Verdict
    disorder: int
    dead_letters: int
    happened: Mapping[str, int]
    seconds: float

    @property
    def clean(self) -> bool:
        return self.verdict.clean and not self.disorder and not self.dead_letters

    def __str__(self) -> str:
        found = self.verdict
        misfortunes = ", ".join(f"{name} {count}×" for name, count in sorted(self.happened.items()))
        return (
            f"{found.stored:,} readings stored in {self.seconds:.0f} s; {misfortunes}\n"
            f"lost {found.lost}, doubled {found.doubled}, altered {found.altered}, never stored {found.foreign}, "
            f"never served {found.unserved}, stored twice {found.repeated}, out of order {self.disorder}, "
            f"dead letters {self.dead_letters}\n"
            f"answers that a killed gateway had not stored yet: {found.unread:,} values"
        )


def run(chain: Chain, chaos: Chaos, readings: int, tell: Callable[[str], None]) -> Outcome:
    """Until so many are stored and every kind of misfortune has happened; `tell` is told of each."""
    began = time.monotonic()
    until = began + chaos.pause_s()
    while (stored := chain.gateway.stored()) < readings or not chaos.has_had_everything:
        if time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
            continue
        what = chaos.strike()
        tell(f"{time.monotonic() - began:6.0f} s  {stored:>9,} stored  {what}")
        until = time.monotonic() + chaos.pause_s()
    seconds = time.monotonic() - began
    _come_to_rest(chain, stored)
    verdict = judge(chain.stored(stored), chain.table(stored), chain.channels())
    disorder = sum(map(out_of_order, chain.arrivals().values()))
    return Outcome(verdict, disorder, chain.dead_letters(), chaos.happened, seconds)


def _come_to_rest(chain: Chain, upto: int) -> None:
    """Wait until as many are in the table as can be, while new ones go on coming; what is missing then is lost."""
    deadline = time.monotonic() + _AT_REST_WITHIN_S
    while chain.in_table(upto) < upto and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)


def out_of_order(seqs: Sequence[int]) -> int:
    """Two lanes bring them, the live one from ahead, and each of the two only ever forwards."""
    backlog = live = disorder = 0
    for seq in seqs:
        if seq > live:
            live = seq
        elif seq > backlog:
            backlog = seq
        else:
            disorder += 1
    return disorder
