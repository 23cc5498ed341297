"""Text that PostgreSQL takes: no NUL, and no half characters."""

from collections.abc import Mapping
from typing import Any


def is_storable(json: str) -> bool:
    """Whether a JSON text has no such in it. It may say no where all is well."""
    try:
        json.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in json


def clean(value: Any) -> Any:
    """The value with texts that can be stored: of what a garbled reply can bring into a reason, NUL becomes � and half
    a character a text such as `\\udc80`, as in Avro.
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(map(_storable, value))
    if isinstance(value, Mapping):
        return {key: clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [clean(part) for part in value]
    return value


def _storable(character: str) -> str:
    return "\ufffd" if character == "\0" else character.encode("utf-8", "backslashreplace").decode()
