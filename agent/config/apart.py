"""Loading a configuration in a child process, so that the validator's twelve megabytes of memory end with it.

A gateway runs for years and needs its configuration once. Must be called before there are threads or an event loop.
"""

import os
import pickle
import sys
from pathlib import Path
from typing import NoReturn

from agent.config.farm import Gateway
from agent.config.problems import ConfigError
from agent.domain.errors import AquaError


def load_apart(path: Path) -> Gateway:
    """The same as `agent.config.load`, raising the same ConfigError."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        _answer(path, sending)
    os.close(sending)
    with open(receiving, "rb") as answer:  # noqa: PTH123 - a descriptor
        pickled = answer.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise AquaError(f"the process that read {path} failed with status {os.waitstatus_to_exitcode(status)}")
    outcome = pickle.loads(pickled)  # noqa: S301 - from our own child
    if isinstance(outcome, ConfigError):
        raise outcome
    assert isinstance(outcome, Gateway)  # noqa: S101 - the child sends nothing else
    return outcome


def _answer(path: Path, sending: int) -> NoReturn:
    """The child's part: a Gateway or a ConfigError as a pickle; for a bug, its traceback on standard error."""
    status = 1
    try:
        from agent.config import file

        outcome: Gateway | ConfigError
        try:
            outcome = file.load(path)
        except ConfigError as error:
            outcome = error
        with open(sending, "wb") as answer:
            pickle.dump(outcome, answer)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
