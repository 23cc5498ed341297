"""How far each partition is read: `aqua.offsets`."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.records import Moved, Partition


class Offsets:
    """Those of one consumer group."""

    def __init__(self, group: str) -> None:
        self._group = group

    def positions(self, connection: Connection[Any], partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """What is next of each partition: 0 of one that nobody has read."""
        topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
        connection.execute(
            """INSERT INTO aqua.offsets (consumer_group, topic, partition, next_offset)
               SELECT %s, topic, partition, 0 FROM unnest(%s::text[], %s::int[]) asked (topic, partition)
               ORDER BY topic, partition ON CONFLICT DO NOTHING""",
            [self._group, topics, numbers],
        )
        rows = connection.execute(
            """SELECT topic, partition, next_offset FROM aqua.offsets
               JOIN unnest(%s::text[], %s::int[]) asked (topic, partition) USING (topic, partition)
               WHERE consumer_group = %s""",
            [topics, numbers, self._group],
        ).fetchall()
        return {(topic, number): offset for topic, number, offset in rows}

    def advance(self, connection: Connection[Any], batch: Batch) -> None:
        """Over the batch's records. Raises Moved where a partition is not where the batch begins; nobody else can move
        it until the transaction ends.
        """
        after = batch.after
        partitions = sorted(after)
        rows = connection.execute(
            """SELECT partition, next_offset FROM aqua.offsets
               WHERE consumer_group = %s AND topic = %s AND partition = ANY(%s) ORDER BY partition FOR UPDATE""",
            [self._group, batch.topic, partitions],
        ).fetchall()
        now = dict(rows)
        if moved := [number for number in partitions if now.get(number) != batch.before[number]]:
            raise Moved(batch.topic, moved)
        connection.execute(
            """UPDATE aqua.offsets o SET next_offset = new.next_offset, updated_at = now()
               FROM unnest(%s::int[], %s::bigint[]) new (partition, next_offset)
               WHERE o.consumer_group = %s AND o.topic = %s AND o.partition = new.partition""",
            [partitions, [after[number] for number in partitions], self._group, batch.topic],
        )
