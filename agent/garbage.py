"""How often Python looks for objects that only hold each other."""

import gc

_AFTER = 20_000


def look_for_circles_seldom() -> None:
    """Readings and records come by the thousand and never form circles, but every 700 of them started a search: an
    eighth of all processor time while a backlog drains. What the program itself consists of is not looked at again.
    """
    gc.freeze()
    gc.set_threshold(_AFTER)
