-- Days of which readings came after TimescaleDB's policies had looked at them for the last time: to be added up again.
-- `batches` tells a day that got more meanwhile.
CREATE TABLE aqua.late_days (
    day DATE PRIMARY KEY,
    batches BIGINT NOT NULL DEFAULT 1,
    noticed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
