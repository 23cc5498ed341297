"""`make lies`, or `python -m tests.lies [TRANSACTIONS]`: so many questions to a probe on a line that lies, on each kind
of line. Prints what became of them; exits with 1 when a wrong value was believed, or a good one refused on a line that
was in order.
"""

import argparse
import sys
import time

from agent.domain.farm import Protocol
from tests.lies.text_trial import text_trial
from tests.lies.trial import MODBUS, Tally, trial
from tests.lies.virtual_time import in_virtual_time


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lies")
    parser.add_argument("transactions", nargs="?", type=int, default=100_000, help="on each kind of line")
    parser.add_argument("--seed", type=int, default=1, help="of what is done to the answers")
    options = parser.parse_args()
    wrong = 0
    for protocol in (*MODBUS, Protocol.SERIAL_TEXT):
        began_s = time.monotonic()
        run = text_trial if protocol is Protocol.SERIAL_TEXT else trial
        tally = in_virtual_time(run(protocol, options.transactions, options.seed))
        print(f"{protocol.value}: {told(tally)}, in {time.monotonic() - began_s:.0f} s")
        wrong += len(tally.lies) + len(tally.deaf)
    return 1 if wrong else 0


def told(tally: Tally) -> str:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.most_common())
    wrong = "".join(f"\n  {line}" for line in (*tally.lies[:20], *tally.deaf[:20]))
    faults = f"{tally.faults.total()} faults of {len(tally.faults)} kinds"
    return (
        f"{tally.outcomes.total()} transactions, {faults}: {outcomes}; "
        f"{len(tally.lies)} wrong values believed, {len(tally.deaf)} good ones refused{wrong}"
    )


if __name__ == "__main__":
    sys.exit(main())
