"""The life of one alarm after ISA-18.2, as a table: state and event lead to the next state.

Sources: ISA-18.2-2016 / IEC 62682 for the states, OPC UA Part 9 §4.8 for shelving, suppression and latching. While an
alarm is set aside its condition is still followed, so that it can be told when it comes back.
"""

from dataclasses import replace
from typing import Final

from agent.domain.alarm import SET_ASIDE, AlarmState, Event, Standing
from agent.domain.clock import Instant

_A, _B, _C = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED
_D, _E, _F = AlarmState.RETURNED, AlarmState.LATCHED, AlarmState.LATCHED_ACKNOWLEDGED
_G, _H, _I = SET_ASIDE

TABLE: Final[dict[tuple[AlarmState, Event], AlarmState]] = {
    **{(state, Event.RAISED): _B for state in (_A, _D, _E, _F)},
    (_B, Event.CLEARED): _D,  # of an alarm that latches: _E
    (_C, Event.CLEARED): _A,  # of an alarm that latches: _F
    **{(state, event): state for state in SET_ASIDE for event in (Event.RAISED, Event.CLEARED)},
    (_B, Event.ACKNOWLEDGED): _C,
    (_D, Event.ACKNOWLEDGED): _A,
    (_E, Event.ACKNOWLEDGED): _F,
    (_C, Event.REALARMED): _B,
    (_F, Event.RESET): _A,
    **{(state, Event.SHELVED): _G for state in AlarmState if state not in (_H, _I)},
    **{(state, Event.SUPPRESSED): _H for state in AlarmState if state not in (_G, _I)},
    **{(state, Event.REMOVED): _I for state in AlarmState if state is not _I},
    **{(state, Event.RESTORED): _A for state in SET_ASIDE},  # if it is active: _B; if it is latched: _E
}
"""Every pair that is not here does nothing."""

_LATCHING: Final = {_D: _E, _A: _F}
_FOLLOWED: Final = (Event.RAISED, Event.CLEARED)
_FOR_A_WHILE: Final = (Event.SHELVED, Event.SUPPRESSED)


def after(before: Standing, event: Event, at: Instant, latches: bool, until_s: float | None = None) -> Standing | None:
    """Where the alarm stands after `event`; None if the event means nothing in this state.

    `latches`: the alarm waits for a reset once it was raised. `until_s` is when a shelving or suppression ends.
    """
    state = TABLE.get((before.state, event))
    if state is None or (event in _FOLLOWED and (event is Event.RAISED) == before.active):
        return None
    standing = before
    match event:
        case Event.RAISED:
            standing = replace(
                before,
                active=True,
                occurrence=before.occurrence + 1,
                raised=f"{at.boot_id}/{at.boot_ms}",
                latched=before.latched or latches,
            )
        case Event.CLEARED:
            standing = replace(before, active=False)
            state = _LATCHING.get(state, state) if before.latched else state
        case Event.RESET:
            standing = replace(before, latched=False)
        case Event.RESTORED if before.active:
            state = _B
        case Event.RESTORED if before.latched:
            state = _E
    if event in _FOLLOWED and state in SET_ASIDE:
        return standing
    ends = until_s if event in _FOR_A_WHILE else None
    return replace(standing, state=state, since_s=at.boot_s, until_s=ends)
