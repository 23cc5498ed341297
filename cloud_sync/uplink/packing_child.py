"""The other end of `packing_process`: packs what comes in on its standard input until that ends.

It gets what packs (a pickled callable), then one batch after the other, as in `parcel`. An answer is a length, and what
was made of the batch, pickled; an empty one says that this failed: whoever asked sees why when it tries itself.
"""

import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from cloud_sync.uplink.parcel import Unwrapping

LENGTH = Struct("<I")


def main() -> None:
    # A Ctrl-C or a stop is the gateway's matter, which then ends our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError):  # where memory runs out it is not the gateway that has to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    gc.set_threshold(20_000)  # thousands of records, and no circles
    # What somebody prints by mistake must not get between the answers.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        try:
            serve(sys.stdin.buffer, answers)
        except BrokenPipeError:
            os._exit(0)  # the gateway is gone, and what is still to be written with it


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Ends with the questions, also in the midst of one: then the gateway was killed."""
    pack = pickle.load(questions)  # noqa: S301 - from our own parent
    _answer(answers, b"")
    unwrapped = Unwrapping()
    while True:
        try:
            batch = unwrapped(questions)
        except (EOFError, pickle.UnpicklingError):
            return
        try:
            answer = pickle.dumps(pack(batch), 5)
        except Exception:
            answer = b""
        _answer(answers, answer)


def _answer(answers: BinaryIO, answer: bytes) -> None:
    answers.write(LENGTH.pack(len(answer)) + answer)
    answers.flush()


if __name__ == "__main__":
    main()
