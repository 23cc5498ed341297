"""Reading gateway.toml: the file, overridden by the environment, with its secrets put in.

`AQUA_MQTT__HOST=broker` overrides `host` in `[mqtt]`; likewise for every key of the tables gateway, mqtt, ring_buffer,
alarms and sinks. A gateway.toml that everybody on the machine can write is refused.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from agent.config.build import build
from agent.config.document import Document
from agent.config.farm import Gateway
from agent.config.modes import open_to_all
from agent.config.problems import ConfigError, Problem
from agent.config.secrets import Secrets


class _Overridable(BaseSettings):
    """The tables the environment may override."""

    model_config = SettingsConfigDict(env_prefix="AQUA_", env_nested_delimiter="__")

    gateway: dict[str, Any] = {}
    mqtt: dict[str, Any] = {}
    ring_buffer: dict[str, Any] = {}
    alarms: dict[str, Any] = {}
    sinks: dict[str, dict[str, Any]] = {}


def load(path: Path, to_run: bool = False) -> Gateway:
    """The gateway that `path` describes. Raises ConfigError with every mistake in it.

    Only one that is `to_run` needs the credentials that systemd keeps for the service; commands by hand use none.
    """
    problems: list[Problem] = []
    if exposed := open_to_all("the file itself", path):
        problems.append(exposed)
    document = merged(_read(path), _from_environment(problems))
    document = Secrets(path.parent, problems, to_run).put_in(document)
    gateway = build(Document(document, path.parent, problems))
    if gateway is not None:
        folders = {gateway.runtime_dir: "gateway.runtime_dir", gateway.state_dir: "gateway.state_dir"}
        problems += [exposed for folder, key in folders.items() if (exposed := open_to_all(key, folder))]
    if gateway is None or problems:
        raise ConfigError(path, problems)
    return gateway


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "begin one with sudo aqua-gateway init, or name the configuration file"
        problem = Problem(str(path), "", "there is no such file", remedy)
    except OSError as error:
        problem = Problem(
            str(path), "", f"cannot be read: {error.strerror}", "check who may read it: ls -l " + str(path)
        )
    except UnicodeDecodeError:
        problem = Problem(str(path), "", "is not UTF-8 text", "save it as plain UTF-8 text")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = f"is not TOML: {error}"
        problem = Problem(
            str(path), "", reason, "correct that line; text needs quotation marks, tables need [brackets]"
        )
    raise ConfigError(path, [problem])


def _from_environment(problems: list[Problem]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = EnvSettingsSource(_Overridable)()
    except SettingsError:
        reason = "a variable that begins with AQUA_ names a whole table, and is not JSON"
        problems.append(Problem("the environment", "", reason, "write for example AQUA_MQTT__HOST=broker"))
        return {}
    return found


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `over` put over it, table by table."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
