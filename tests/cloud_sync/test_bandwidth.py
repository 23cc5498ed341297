"""How much goes over the line, and how much at once."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.uplink.bandwidth import Bandwidth
from cloud_sync.uplink.batch_size import BatchSize

SENDS = st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 50_000), st.booleans()), max_size=60)


@given(kbit_s=st.floats(0.1, 10_000.0), sends=SENDS)
def test_no_stretch_of_time_carries_more_than_the_rate_a_burst_and_one_send(
    kbit_s: float, sends: list[tuple[float, int, bool]]
) -> None:
    """Everybody but the alerts waits as long as told, and not a moment longer than the debt takes."""
    now_s, line = 50.0, Bandwidth(kbit_s, 50.0)
    sent: list[tuple[float, int]] = []
    rate = kbit_s * 125.0
    for pause_s, size, is_alert in sends:
        now_s += pause_s
        wait_s = line.wait_s(now_s)
        assert 0.0 <= wait_s <= sum(size for _, size in sent) / rate
        if not is_alert:
            now_s += wait_s
        line.sent(now_s, 10, size)
        sent.append((now_s, size))
        if is_alert:
            continue
        largest = 0
        total = 0
        for at_s, one in reversed(sent):
            total, largest = total + one, max(largest, one)
            paid_for = rate * (now_s - at_s) + 5.0 * rate + largest
            alerts = sum(one for (at, one), (_, _, alert) in zip(sent, sends, strict=False) if alert and at >= at_s)
            assert total <= (paid_for + alerts) * (1 + 1e-9) + 1e-6


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 10**9))))
def test_without_a_limit_nobody_waits(sends: list[tuple[int, int]]) -> None:
    line = Bandwidth(None, 0.0)
    for records, size in sends:
        line.sent(1.0, records, size)
        line.failed(1.0, records)
        assert line.wait_s(1.0) == 0.0


def test_a_failed_send_is_counted_like_the_last_good_one() -> None:
    line = Bandwidth(8.0, 0.0)  # 1000 bytes a second, 5000 in advance
    line.sent(0.0, 10, 400)
    line.failed(0.0, 200)
    assert line.wait_s(0.0) == (400 + 200 * 40 - 5000) / 1000


@given(most=st.integers(1, 5000), fits=st.integers(1, 5000), sends=st.integers(50, 120))
def test_the_size_finds_what_fits_and_stays_near_it(most: int, fits: int, sends: int) -> None:
    size = BatchSize(most)
    taken = []
    for _ in range(sends):
        assert 1 <= size.now <= most
        if size.now <= fits:
            taken.append(size.now)
            size.taken(size.now)
        else:
            size.too_many(size.now)
    best = min(fits, most)
    assert min(taken[10:]) >= best // 2
    assert len(taken) >= sends * 0.6


def test_few_records_prove_nothing_about_many() -> None:
    size = BatchSize(100)
    size.too_many(100)
    for _ in range(10):
        size.taken(3)
    assert size.now == 50


def test_a_size_that_was_too_many_is_seldom_tried_again() -> None:
    size, refusals = BatchSize(500), 0
    for _ in range(1000):
        if size.now > 300:
            refusals += 1
            size.too_many(size.now)
        else:
            size.taken(size.now)
    assert refusals <= 1000 / 20


def test_a_sink_that_hangs_at_a_single_record_does_not_shrink_the_batches_for_good() -> None:
    size = BatchSize(500)
    size.too_many(500)
    for _ in range(1000):
        size.too_many(1)
    assert size.now == 250
