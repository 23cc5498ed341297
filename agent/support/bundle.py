"""The file itself: a tar.gz that its owner alone can read."""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from agent.domain.errors import AquaError
from agent.support.parts import Part
from agent.support.redaction import scrubbed, without_secrets

_HEAD: Final = """What is in this bundle. Passwords, keys and tokens have been taken out; names of tanks, probes, hosts
and users, and the newest readings are in it. Look through it before you give it away.

"""


def write(path: Path, parts: Iterable[Part], secrets: Sequence[str]) -> list[str]:
    """Write what can be had, without any of the secrets; says what it is, line by line.

    Raises AquaError when the file cannot be written; one that exists is not touched.
    """
    contents: list[str] = []
    try:
        with (
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as bundle,
        ):
            for part in parts:
                made, told = _made(part)
                contents.append(f"{part.name:<28} {scrubbed(told, secrets)}")
                if made is not None:
                    _add(bundle, path, part.name, _text(made, secrets))
            _add(bundle, path, "CONTENTS.txt", _HEAD + "\n".join(contents) + "\n")
    except OSError as error:
        raise AquaError(f"{path} cannot be written: {error.strerror}; choose another with --output") from error
    return contents


def _made(part: Part) -> tuple[Any, str]:
    """Its content, if there is one, and what it is or why it is missing."""
    try:
        return part.make(), part.what
    except AquaError as error:
        return None, f"missing: {error}"
    except Exception as error:  # whoever needs a bundle has trouble enough: one part's bug spoils no other
        return None, f"missing: {type(error).__name__}: {error}"


def _text(made: Any, secrets: Sequence[str]) -> str:
    if isinstance(made, str):
        return scrubbed(made, secrets)
    return json.dumps(without_secrets(made, secrets), ensure_ascii=False, indent=2, default=str) + "\n"


def _add(bundle: tarfile.TarFile, path: Path, name: str, text: str) -> None:
    content = text.encode(errors="backslashreplace")
    entry = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/{name}")
    entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
    bundle.addfile(entry, io.BytesIO(content))
