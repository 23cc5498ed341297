"""Secrets, which are never written into gateway.toml itself.

`password = {file = "/etc/…"}` names a file, `password = {credential = "mqtt"}` a credential of systemd. A file with a
secret, or with a key or a token, that everybody on the machine can read is refused.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config.findings import shown
from agent.config.modes import open_secret
from agent.config.problems import Problem
from agent.domain.secret import Secret

_KEY_FILES = (".key_file", ".token_file")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Reads them, by names relative to `folder`, and adds to `problems`. Credentials that systemd does not show this
    process are a problem only if they are `needed`; else nobody may use what stands in their place.
    """

    folder: Path
    problems: list[Problem]
    needed: bool

    def put_in(self, value: Any, key: str = "") -> Any:
        """The document with every `{file = …}` and `{credential = …}` replaced by the Secret it names."""
        if isinstance(value, list):
            return [self.put_in(item, f"{key}[{n}]") for n, item in enumerate(value)]
        if isinstance(value, str) and "\0" in value:
            self.problems.append(Problem(key, shown(value), "holds a NUL character", "remove it"))
            return value.replace("\0", "")
        if (
            isinstance(value, str)
            and key.endswith(_KEY_FILES)
            and (exposed := open_secret(key, shown(value), self.folder / value))
        ):
            self.problems.append(exposed)
        if not isinstance(value, dict):
            return value
        if key and len(value) == 1 and (source := next(iter(value))) in ("file", "credential"):
            return self._secret(source, self.put_in(str(value[source]), key), key)
        return {name: self.put_in(item, f"{key}.{name}" if key else name) for name, item in value.items()}

    def _secret(self, source: str, name: str, key: str) -> Secret:
        text = f'{{{source} = "{name}"}}'
        missing = Secret("missing", text)  # never used, and wrong for no other reason
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        if source == "file":
            path = self.folder / name
            remedy = f"write the secret into {path}, readable by the gateway's user only"
        elif credentials:
            path = Path(credentials) / name
            remedy = f"add LoadCredential={name}:/path/of/the/secret to the service"
        else:
            if self.needed:
                because, remedy = "systemd gave no credentials to this process", "use {file = …} outside systemd"
                self.problems.append(Problem(key, text, because, remedy))
            return missing
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            self.problems.append(Problem(key, text, f"{path} cannot be read: {error.strerror}", remedy))
            return missing
        except UnicodeDecodeError:
            self.problems.append(Problem(key, text, f"{path} is not UTF-8 text", remedy))
            return missing
        if not secret:
            self.problems.append(Problem(key, text, f"{path} is empty", remedy))
            return missing
        if source == "file" and (exposed := open_secret(key, text, path)):
            self.problems.append(exposed)
        return Secret(secret, text)
