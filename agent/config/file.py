"""Reading gateway.toml: the file, overridden by the environment, with its secrets put in.

`AQUA_MQTT__HOST=broker` overrides `host` in `[mqtt]`; likewise for every key of the tables gateway, mqtt, ring_buffer,
alarms and sinks. A secret is never written into the file: `password = {file = "/etc/…"}` or
`password = {credential = "mqtt"}`, which reads the systemd credential of that name. A file with a secret, or with a key
or a token, that everybody on the machine can read is refused, and so is a gateway.toml that everybody can write.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from agent.config.build import build
from agent.config.document import Document
from agent.config.farm import Gateway
from agent.config.findings import shown
from agent.config.modes import open_secret, open_to_all
from agent.config.problems import ConfigError, Problem
from agent.domain.secret import Secret

_KEY_FILES = (".key_file", ".token_file")


class _Overridable(BaseSettings):
    """The tables the environment may override."""

    model_config = SettingsConfigDict(env_prefix="AQUA_", env_nested_delimiter="__")

    gateway: dict[str, Any] = {}
    mqtt: dict[str, Any] = {}
    ring_buffer: dict[str, Any] = {}
    alarms: dict[str, Any] = {}
    sinks: dict[str, dict[str, Any]] = {}


def load(path: Path) -> Gateway:
    """The gateway that `path` describes. Raises ConfigError with every mistake in it."""
    problems: list[Problem] = []
    if exposed := open_to_all("the file itself", path):
        problems.append(exposed)
    document = merged(_read(path), _from_environment(problems))
    document = _with_secrets(document, "", path.parent, problems)
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


def _with_secrets(value: Any, key: str, folder: Path, problems: list[Problem]) -> Any:
    """The document with every `{file = …}` and `{credential = …}` replaced by the Secret it names."""
    if isinstance(value, list):
        return [_with_secrets(item, f"{key}[{n}]", folder, problems) for n, item in enumerate(value)]
    if isinstance(value, str) and "\0" in value:
        problems.append(Problem(key, shown(value), "holds a NUL character", "remove it"))
        return value.replace("\0", "")
    if (
        isinstance(value, str)
        and key.endswith(_KEY_FILES)
        and (exposed := open_secret(key, shown(value), folder / value))
    ):
        problems.append(exposed)
    if not isinstance(value, dict):
        return value
    if key and len(value) == 1 and (source := next(iter(value))) in ("file", "credential"):
        return _secret(source, _with_secrets(str(value[source]), key, folder, problems), key, folder, problems)
    return {
        name: _with_secrets(item, f"{key}.{name}" if key else name, folder, problems) for name, item in value.items()
    }


def _secret(source: str, name: str, key: str, folder: Path, problems: list[Problem]) -> Secret:
    text = f'{{{source} = "{name}"}}'
    missing = Secret("missing", text)  # never used, and wrong for no other reason
    if source == "file":
        path = folder / name
        remedy = f"write the secret into {path}, readable by the gateway's user only"
    elif credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
        path = Path(credentials) / name
        remedy = f"add LoadCredential={name}:/path/of/the/secret to the service"
    else:
        problems.append(
            Problem(key, text, "systemd gave no credentials to this process", "use {file = …} outside systemd")
        )
        return missing
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(Problem(key, text, f"{path} cannot be read: {error.strerror}", remedy))
        return missing
    except UnicodeDecodeError:
        problems.append(Problem(key, text, f"{path} is not UTF-8 text", remedy))
        return missing
    if not secret:
        problems.append(Problem(key, text, f"{path} is empty", remedy))
        return missing
    if source == "file" and (exposed := open_secret(key, text, path)):
        problems.append(exposed)
    return Secret(secret, text)
