"""What alarms mean and what to do: `advice.toml` here, and the one beside gateway.toml over it."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from agent.config.document import Document
from agent.config.findings import not_a_table, unknown_key
from agent.domain.alarm import Advice, Alarm, AlarmKind
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity

FILE = "advice.toml"
_KEYS = ("cause", "consequence", "response")
_LONGEST = 400


def advice(document: Document) -> Callable[[Alarm], Advice]:
    """Gives every alarm its advice. The farm's mistakes are in the document then."""
    own = _own(document)

    def given(alarm: Alarm) -> Advice:
        kind = alarm.kind.value
        sensor_type = alarm.source.quantity.sensor_type if isinstance(alarm.source, Sensor) else ""
        words: dict[str, str] = {}
        for table in (_ours().get(kind, {}), own.get(kind, {})):
            words |= table | table.get(sensor_type, {})
        return Advice(*(words[key] for key in _KEYS))

    return given


@cache
def _ours() -> dict[str, Any]:
    return tomllib.loads(files("agent.config").joinpath(FILE).read_text(encoding="utf-8"))


def _own(document: Document) -> dict[str, Any]:
    path = document.folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        document.wrong(str(path), None, f"cannot be read: {error}", "correct it, or remove it")
        return {}
    before = len(document.problems)
    for kind, table in found.items():
        _check(document, f"{path}: {kind}", kind, [kind.value for kind in AlarmKind], table)
    return found if len(document.problems) == before else {}


def _check(document: Document, key: str, name: str, names: list[str], table: Any) -> None:
    if name not in names:
        document.problems.append(unknown_key(key, names))
    elif not isinstance(table, dict):
        document.problems.append(not_a_table(key, table))
    else:
        for word, said in table.items():
            _check_word(document, f"{key}.{word}", word, said)


def _check_word(document: Document, key: str, word: str, said: Any) -> None:
    if isinstance(said, Mapping) and word not in _KEYS:
        _check(document, key, word, [quantity.sensor_type for quantity in Quantity], said)
    elif word not in _KEYS:
        document.problems.append(unknown_key(key, _KEYS))
    elif not isinstance(said, str) or not said.strip() or len(said) > _LONGEST:
        document.wrong(key, said, f"is no text of at most {_LONGEST} letters", "write a sentence or two")
