"""The real clock, with its sources real and staged."""

import asyncio
import ctypes
import logging
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import SystemClock
from agent.clock.daemons import Daemon, chronyc, ntp, serves, tracks
from agent.clock.synchronised import Kernel, Timesyncd
from agent.clock.trust import Trust, date
from agent.domain.clock import SOFTWARE_BEGAN_US

NOON_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
HOUR_S, YEAR_S = 3_600, 365 * 86_400

# `chronyc -c tracking` of chrony 4.3: following a server, serving its own clock, and without an answer from any.
FOLLOWS = (
    "7F000001,127.0.0.1,9,1795447349.345012107,-0.000001677,0.000000088,0.000001398,0.072,0.002,0.301,"
    "0.000005733,0.000002243,1.0,Normal\n"
)
LOCAL = (
    "7F7F0101,,8,1795447340.041732208,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,"
    "0.000000000,0.000000000,0.0,Normal\n"
)
ALONE = (
    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,"
    "1.000000000,1.000000000,0.0,Not synchronised\n"
)
# NTP packets of chrony 4.3, following a server and serving its own clock, and of ntpsec 1.2.2, without an answer from
# any server and serving its own clock.
SERVES = bytes.fromhex(
    "240400e600000001000000010a090901eeaf6b38ec8c79710000000000000000eeaf6b39e34620d3eeaf6b39e34c356e"
)
SERVES_ITSELF = bytes.fromhex(
    "240300e600000000000000007f7f0101eeaf6b431c543d800000000000000000eeaf6b44dbdd02f5eeaf6b44dbe0cb94"
)
SERVES_NOBODY = bytes.fromhex(
    "e40000e80000000000000001494e495400000000000000000000000000000000eeaf6a841edbd978eeaf6a8420c6675a"
)
SERVES_ITSELF_TOO = bytes.fromhex(
    "240b00e8000000000003f2917f7f0100eeaf6b4f46f021f70000000000000000eeaf6b501d7d06bbeeaf6b501d804b93"
)


class Stage:
    """Two clocks and a kernel that say what the test wants; reading a clock takes 60 ns."""

    def __init__(self, synchronised: bool = True, trust: Trust | None = None) -> None:
        self.boot_ns = 100 * 10**9
        self._wall_ns = 1000 * NOON_US
        self.synchronised = synchronised
        trust = trust or Trust(lambda: self.synchronised, lambda stepped: False, [lambda boot_s, stepped: False])
        self.clock = SystemClock(trust, self._boot, self._wall)

    def _boot(self) -> int:
        self._pass_ns(60)
        return self.boot_ns

    def _wall(self) -> int:
        self._pass_ns(60)
        return self._wall_ns

    def _pass_ns(self, ns: int) -> None:
        self.boot_ns += ns
        self._wall_ns += ns

    @property
    def wall_us(self) -> int:
        return self._wall_ns // 1000

    def advance(self, seconds: float) -> None:
        self._pass_ns(round(seconds * 1e9))

    def step(self, seconds: float) -> None:
        self._wall_ns += round(seconds * 1e9)


async def test_boot_time_only_grows_and_sleeps_count() -> None:
    clock = SystemClock()
    seen = [clock.boot_s() for _ in range(1000)]
    assert seen == sorted(seen)
    await clock.sleep(0.01)
    assert clock.boot_s() >= seen[-1] + 0.009


async def test_an_instant_has_both_clocks_of_this_boot() -> None:
    clock = SystemClock()
    before_us, before_s = time.time_ns() // 1000, clock.boot_s()
    instant = clock.now()
    await asyncio.sleep(0)
    assert before_us - 6_000 <= instant.utc_us <= time.time_ns() // 1000 + 5_000
    assert before_s - 0.001 <= instant.boot_s <= clock.boot_s()
    assert UUID(instant.boot_id) == UUID(SystemClock().now().boot_id)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_wall_time_is_boot_time_and_a_constant(seconds: list[float]) -> None:
    stage = Stage()
    offsets = set()
    for pause in seconds:
        stage.advance(pause)
        at = stage.clock.now()
        assert at.boot_s == at.boot_ms / 1000
        assert 0 <= stage.wall_us - at.utc_us <= 1_001
        offsets.add(at.utc_us - 1000 * at.boot_ms)
    assert len(offsets) == 1


