"""How many records are sent at once: as many as the sink takes in time. Pure."""


class BatchSize:
    """`now` records, between 1 and `most`: halved when they were too many, a quarter more when that many went in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = most

    def taken(self, records: int) -> None:
        """So many went in at once. Fewer than were allowed prove nothing about more."""
        if records >= self.now:
            self.now = min(self._most, self.now + self.now // 4 + 1)

    def too_many(self, records: int) -> None:
        """So many were too large, or took too long."""
        self.now = max(1, min(self.now, records) // 2)
