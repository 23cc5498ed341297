"""Bearer tokens from a file that somebody else keeps fresh."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

from agent.domain.errors import SinkMisconfigured


def token_of(file: Path) -> Callable[[str], tuple[str, float]]:
    """librdkafka's callback, which it calls whenever it needs another token."""
    return lambda _: read_token(file)


def read_token(file: Path) -> tuple[str, float]:
    """The token, and the second (UTC) at which it ends, as it says itself.

    Raises SinkMisconfigured, naming the file, for one that cannot be read, is no JSON Web Token with an `exp`, or over.
    """
    try:
        text = file.read_text("ascii").strip()
        claims = text.split(".")[1]
        ends_s = float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except OSError as error:
        raise SinkMisconfigured(f"token_file {file}: {error.strerror}") from None
    except (IndexError, KeyError, TypeError, ValueError):
        raise SinkMisconfigured(f"token_file {file} holds no JSON Web Token with an expiry") from None
    if ends_s <= time.time():
        raise SinkMisconfigured(f"token_file {file}: the token has expired; is it kept fresh, and is the clock right?")
    return text, ends_s
