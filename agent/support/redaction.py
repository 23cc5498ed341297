"""Taking secrets out of what leaves the gateway, also out of a configuration that is wrong.

Two nets. By place: what stands at a key that is named like a secret, and the user of a URL. By text: every secret that
was found that way, and every one that a file or a credential holds, is taken out wherever it stands.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

REDACTED: Final = "(redacted)"
_SECRET_KEY: Final = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|credential|api_?key|private|authori[sz]ation|cookie|dsn|_key$|^key$",
    re.I,
)
_NO_SECRET: Final = re.compile(r"_(file|url|scope|mechanism)$", re.I)  # where to find one, or how it is used
_IN_A_URL: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user>[^/?#\s\"']*)@", re.I)
_ASSIGNED: Final = re.compile(
    r"(?P<name>\b[\w-]*(?:password|passwd|passphrase|secret|token|api_?key)[\"']?\s*[=:]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|(?:bearer |basic )?[^\s,;&(){}\[\]\"']+)",
    re.I,
)
_BEARER: Final = re.compile(r"(?P<name>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.I)
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_SHORTEST: Final = 3  # shorter ones are in every word; they are taken out by their place only


def secrets_in(document: Any, key: str = "") -> Iterator[str]:
    """Every text that stands at a secret's place in a document; not the name of a file or a credential."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from () if _names_a_place(value) else secrets_in(value, str(name) if not _secret(key) else key)
    elif isinstance(document, list):
        for value in document:
            yield from secrets_in(value, key)
    elif _secret(key):
        yield str(document)
    elif isinstance(document, str):
        with suppress(ValueError, RecursionError):  # the environment may hold a whole table as JSON
            if isinstance(table := json.loads(document), Mapping | list):
                yield from secrets_in(table, key)
        for found in _IN_A_URL.finditer(document):
            user, _, password = found["user"].partition(":")
            yield from (text for text in (found["user"], password or user, unquote(password or user)) if text)


def without_secrets(document: Any, secrets: Iterable[str] = (), key: str = "") -> Any:
    """The same document, with `REDACTED` in the place of each, and of those `secrets` wherever they stand."""
    if isinstance(document, Mapping):
        inherited = key if _secret(key) and not _names_a_place(document) else ""
        return {
            scrubbed(str(name), secrets): without_secrets(value, secrets, inherited or str(name))
            for name, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [without_secrets(value, secrets, key) for value in document]
    if _secret(key) and document is not None:
        return REDACTED
    return scrubbed(document, secrets) if isinstance(document, str) else document


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without those secrets, however they are written there, and without what looks like one."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    text = _PEM.sub(REDACTED, text)
    text = _IN_A_URL.sub(rf"\g<scheme>{REDACTED}@", text)
    text = _BEARER.sub(rf"\g<name>{REDACTED}", text)
    return _ASSIGNED.sub(rf"\g<name>{REDACTED}", text)


def _forms(secret: str) -> set[str]:
    """As it is, and as JSON, Python and URLs write it."""
    in_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    forms = {secret, secret.strip(), *in_json, repr(secret)[1:-1]}
    forms |= {written(secret, safe="") for written in (quote, quote_plus) if secret.isprintable()}
    return {form for form in forms if len(form) >= _SHORTEST}


def _secret(key: str) -> bool:
    return bool(_SECRET_KEY.search(key)) and not _NO_SECRET.search(key)


def _names_a_place(value: Any) -> bool:
    """`{file = "…"}` or `{credential = "…"}`."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in ("file", "credential")
