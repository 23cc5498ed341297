"""How many records are sent at once: as many as the sink takes in time. Pure."""

_TIMES_BEFORE_MORE = 20


class BatchSize:
    """`now` records, between 1 and `most`: halved when they were too many, a quarter more when that many went in.

    It stops growing a fifth below what was too many, since finding out costs a time-out; only after many batches of
    that size more is tried again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._ceiling = most
        self._times = 0
        self.now = most

    def taken(self, records: int) -> None:
        """So many went in at once. Fewer than were allowed prove nothing about more."""
        if records < self.now:
            return
        self._times += 1
        if self.now == self._ceiling and self._times >= _TIMES_BEFORE_MORE:
            self._ceiling = min(self._most, _quarter_more(self._ceiling))
        self.now = min(self._ceiling, _quarter_more(self.now))

    def too_many(self, records: int) -> None:
        """So many were too large, or took too long. That one took too long says nothing about sizes."""
        if records == 1:
            return
        self._times = 0
        self._ceiling = max(1, min(self._ceiling, records * 4 // 5))
        self.now = max(1, min(self.now, records) // 2)


def _quarter_more(records: int) -> int:
    return records + records // 4 + 1
