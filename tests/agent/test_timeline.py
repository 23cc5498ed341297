"""Stored boot times become wall times: stories of machines without a clock chip, and a state machine of any story."""

import sqlite3
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.domain.clock import SOFTWARE_BEGAN_US, Instant
from agent.store.checksum import checksum, is_whole
from agent.store.database import schema, second_copies
from agent.store.segments import BOUNDED, CORRECTED, OPEN, SYNCHRONISED
from agent.store.timeline import Timeline, estimate_us

NOON_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
HOUR, YEAR = 3_600, 365 * 86_400
EPOCH_1970_US = 3_000_000  # a Pi without network 3 s after it was switched on


class House:
    """A database with segments and the ends of the tables that refer to them."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(schema() + second_copies())
        self.timeline = Timeline(self.connection)
        self.seq = 0

    def close(self) -> None:
        self.connection.close()

    def store(self, boot: str, boot_s: float, utc_us: int, trusted: bool = False) -> tuple[int, int]:
        """Segment and boot time of a new row."""
        at = Instant(utc_us, boot_s, boot, trusted)
        row = self.timeline.segment_of(at), at.boot_ms
        self.seq += 1
        self.connection.execute("INSERT INTO readings VALUES (?, 1, ?, ?, 7.5, 1, 1.0, 1, NULL, 0)", (self.seq, *row))
        return row

    def reload(self) -> None:
        self.timeline = Timeline(self.connection)

    def clock(self, segment: int) -> int:
        found: int = self.connection.execute("SELECT clock FROM segments WHERE id = ?", (segment,)).fetchone()[0]
        return found


@pytest.fixture
def house() -> House:
    return House()


def test_a_boot_in_1970_is_set_right_at_the_first_synchronisation(house: House) -> None:
    early = house.store("a", 3, EPOCH_1970_US)
    assert house.timeline.is_open(early[0])
    assert house.timeline.instant(*early).trusted is False
    later = house.store("a", 63, NOON_US + 63_000_000, trusted=True)
    assert house.timeline.instant(*early) == Instant(NOON_US + 3_000_000, 3.0, "a", trusted=True, corrected=True)
    assert house.timeline.instant(*later) == Instant(NOON_US + 63_000_000, 63.0, "a", trusted=True)
    assert [house.clock(row[0]) for row in (early, later)] == [CORRECTED, SYNCHRONISED]


def test_a_first_boot_in_1970_is_no_earlier_than_the_software(house: House) -> None:
    early = house.store("a", 3, EPOCH_1970_US)
    assert house.timeline.utc_us(*early) == estimate_us(0, SOFTWARE_BEGAN_US) + 3_000_000


def test_a_boot_in_1970_that_is_never_synchronised_follows_what_was_stored_before(house: House) -> None:
    before = house.store("a", 1000, NOON_US, trusted=True)
    row = house.store("b", 3, EPOCH_1970_US)
    house.timeline.freeze_open()
    assert house.timeline.instant(*row) == Instant(NOON_US + 3_001_000, 3.0, "b", trusted=False)
    assert house.clock(row[0]) == BOUNDED
    assert house.timeline.utc_us(*before) == NOON_US


def test_a_plausible_clock_that_nobody_synchronised_is_taken_as_it_is(house: House) -> None:
    house.store("a", 1000, NOON_US, trusted=True)
    row = house.store("b", 20, NOON_US + HOUR * 1_000_000)
    house.timeline.freeze_open()
    assert house.timeline.utc_us(*row) == NOON_US + HOUR * 1_000_000


def test_two_boots_in_1970_do_not_share_their_times(house: House) -> None:
    first = [house.store("a", s, EPOCH_1970_US) for s in (3, 8)]
    second = [house.store("b", s, EPOCH_1970_US) for s in (3, 8)]
    times = [house.timeline.utc_us(*row) for row in first + second]
    assert times == sorted(set(times))
    house.timeline.freeze_open()
    assert [house.timeline.utc_us(*row) for row in first + second] == times


def test_boots_that_claim_to_be_later_than_the_first_synchronised_one_were_before_it(house: House) -> None:
    house.store("a", 1000, NOON_US, trusted=True)
    ahead_us = NOON_US + 3 * YEAR * 1_000_000
    rows = [house.store(boot, s, ahead_us + s * 1_000_000) for boot in "bc" for s in (5, 60)]
    synchronised = house.store("d", 10, NOON_US + HOUR * 1_000_000, trusted=True)
    times = [house.timeline.utc_us(*row) for row in [*rows, synchronised]]
    assert times == sorted(set(times))
    assert times[0] == NOON_US + 5_001_000
    assert {house.clock(segment) for segment, _ in rows} == {BOUNDED}


def test_a_step_of_a_synchronised_clock_begins_a_new_segment_and_leaves_the_old_one(house: House) -> None:
    wrong = house.store("a", 10, NOON_US + 3 * YEAR * 1_000_000, trusted=True)
    right = house.store("a", 20, NOON_US, trusted=True)
    assert wrong[0] != right[0]
    assert house.timeline.utc_us(*wrong) == NOON_US + 3 * YEAR * 1_000_000
    assert house.timeline.utc_us(*right) == NOON_US


def test_a_clock_that_creeps_stays_in_its_segment(house: House) -> None:
    first = house.store("a", 10, NOON_US, trusted=True)
    assert house.store("a", 20, NOON_US + 10_049_000, trusted=True)[0] == first[0]
    assert house.store("a", 30, NOON_US + 20_051_000, trusted=True)[0] != first[0]


@pytest.mark.parametrize("wall_us", [NOON_US + 10_000_000, NOON_US - HOUR * 1_000_000])
def test_lost_synchronisation_goes_on_with_the_last_right_offset(house: House, wall_us: int) -> None:
    house.store("a", 10, NOON_US, trusted=True)
    row = house.store("a", 20, wall_us)
    assert house.timeline.instant(*row) == Instant(NOON_US + 10_000_000, 20.0, "a", trusted=True, corrected=True)


def test_a_clock_lost_and_found_again_needs_two_segments_for_ever(house: House) -> None:
    for s in range(10, 1000, 10):
        house.store("a", s, NOON_US + s * 1_000_000, trusted=s % 20 == 0)
    assert house.connection.execute("SELECT count(*) FROM segments").fetchone() == (2,)


def test_setting_an_unsynchronised_clock_moves_all_of_its_boot(house: House) -> None:
    early = house.store("a", 3, EPOCH_1970_US)
    late = house.store("a", 63, NOON_US + 63_000_000)
    assert early[0] == late[0]
    assert house.timeline.utc_us(*early) == NOON_US + 3_000_000


def test_frozen_means_for_ever(house: House) -> None:
    sent = house.store("a", 3, EPOCH_1970_US)
    house.timeline.freeze_open()
    told = house.timeline.instant(*sent)
    after = house.store("a", 63, NOON_US)
    assert after[0] == sent[0], "what comes before the synchronisation goes on in the frozen time"
    house.store("a", 70, NOON_US, trusted=True)
    assert house.timeline.instant(*sent) == told
    assert house.timeline.utc_us(*after) - told.utc_us == 60_000_000


def test_an_alarm_is_frozen_and_the_readings_beside_it_are_not(house: House) -> None:
    row = house.store("a", 3, EPOCH_1970_US)
    twin = house.timeline.bounded_twin(row[0])
    assert (house.clock(twin), house.clock(row[0])) == (BOUNDED, OPEN)
    told = house.timeline.instant(twin, row[1])
    assert house.timeline.bounded_twin(row[0]) == twin
    assert house.timeline.bounded_twin(twin) == twin
    house.reload()
    assert house.store("a", 5, EPOCH_1970_US + 2_000_000)[0] == row[0]
    house.store("a", 63, NOON_US + 63_000_000, trusted=True)
    assert house.timeline.instant(twin, row[1]) == told
    assert house.timeline.utc_us(*row) == NOON_US + 3_000_000
    assert house.timeline.bounded_twin(row[0]) == row[0]


def test_an_alarm_of_the_boot_before_does_not_bring_that_boot_back(house: House) -> None:
    early = house.store("a", 3, EPOCH_1970_US)
    now = house.store("b", 3, EPOCH_1970_US)
    house.timeline.bounded_twin(early[0])
    house.reload()
    assert house.store("b", 4, EPOCH_1970_US) == (now[0], 4_000)


def test_readings_keep_the_order_among_themselves_that_an_alarm_has_told(house: House) -> None:
    row = house.store("a", 3, EPOCH_1970_US)
    twin = house.timeline.bounded_twin(row[0])
    house.store("a", 4, NOON_US)
    house.timeline.freeze_open()
    assert house.timeline.instant(*row) == house.timeline.instant(twin, row[1])


def test_what_can_be_believed_is_the_newest_synchronised_time(house: House) -> None:
    assert house.timeline.believable_us is None
    house.store("a", 10, NOON_US, trusted=True)
    house.store("a", 70, NOON_US + 60_000_000, trusted=True)
    assert house.timeline.believable_us == NOON_US + 60_000_000
    house.store("b", 3, NOON_US + YEAR * 1_000_000)
    house.reload()
    assert house.timeline.believable_us == NOON_US + 60_000_000


def test_alarms_count_as_the_newest_row_too(house: House) -> None:
    segment, _ = house.store("a", 10, NOON_US, trusted=True)
    house.connection.execute(
        "INSERT INTO alarm_log VALUES (1, 1, 'low', 'critical', 6, 0.3, 9, 9, 1, 1, 'a', ?, 30000, 5, 1, '', "
        "'raised', 'unacknowledged', 0, NULL, NULL, NULL, 0)",
        (segment,),
    )
    house.reload()
    assert house.timeline.believable_us == NOON_US + 20_000_000


def test_a_damaged_segment_is_found_before_it_shifts_a_thousand_readings(house: House) -> None:
    house.store("a", 10, NOON_US, trusted=True)
    house.connection.execute("UPDATE segments SET offset_us = offset_us + 1")
    with pytest.raises(sqlite3.DatabaseError, match="the row 1 of segments does not match") as found:
        house.reload()
    assert found.value.sqlite_errorname == "SQLITE_CORRUPT"


def test_a_row_of_no_segment_is_damage(house: House) -> None:
    house.store("a", 10, NOON_US, trusted=True)
    house.connection.execute("UPDATE readings SET segment = 99")
    with pytest.raises(sqlite3.DatabaseError, match="readings refers to segment 99"):
        house.reload()


@dataclass
class Row:
    boot: int
    segment: int
    boot_ms: int
    told: Instant | None = None


class AnyStory(RuleBasedStateMachine):
    """One machine, seen from outside: the true time, and what its own clock shows."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.true_us, self.boot, self.boot_ms = NOON_US, 0, 3_000
        self.wall_offset_us, self.trusted = EPOCH_1970_US, False
        self.rows: list[Row] = []

    def teardown(self) -> None:
        self.house.close()

    @property
    def right_offset_us(self) -> int:
        return self.true_us - 1000 * self.boot_ms

    @rule(ms=st.integers(1, 10**8))
    def time_goes_by(self, ms: int) -> None:
        self.boot_ms += ms
        self.true_us += 1000 * ms

    @rule(down_ms=st.integers(1_000, 10**8), wakes=st.sampled_from(["1970", "as it was", "right", "in 3 years"]))
    def reboot(self, down_ms: int, wakes: str) -> None:
        showed_us = self.wall_offset_us + 1000 * self.boot_ms
        self.true_us += 1000 * down_ms
        self.boot, self.boot_ms, self.trusted = self.boot + 1, 3_000, False
        self.wall_offset_us = {
            "1970": EPOCH_1970_US,
            "as it was": showed_us,
            "right": self.right_offset_us,
            "in 3 years": self.right_offset_us + 3 * YEAR * 1_000_000,
        }[wakes]

    @rule(seconds=st.sampled_from([-3 * YEAR, -HOUR, -1, 1, HOUR, 3 * YEAR]) | st.integers(-(10**9), 10**9))
    def wall_clock_steps(self, seconds: int) -> None:
        self.wall_offset_us += seconds * 1_000_000

    @rule()
    def synchronise(self) -> None:
        self.wall_offset_us, self.trusted = self.right_offset_us, True

    @rule(us=st.integers(-40_000, 40_000))
    def creep(self, us: int) -> None:
        self.wall_offset_us += us

    @rule()
    def lose_synchronisation(self) -> None:
        self.trusted = False

    @rule(count=st.integers(1, 3))
    def store(self, count: int) -> None:
        for _ in range(count):
            stamped_us = self.wall_offset_us + 1000 * self.boot_ms
            segment, boot_ms = self.house.store(f"boot {self.boot}", self.boot_ms / 1000, stamped_us, self.trusted)
            assert boot_ms == self.boot_ms
            if self.trusted:
                found = self.house.timeline.instant(segment, boot_ms)
                assert found.trusted
                assert abs(found.utc_us - stamped_us) <= 50_000
            self.rows.append(Row(self.boot, segment, boot_ms))
            self.time_goes_by(1)

    @rule()
    def freeze(self) -> None:
        self.house.timeline.freeze_open()
        assert not any(self.house.timeline.is_open(row.segment) for row in self.rows)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def send_an_alarm_at_once(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        before = self.house.timeline.instant(row.segment, row.boot_ms)
        twin = self.house.timeline.bounded_twin(row.segment)
        assert not self.house.timeline.is_open(twin)
        assert self.house.timeline.instant(twin, row.boot_ms) == before
        if twin != row.segment:
            self.rows.insert(self.rows.index(row), Row(row.boot, twin, row.boot_ms))

    @rule()
    def reload(self) -> None:
        before = [self.house.timeline.instant(row.segment, row.boot_ms) for row in self.rows]
        self.house.reload()
        assert [self.house.timeline.instant(row.segment, row.boot_ms) for row in self.rows] == before

    @rule()
    def roll_back(self) -> None:
        self.house.connection.execute("BEGIN")
        self.house.store(f"boot {self.boot}", self.boot_ms / 1000, self.wall_offset_us + 1000 * self.boot_ms, True)
        self.house.connection.execute("ROLLBACK")
        self.house.reload()

    @invariant()
    def what_is_frozen_stays(self) -> None:
        for row in self.rows:
            instant = self.house.timeline.instant(row.segment, row.boot_ms)
            assert instant.boot_ms == row.boot_ms
            assert instant.utc_us == self.house.timeline.utc_us(row.segment, row.boot_ms)
            assert row.told in (None, instant)
            if not self.house.timeline.is_open(row.segment):
                row.told = instant

    @invariant()
    def never_synchronised_rows_follow_what_was_stored_before(self) -> None:
        for before, row in zip(self.rows, self.rows[1:], strict=False):
            kinds = {self.house.clock(before.segment), self.house.clock(row.segment)}
            times = [self.house.timeline.utc_us(one.segment, one.boot_ms) for one in (before, row)]
            if before.boot != row.boot:
                assert times[0] < times[1] or self.house.clock(row.segment) in (SYNCHRONISED, CORRECTED)
            elif kinds <= {OPEN, BOUNDED}:
                assert times[1] - times[0] == 1000 * (row.boot_ms - before.boot_ms)

    @invariant()
    def the_table_is_whole_and_small(self) -> None:
        table = self.house.connection.execute("SELECT * FROM segments").fetchall()
        assert all(is_whole("segments", row) for row in table)
        open_boots = [row[1] for row in table if row[5] == OPEN]
        assert len(open_boots) == len(set(open_boots))


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=150, stateful_step_count=40)


def test_the_checksum_covers_the_table_name_as_documented(house: House) -> None:
    house.store("a", 10, NOON_US, trusted=True)
    row = house.connection.execute("SELECT * FROM segments").fetchone()
    assert row[-1] == checksum("segments", row[:-1])
