"""gateway.toml, the environment and the secrets → the frozen objects the house is built from.

`load` is the way in; every mistake is found and told at once, before anything is opened. `load_apart` and `load_anew`
do the same in a process of its own, for the gateway that is to run. The only pydantic there is, imported when something
is loaded.
"""

from pathlib import Path

from agent.config.apart import load_anew, load_apart
from agent.config.farm import Gateway, NotifyChoice, SinkChoice
from agent.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Gateway", "NotifyChoice", "Problem", "SinkChoice", "load", "load_anew", "load_apart"]


def load(path: Path) -> Gateway:
    """The gateway that `path` describes, for a command that looks at it (see `agent.config.file`). Raises ConfigError
    with every mistake in it.
    """
    from agent.config import file

    return file.load(path)
