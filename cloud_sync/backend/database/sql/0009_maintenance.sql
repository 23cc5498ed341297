-- How much a tank's sensors want attention, 0 to 100: 0.4 degradation + 0.3 missing readings + 0.3 anomalies.
--
-- Time is cut into spans as long as a sensor's expected_interval (else 5 minutes), so that neither how fast a sensor
-- reports nor how many there are changes the scale.
--   sensor_degradation        percent of full quality lost a week, by the trend of the daily means (0 if it rises);
--                             `quality_trend_per_day` keeps the sign
--   reading_frequency_issues  percent of the expected spans, of every active sensor since it was there, without a value
--   anomaly_frequency         10 for each span a day whose mean is off by more than 3 deviations of the 24 hours up to it
-- Each is clamped to 0-100; unknown (null) while there are no sensors, or no two days to tell a trend from.

CREATE FUNCTION analytics.calculate_maintenance_score(
    p_tank_id UUID,
    p_days INTEGER DEFAULT 7,
    p_at TIMESTAMPTZ DEFAULT now()
)
RETURNS JSONB LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT p_at - make_interval(hours => 24 * p_days) AS since
    ),
    sensors AS (
        SELECT s.id, coalesce(s.expected_interval, INTERVAL '5 minutes') AS every,
               extract(epoch FROM coalesce(s.expected_interval, INTERVAL '5 minutes')) AS seconds,
               greatest(span.since, coalesce(s.installation_date, first_one.time)) AS since
        FROM sensor_data.sensors s
        CROSS JOIN span
        LEFT JOIN LATERAL (
            SELECT r.time FROM sensor_data.readings r WHERE r.sensor_id = s.id ORDER BY r.time LIMIT 1
        ) first_one ON true
        WHERE s.tank_id = p_tank_id AND s.is_active
    ),
    spans AS (
        SELECT s.id AS sensor_id, s.since,
               p_at - floor(extract(epoch FROM p_at - r.time) / s.seconds) * s.every AS ending,
               avg(r.value) FILTER (WHERE r.quality_score >= 0.7) AS value
        FROM sensors s
        CROSS JOIN span
        JOIN sensor_data.readings r ON r.sensor_id = s.id AND r.value IS NOT NULL
            AND r.time > span.since - INTERVAL '24 hours' AND r.time <= p_at
        GROUP BY 1, 2, 3
    ),
    missing AS (
        SELECT 100 * (1 - seen.count / nullif(expected.count, 0)) AS percent
        FROM (SELECT sum(greatest(1, ceil(extract(epoch FROM p_at - since) / seconds))) AS count FROM sensors) expected
        CROSS JOIN (SELECT count(*) FROM spans WHERE ending > since) seen
    ),
    judged AS (
        SELECT ending, value, avg(value) OVER day AS mean, stddev_samp(value) OVER day AS deviation
        FROM spans
        WHERE value IS NOT NULL
        WINDOW day AS (PARTITION BY sensor_id ORDER BY ending
                       RANGE BETWEEN INTERVAL '24 hours' PRECEDING AND CURRENT ROW)
    ),
    anomalies AS (
        SELECT count(*) * 10.0 / nullif(p_days, 0) AS a_day
        FROM judged CROSS JOIN span
        WHERE ending > span.since AND abs(value - mean) > 3 * deviation
    ),
    days AS (
        SELECT floor(extract(epoch FROM p_at - r.time) / 86400) AS ago, avg(r.quality_score) AS quality
        FROM sensor_data.readings r CROSS JOIN span
        WHERE r.tank_id = p_tank_id AND r.time > span.since AND r.time <= p_at
        GROUP BY 1
    ),
    trend AS (
        SELECT -regr_slope(quality, ago::double precision) AS a_day FROM days
    ),
    parts AS (
        SELECT
            CASE WHEN trend.a_day IS NOT NULL THEN least(100, greatest(0, -700 * trend.a_day)) END AS degradation,
            CASE WHEN missing.percent IS NOT NULL THEN least(100, greatest(0, missing.percent)) END AS missing,
            CASE WHEN anomalies.a_day IS NOT NULL THEN least(100, anomalies.a_day) END AS anomalies,
            trend.a_day AS trend
        FROM trend CROSS JOIN missing CROSS JOIN anomalies
    ),
    scored AS (
        SELECT parts.*, 0.4 * degradation + 0.3 * missing::double precision + 0.3 * anomalies::double precision AS score
        FROM parts
    )
    SELECT jsonb_build_object(
        'maintenance_score', score,
        'sensor_degradation', degradation,
        'reading_frequency_issues', missing::double precision,
        'anomaly_frequency', anomalies::double precision,
        'quality_trend_per_day', trend,
        'recommendation', CASE
            WHEN score IS NULL THEN 'Not enough readings to judge'
            WHEN score > 80 THEN 'Immediate maintenance required'
            WHEN score > 60 THEN 'Schedule maintenance soon'
            WHEN score > 40 THEN 'Monitor closely'
            ELSE 'System operating normally' END,
        'calculated_at', p_at)
    FROM scored
$$;
