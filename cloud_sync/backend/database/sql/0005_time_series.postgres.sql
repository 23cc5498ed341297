-- Without TimescaleDB the tables stay as they are, and hours and days are added up anew for every question.

CREATE VIEW analytics.hourly_readings AS
SELECT
    date_trunc('hour', time, 'UTC') AS time,
    sensor_id,
    tank_id,
    sensor_type,
    count(*) AS readings,
    count(value) FILTER (WHERE quality_score >= 0.7) AS usable,
    sum(value) FILTER (WHERE quality_score >= 0.7) AS sum_value,
    sum(value * value) FILTER (WHERE quality_score >= 0.7) AS sum_squares,
    min(value) FILTER (WHERE quality_score >= 0.7) AS min_value,
    max(value) FILTER (WHERE quality_score >= 0.7) AS max_value,
    stddev_samp(value) FILTER (WHERE quality_score >= 0.7) AS stddev_value,
    sum(quality_score) AS sum_quality
FROM sensor_data.readings
GROUP BY 1, sensor_id, tank_id, sensor_type;

CREATE VIEW analytics.daily_readings AS
SELECT
    date_trunc('day', time, 'UTC') AS time,
    sensor_id,
    tank_id,
    sensor_type,
    sum(readings)::bigint AS readings,
    sum(usable)::bigint AS usable,
    sum(sum_value) AS sum_value,
    sum(sum_squares) AS sum_squares,
    min(min_value) AS min_value,
    max(max_value) AS max_value,
    sum(sum_quality) AS sum_quality,
    count(*) FILTER (WHERE sensor_type = 'DissolvedOxygen' AND min_value < 2) AS oxygen_critical_hours
FROM analytics.hourly_readings
GROUP BY 1, sensor_id, tank_id, sensor_type;
