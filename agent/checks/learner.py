"""What has learnt something, and can write it down to go on from after a restart."""

from collections import deque
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar

State = Mapping[str, Any]
"""What was learnt, as JSON has it: numbers, text, None, lists of them, and states within."""


class Learner:
    """The base of all that `learnt` something: numbers, text, None, pairs of numbers, lists and queues of such, and
    what is a learner itself.
    """

    __slots__ = ()

    learnt: ClassVar[tuple[str, ...]] = ()
    """The attributes that hold it."""

    def state(self) -> State:
        """A copy that later values do not change."""
        return {name.lstrip("_"): _plain(getattr(self, name)) for name in self.learnt}

    def restore(self, state: State) -> None:
        """Go on from that state. Raises KeyError, TypeError or ValueError if it is none of this learner, which then
        knows what it knew before.
        """
        values = {name: _like(getattr(self, name), state[name.lstrip("_")]) for name in self.learnt}
        for name, value in values.items():
            setattr(self, name, value)


def _plain(value: Any) -> Any:
    if isinstance(value, Learner):
        return value.state()
    return list(value) if isinstance(value, deque | list) else value


def _like(example: Any, plain: Any) -> Any:
    """`plain` as the kind of thing that `example` is; where that is None, as a number, a pair or None."""
    if isinstance(example, Learner):
        fresh = copy(example)
        fresh.restore(plain)
        return fresh
    if isinstance(example, deque):
        return deque(map(_one, plain), example.maxlen)
    if isinstance(example, list):
        return list(map(_one, plain))
    if isinstance(example, bool | int | float):
        return _number(plain)
    if isinstance(example, str):
        return _text(plain)
    if plain is None:
        return None
    return _one(plain)


def _one(plain: Any) -> Any:
    return _pair(plain) if isinstance(plain, list | tuple) else _number(plain)


def _pair(plain: Sequence[Any]) -> tuple[float, float]:
    first, second = plain
    return _number(first), _number(second)


def _text(plain: Any) -> str:
    if not isinstance(plain, str):
        raise TypeError(f"{plain!r} is no text")
    return plain


def _number(plain: Any) -> Any:
    if not isinstance(plain, bool | int | float):
        raise TypeError(f"{plain!r} is no number")
    return plain
