"""From Kafka into the database: `aqua-backend ingest`.

    Source ──records──▶ Decoder ──bodies──▶ a Lane a topic ──batches──▶ Writer: one transaction
                                                                        offsets · rows · dead letters · late days

- **Rows once.** How far a partition is read stands in `aqua.offsets`, and moves in the transaction that writes its
  rows. What Kafka is told is for tools that show lag; nothing here reads it. Two owners of a partition, as there are
  for a moment while a group rearranges itself, lock its line one after the other, and the second finds it moved. Who
  sets a line back has the records from there on read again, which changes no row.
- **Readings are decoded to the lines of COPY**, while the database is at the batch before. COPY is for a batch of news
  alone; any other goes in by statements that can tell what is wrong with whom.
- **A record that cannot be used** (its bytes, its schema's id, or what the database says to it alone) goes to
  `sensor-readings-dlq` and `aqua.dead_letters`, and is in the first before the offset moves; after a crash between the
  two it may be there twice.
- **What is wrong with everything is no record's fault.** While the database, the registry or Kafka is away, or refuses
  even what it took before, nothing is set aside and no offset moves: it is tried again, with full jitter, and Kafka is
  not asked for more than a batch a topic. It is polled all the while, so that the group keeps its member.
- **Hours and days that were added up** before a late reading came are remembered with it, and added up again soon.
"""
