"""`make bench`: every figure of the README's table, in a few minutes. Compare ratios; machines are noisy.

Benches of their own: `tests.bench.cost_of_checks` (each check), `tests.bench.anomalies` (how good they are),
`tests.bench.wear` (the card), `tests.bench.outage` (a week without the cloud), `tests.bench.recorded_day` (a real
sonde's day), `tests.bench.ingest` (from Kafka into PostgreSQL) and `tests.bench.wire` (a serial line's time).
"""

import sys

from tests.bench import cost_of_a_reading

if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    cost_of_a_reading.by_stage(seconds)
    cost_of_a_reading.by_size(seconds)
