"""The quickest way into a table, for what is news."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import DataError, IntegrityError, NotSupportedError, ProgramLimitExceeded

from cloud_sync.backend.ingest.records import Record
from cloud_sync.contract.lines import COPY, body, in_order, newest
from cloud_sync.contract.rows import registrations

# What the database says against a row, not against us: SQLSTATE classes 22, 23 and 54.
REFUSALS: Final = (DataError, IntegrityError, ProgramLimitExceeded)


class Copier:
    """COPY makes PostgreSQL work a quarter less than INSERT, but it has no ON CONFLICT: one row that is there already,
    or that is refused, undoes them all. So it is for news alone; when something else came, not before all was news
    again.
    """

    def __init__(self) -> None:
        self._only_news = True

    def copied(self, connection: Connection[Any], topic: str, records: Sequence[Record]) -> bool:
        """Whether all of them are in the table now; else none is, and INSERT finds out why."""
        if not self._only_news or topic not in COPY:
            return False
        lines = in_order([record.line for record in records])
        try:
            with connection.transaction():  # a savepoint
                with connection.cursor().copy(COPY[topic]) as copy:
                    copy.write("".join(lines))
                for text, columns in registrations(list(map(body, newest(lines)))):
                    connection.execute(text, columns)
        except (*REFUSALS, NotSupportedError):  # the last where the table has row security
            self._only_news = False
            return False
        return True

    def learn(self, topic: str, only_news: bool) -> None:
        """Whether a batch was all news."""
        if topic in COPY:
            self._only_news = only_news