@pytest.mark.parametrize("seconds", [3 * YEAR_S, -HOUR_S, 0.006, -0.006])
def test_a_step_counts_from_the_very_next_instant(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    before = stage.clock.now()
    stage.step(seconds)
    after = stage.clock.now()
    assert after.utc_us - before.utc_us == pytest.approx(1e6 * seconds, abs=1000)
    assert 0 <= after.boot_s - before.boot_s <= 0.001
    stage.clock.now()
    assert caplog.text.count("was set from") == (abs(seconds) > 1)


def test_a_hair_between_the_clocks_is_no_step() -> None:
    stage = Stage()
    before = stage.clock.now()
    stage.step(0.004)
    stage.advance(2)
    assert stage.clock.now().utc_us - before.utc_us in (2_000_000, 2_001_000)


def test_a_step_is_told_in_words(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.step(-HOUR_S)
    stage.clock.now()
    assert "The wall clock was set from 2026-11-23 12:00:00 UTC to 2026-11-23 11:00:00 UTC" in caplog.text


def test_clocks_read_late_are_no_step() -> None:
    stage = Stage()
    first = stage.clock.now()
    read, late = stage.clock._wall, iter([10**9, 10**9])

    def interrupted() -> int:
        stage._pass_ns(next(late, 0))
        return read()

    stage.clock._wall = interrupted
    assert stage.clock.now().utc_us - first.utc_us <= 1000


def test_trust_is_looked_at_once_a_second_and_at_every_step() -> None:
    stage = Stage(synchronised=False)
    assert not stage.clock.now().trusted
    stage.synchronised = True
    stage.advance(0.5)
    assert not stage.clock.now().trusted
    stage.advance(0.5)
    assert stage.clock.now().trusted
    stage.synchronised = False
    stage.step(HOUR_S)
    assert not stage.clock.now().trusted


class SlowTrust(Trust):
    """Takes its time; `steps` is what it was told."""

    def __init__(self) -> None:
        self.steps: list[bool] = []

    def judge(self, boot_s: float, utc_us: int, stepped: bool) -> bool:
        self.steps.append(stepped)
        time.sleep(0.05)
        return True


def test_two_threads_see_one_step() -> None:
    """The one that comes while the other looks must not take it for a second step."""
    trust = SlowTrust()
    stage = Stage(trust=trust)
    stage.clock.now()
    stage.step(HOUR_S)
    threads = [Thread(target=stage.clock.now) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trust.steps.count(True) == 1


def test_a_floor_counts_from_the_next_instant() -> None:
    stage = Stage()
    assert stage.clock.now().trusted
    stage.clock.not_before(NOON_US + 10**9)
    assert not stage.clock.now().trusted


class TestTrust:
    """Judged once a second, `s` seconds after the boot."""

    def setup_method(self) -> None:
        self.synchronised = True
        self.trust = Trust(lambda: self.synchronised, lambda stepped: False, [lambda boot_s, stepped: False])

    def judge(self, s: float, shown_us: int, stepped: bool = False) -> bool:
        return self.trust.judge(s, shown_us, stepped)

    @pytest.mark.parametrize("who", range(3))
    def test_one_word_is_enough(self, who: int) -> None:
        said = [number == who for number in range(3)]
        trust = Trust(lambda: said[0], lambda stepped: said[1], [lambda boot_s, stepped: said[2]])
        assert trust.judge(1, NOON_US, False)

    def test_a_daemon_is_asked_only_where_nobody_else_knows(self) -> None:
        asked = []

        def chrony(boot_s: float, stepped: bool) -> bool:
            asked.append(boot_s)
            return False

        trust = Trust(lambda: self.synchronised, lambda stepped: False, [chrony])
        trust.judge(1, NOON_US, False)
        self.synchronised = False
        assert not trust.judge(2, NOON_US, False)
        assert asked == [2]

    def test_the_past_is_not_believed(self) -> None:
        self.trust.not_before(NOON_US)
        assert not self.judge(1, NOON_US - 1)
        assert self.judge(2, NOON_US)

    def test_a_time_server_that_insists_is_believed(self, caplog: pytest.LogCaptureFixture) -> None:
        self.trust.not_before(NOON_US + 3 * YEAR_S * 10**6)
        judged = [self.judge(s, NOON_US + s * 10**6) for s in range(1, 700)]
        assert judged.index(True) == 600
        assert all(judged[600:])
        assert caplog.text.count("the time server keeps to its time") == 1
        assert "stored as of 2029-11-22" in caplog.text

    def test_insisting_begins_anew_with_every_step_and_every_silence(self) -> None:
        self.trust.not_before(NOON_US + 3 * YEAR_S * 10**6)
        assert not self.judge(1, NOON_US)
        assert not self.judge(601, NOON_US + HOUR_S * 10**6, stepped=True)
        assert not self.judge(1200, NOON_US + HOUR_S * 10**6)
        self.synchronised = False
        assert not self.judge(1201, NOON_US + HOUR_S * 10**6)
        self.synchronised = True
        assert not self.judge(1202, NOON_US + HOUR_S * 10**6)
        assert not self.judge(1801, NOON_US + HOUR_S * 10**6)
        assert self.judge(1802, NOON_US + HOUR_S * 10**6)

    def test_a_time_before_this_software_is_never_believed(self) -> None:
        assert not any(self.judge(s, SOFTWARE_BEGAN_US - 1) for s in range(1, 2000))
        assert self.judge(2000, SOFTWARE_BEGAN_US)

    def test_winning_and_losing_trust_is_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        for s, self.synchronised in enumerate([False, False, True, True, False, False]):
            self.judge(s, NOON_US)
        assert [record.getMessage() for record in caplog.records] == [
            "The wall clock, 2026-11-23 12:00:00 UTC, is not synchronised: times are estimates until a time server "
            "answers; see `timedatectl`",
            "The wall clock, 2026-11-23 12:00:00 UTC, is synchronised now",
            "The wall clock, 2026-11-23 12:00:00 UTC, is not synchronised: times are estimates until a time server "
            "answers; see `timedatectl`",
        ]


class TestTimesyncd:
    @pytest.fixture
    def mark(self, tmp_path: Path) -> Path:
        return tmp_path / "synchronized"

    def test_no_mark_no_word(self, mark: Path) -> None:
        assert not Timesyncd(mark)(False)

    def test_the_mark_is_its_word(self, mark: Path) -> None:
        mark.touch()
        assert Timesyncd(mark)(False)

    def test_a_step_by_timesyncd_itself_touches_the_mark(self, mark: Path) -> None:
        timesyncd = Timesyncd(mark)
        assert not timesyncd(False)
        mark.touch()
        assert timesyncd(True)
        os.utime(mark, ns=(1, 1))
        assert timesyncd(True)

    def test_a_clock_set_by_somebody_else_waits_for_timesyncd(self, mark: Path) -> None:
        mark.touch()
        timesyncd = Timesyncd(mark)
        assert timesyncd(False)
        assert not timesyncd(True)
        assert not timesyncd(False)
        os.utime(mark, ns=(1, 1))
        assert timesyncd(False)


class TestChrony:
    @pytest.mark.parametrize(("tracking", "meant"), [(FOLLOWS, True), (LOCAL, False), (ALONE, False)])
    def test_what_it_says(self, tracking: str, meant: bool) -> None:
        assert tracks(tracking) is meant

    @pytest.mark.parametrize("leap", ["Insert second", "Delete second"])
    def test_a_leap_second_ahead_is_no_trouble(self, leap: str) -> None:
        assert tracks(FOLLOWS.replace("Normal", leap))

    def test_a_clock_that_is_still_an_hour_off_is_not_synchronised(self) -> None:
        assert not tracks(FOLLOWS.replace("-0.000001677", "-3600.000001677"))

    @given(st.text() | st.lists(st.text(), min_size=14, max_size=14).map(",".join))
    def test_anything_else_is_refused_or_understood(self, tracking: str) -> None:
        try:
            assert tracks(tracking) in (True, False)
        except ValueError as error:
            assert str(error)

    def chrony(self, *command: str, later: list[Callable[[], None]] | None = None) -> Daemon:
        start = later.append if later is not None else lambda work: work()
        return Daemon("chrony", partial(chronyc, command), start=start)

    def test_where_chrony_does_not_run_nobody_is_asked(self) -> None:
        def start(work: Callable[[], None]) -> None:
            pytest.fail("asked")

        assert not Daemon("chrony", chronyc, lambda: False, start)(1, False)

    def test_it_is_asked_once_a_minute_beside_the_house(self) -> None:
        later: list[Callable[[], None]] = []
        chrony = self.chrony("printf", FOLLOWS, later=later)
        assert not chrony(1, False)
        later.pop()()
        assert all(chrony(s, False) for s in range(2, 61))
        assert not later
        assert chrony(61, False), "the last answer counts until the next is there"
        assert len(later) == 1

    def test_an_answer_from_before_a_step_or_a_long_silence_is_forgotten(self) -> None:
        later: list[Callable[[], None]] = []
        chrony = self.chrony("printf", FOLLOWS, later=later)
        chrony(1, False)
        later.pop()()
        assert not chrony(2, True)
        later.pop()()
        assert chrony(3, False)
        assert not chrony(200, False)

    @pytest.mark.parametrize(
        ("command", "because"),
        [
            (("/nowhere/chronyc",), "No such file"),
            (("false",), "non-zero exit status 1"),
            (("printf", "506 Cannot talk to daemon"), "506 Cannot talk to daemon"),
        ],
    )
    def test_no_answer_is_told_once(
        self, command: tuple[str, ...], because: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        chrony = self.chrony(*command)
        assert not any(chrony(s, False) for s in range(0, 300, 60))
        assert caplog.text.count(because) == 1

    def test_the_thread_is_a_real_one(self) -> None:
        chrony = Daemon("chrony", partial(chronyc, ("printf", FOLLOWS)))
        deadline_s = time.monotonic() + 30
        while not chrony(1, False):
            assert time.monotonic() < deadline_s


class TestNtp:
    @pytest.mark.parametrize(
        ("answer", "meant"),
        [(SERVES, True), (SERVES_ITSELF, False), (SERVES_ITSELF_TOO, False), (SERVES_NOBODY, False)],
    )
    def test_what_it_says(self, answer: bytes, meant: bool) -> None:
        assert serves(answer) is meant

    @given(st.binary(max_size=100))
    def test_anything_else_is_refused_or_understood(self, answer: bytes) -> None:
        try:
            assert serves(answer) in (True, False)
        except ValueError as error:
            assert answer[:48].hex() in str(error)

    def test_it_is_asked_as_a_client_asks(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(30)
            with ThreadPoolExecutor() as thread:
                asked = thread.submit(ntp, server.getsockname(), 30)
                question, client = server.recvfrom(512)
                assert (len(question), question[0]) == (48, 0x23)
                server.sendto(SERVES, client)
                assert asked.result(30)

    def test_where_nobody_serves_the_answer_is_no(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = nobody.getsockname()
        assert not ntp(address)


def test_the_kernel_answers_as_the_libc_does() -> None:
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    assert Kernel()() is (0 <= state < 5)


def test_a_kernel_that_may_not_be_asked_says_no_and_why(caplog: pytest.LogCaptureFixture) -> None:
    kernel = Kernel()

    class Refusing:
        def adjtimex(self, timex: object) -> int:
            ctypes.set_errno(1)
            return -1

    kernel._libc = Refusing()  # type: ignore[assignment]
    caplog.set_level(logging.INFO)
    assert [kernel(), kernel()] == [False, False]
    assert caplog.text.count("adjtimex: Operation not permitted") == 1


def test_dates_are_for_people() -> None:
    assert date(NOON_US) == "2026-11-23 12:00:00 UTC"
    assert date(12_000_000) == "1970-01-01 00:00:12 UTC"
