"""Loading a configuration in a child process, so that the validator's twelve megabytes of memory end with it.

A gateway runs for years and needs its configuration once, and again with a reload.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

from agent.config.farm import Gateway
from agent.config.problems import ConfigError
from agent.domain.errors import AquaError

_ANEW: Final = "import sys, pathlib, agent.config.apart as apart; apart.answer(pathlib.Path(sys.argv[1]), 1)"


def load_apart(path: Path) -> Gateway:
    """As `agent.config.load` does, with all that it takes to run; raises the same ConfigError. Only before there are
    threads or an event loop.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        answer(path, sending)
    os.close(sending)
    with open(receiving, "rb") as answered:  # noqa: PTH123 - a descriptor
        pickled = answered.read()
    _, status = os.waitpid(child, 0)
    return _outcome(path, os.waitstatus_to_exitcode(status), pickled)


def load_anew(path: Path) -> Gateway:
    """The same in an interpreter of its own, from any thread."""
    child = subprocess.run([sys.executable, "-c", _ANEW, str(path)], stdout=subprocess.PIPE, check=False)  # noqa: S603
    return _outcome(path, child.returncode, child.stdout)


def _outcome(path: Path, status: int, pickled: bytes) -> Gateway:
    if status:
        raise AquaError(f"the process that read {path} failed with status {status}")
    outcome = pickle.loads(pickled)  # noqa: S301 - from our own child
    if isinstance(outcome, ConfigError):
        raise outcome
    assert isinstance(outcome, Gateway)  # noqa: S101 - the child sends nothing else
    return outcome


def answer(path: Path, sending: int) -> NoReturn:
    """The child's part: a Gateway or a ConfigError as a pickle into the descriptor `sending`; for a bug, its traceback
    on standard error.
    """
    status = 1
    try:
        from agent.config import file

        outcome: Gateway | ConfigError
        try:
            outcome = file.load(path, to_run=True)
        except ConfigError as error:
            outcome = error
        with open(sending, "wb") as answering:
            pickle.dump(outcome, answering)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
