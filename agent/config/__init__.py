"""gateway.toml, the environment and the secrets → the frozen objects the house is built from.

`load` is the way in; every mistake is found and told at once, before anything is opened. The only pydantic there is.
"""

from agent.config.farm import Gateway, SinkChoice
from agent.config.load import load
from agent.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Gateway", "Problem", "SinkChoice", "load"]
