"""Whose turn it is to use the sink: urgency first, but the backlog is never starved. Pure."""

from collections.abc import Sequence

from cloud_sync.uplink.interfaces import Lane

_BY_URGENCY = tuple(Lane)
_BACKLOG_OWED = (Lane.ALERTS, Lane.BACKLOG, *(lane for lane in Lane if lane not in (Lane.ALERTS, Lane.BACKLOG)))
_OTHERS = 2  # slots for each of the backlog's


class Slots:
    """A slot is one send to the sink. While the BACKLOG has something, every third slot that the alerts do not use is
    its own, whatever the other lanes bring; alerts always go first.
    """

    def __init__(self) -> None:
        self._used_by_others = 0

    def order(self) -> Sequence[Lane]:
        """Who is to be asked first for the next slot."""
        return _BACKLOG_OWED if self._used_by_others >= _OTHERS else _BY_URGENCY

    def used(self, lane: Lane, slots: int = 1) -> None:
        """The lane used so many slots in a row."""
        if lane is Lane.BACKLOG:
            self._used_by_others = max(0, self._used_by_others - _OTHERS * slots)
        elif lane is not Lane.ALERTS:
            self._used_by_others += slots

    def passed(self, lane: Lane) -> None:
        """The lane was asked and has nothing to send: what it does not use now is not saved up."""
        if lane is Lane.BACKLOG:
            self._used_by_others = 0
