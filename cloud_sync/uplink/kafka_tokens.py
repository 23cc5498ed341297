"""Bearer tokens from a file that somebody else keeps fresh."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException


def token_of(file: Path) -> Callable[[str], tuple[str, float]]:
    """librdkafka's callback: the token, and the second (UTC) at which it ends, as it says itself.

    Raises KafkaException, naming the file, for one that cannot be read or is no JSON Web Token with an `exp`.
    """

    def token(_: str) -> tuple[str, float]:
        try:
            text = file.read_text("ascii").strip()
            claims = text.split(".")[1]
            content = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
            return text, float(content["exp"])
        except OSError as error:
            raise _refused(f"token_file {file}: {error.strerror}") from None
        except (IndexError, KeyError, TypeError, ValueError):
            raise _refused(f"token_file {file} holds no JSON Web Token with an expiry") from None

    return token


def _refused(reason: str) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._AUTHENTICATION, reason))
