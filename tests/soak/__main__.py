"""`make soak`, or `python -m tests.soak [READINGS]`: so many readings from the twins into the table, while whatever is
on their way is killed and cut. Prints what happened and the verdict; exits with 1 when anything is wrong.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.soak.chain import Chain
from tests.soak.chaos import Chaos
from tests.soak.course import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("readings", nargs="?", type=int, default=1_000_000, help="stored before the end is awaited")
    parser.add_argument("--seed", type=int, default=1, help="of what is done to them, and when")
    parser.add_argument("--probes", type=int, default=60, help="of ten sensors each")
    parser.add_argument("--period-s", type=float, default=0.25, help="how often each is read")
    parser.add_argument("--folder", type=Path, default=None, help="for everything; about 1 GB a million readings")
    options = parser.parse_args()
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        chain = Chain(folder, options.probes, options.period_s, 2, closing)
        outcome = run(chain, Chaos(chain, options.seed), options.readings, print)
    print(outcome)
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main())
