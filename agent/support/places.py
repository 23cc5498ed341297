"""Where a configuration, right or wrong, keeps its secrets."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def secrets_of(document: Any, folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The text of every file and credential that the document names and that can be read."""
    if isinstance(document, list):
        for value in document:
            yield from secrets_of(value, folder, environment)
    elif isinstance(document, Mapping):
        for key, value in document.items():
            if key == "credential" and (credentials := environment.get("CREDENTIALS_DIRECTORY")):
                yield from _text(Path(credentials) / str(value))
            elif key in ("file", "token_file", "key_file"):
                yield from _text(folder / str(value))
            else:
                yield from secrets_of(value, folder, environment)


def _text(path: Path) -> Iterator[str]:
    with suppress(OSError, ValueError):  # what cannot be read cannot leak
        if text := path.read_text(encoding="utf-8").strip():
            yield text
