-- How far the ingestion has read, moved in the same transaction as the rows; and what it could not use.

CREATE TABLE aqua.offsets (
    consumer_group TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL CHECK (next_offset >= 0),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition)
);

CREATE TABLE aqua.dead_letters (
    time TIMESTAMPTZ NOT NULL DEFAULT now(),
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    record_offset BIGINT NOT NULL,
    record_time TIMESTAMPTZ,
    key BYTEA,
    value BYTEA,
    reason TEXT NOT NULL,
    error TEXT NOT NULL,
    consumer TEXT NOT NULL,
    PRIMARY KEY (consumer, topic, partition, record_offset)
);
