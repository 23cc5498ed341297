"""The quickest way into a table, for what is news."""

from typing import Any, Final

from psycopg import Connection
from psycopg.errors import DataError, IntegrityError, NotSupportedError, ProgramLimitExceeded

from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.contract.lines import COPY
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

    def copied(self, connection: Connection[Any], batch: Batch) -> bool:
        """Whether all that is good of it is in the table now; else nothing is, and INSERT finds out why."""
        if not self._only_news or batch.sheet is None:
            return False
        try:
            with connection.transaction():  # a savepoint
                with connection.cursor().copy(COPY[batch.topic]) as copy:
                    copy.write(batch.sheet.text)
                for text, columns in registrations(batch.sheet.newest):
                    connection.execute(text, columns)
        except (*REFUSALS, NotSupportedError):  # the last where the table has row security
            self._only_news = False
            return False
        return True

    def learn(self, topic: str, only_news: bool) -> None:
        """Whether a batch was all news."""
        if topic in COPY:
            self._only_news = only_news
