"""What does not get on is told to the service manager, and nothing else is."""

import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.watchdog import Patience, Step, Systemd, Watchdog
from tests.clock import FakeClock

_LOOK_S = 2.0


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, *lines: str) -> None:
        self.lines += lines


def looked(patience: Patience, step: Step, from_s: float, to_s: float) -> list[str]:
    """What was found stuck by looks every two seconds, while the step stays as it is."""
    found: list[str] = []
    now_s = from_s
    while now_s <= to_s:
        found += patience.stuck([step], now_s)
        now_s += _LOOK_S
    return found


def test_who_gets_on_is_never_stuck() -> None:
    patience = Patience(0.0)
    for second in range(1000):
        assert patience.stuck([Step("bus lan", float(second), 5.0)], second + 0.5) == []


def test_who_stands_still_is_stuck_after_its_patience_and_not_before() -> None:
    patience, step = Patience(0.0), Step("the store", 0.0, 90.0)
    assert looked(patience, step, 0.0, 90.0) == []
    assert looked(patience, step, 92.0, 96.0)[0].startswith("the store has not got on")


def test_a_turn_that_is_not_due_yet_keeps_nobody_waiting() -> None:
    patience, hourly = Patience(0.0), Step("bus lan", 3600.0, 90.0)
    assert looked(patience, hourly, 0.0, 3690.0) == []
    assert looked(patience, hourly, 3692.0, 3700.0)


def test_time_in_which_nobody_looked_makes_nobody_late() -> None:
    patience, step = Patience(0.0), Step("bus lan", 1.0, 90.0)
    assert patience.stuck([step], 2.0) == []
    assert patience.stuck([step], 86_400.0) == []


@given(st.lists(st.tuples(st.floats(0.1, 500), st.booleans()), max_size=60), st.floats(1, 200))
def test_nobody_is_stuck_before_its_patience_is_over(looks: list[tuple[float, bool]], within_s: float) -> None:
    patience, now_s, since_s = Patience(0.0), 0.0, 0.0
    for passed_s, gets_on in looks:
        now_s += passed_s
        since_s = now_s if gets_on else since_s
        if patience.stuck([Step("bus", since_s, within_s)], now_s):
            assert now_s - since_s > within_s


def test_a_stuck_part_stops_the_word_and_asks_for_the_restart_once() -> None:
    clock, told = FakeClock(), Told()
    began_s = clock.boot
    watchdog = Watchdog(lambda: [Step("the store", began_s, 10.0)], lambda: "well", told, clock)
    patience = Patience(began_s)
    for _ in range(20):
        clock.advance(_LOOK_S)
        watchdog.look(patience)
    assert told.lines[:2] == ["WATCHDOG=1", "STATUS=well"]
    assert told.lines.count("WATCHDOG=trigger") == 1
    assert told.lines[-2:] == ["WATCHDOG=trigger", "STATUS=the store has not got on for 12 s"]


def test_systemd_hears_each_word_as_one_datagram(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(str(tmp_path / "notify"))
        Systemd(str(tmp_path / "notify")).tell("READY=1", "STATUS=well")
        assert hearing.recv(100) == b"READY=1\nSTATUS=well"


def test_where_nobody_listens_nothing_is_told_and_nothing_fails(tmp_path: Path) -> None:
    Systemd(None).tell("READY=1")
    Systemd(str(tmp_path / "nobody")).tell("READY=1")
