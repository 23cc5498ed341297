-- The maintenance score on the scale of the specification, the same that gateways compute (`agent/scores/tank.py`):
-- 0.4 degradation + 0.3 missing readings + 0.3 anomalies, each from 0 to 100.
--
-- Time is cut into five minutes of UTC, hours and days into those: p_days times 24 hours, of which the last is that of
-- p_at as far as it has come. So neither how fast a sensor reports nor how many there are changes the scale.
--   sensor_degradation        a million times the slope of the daily mean quality in 1/s, negated (0 if it rises);
--                             `quality_trend_per_day` keeps the sign
--   reading_frequency_issues  percent of the five minutes without a value, of every active sensor since it was there;
--                             fewer are expected of one whose expected_interval is longer
--   anomaly_frequency         ten times the five minutes a day with an anomaly: one that the gateway's 24-hour z-score
--                             saw (fifth of the tests). Where a reading tells no tests, the mean of the five minutes
--                             off by more than 3 deviations of the 24 hours up to it
-- Unknown (null) while there are no sensors, or no two days to tell a trend from.
--
-- Before, degradation was the percent of full quality lost a week, spans were as long as the expected_interval, and
-- every anomaly was judged by means: a tank's two scores, here and at the gateway, differed.

CREATE OR REPLACE FUNCTION analytics.calculate_maintenance_score(
    p_tank_id UUID,
    p_days INTEGER DEFAULT 7,
    p_at TIMESTAMPTZ DEFAULT now()
)
RETURNS JSONB LANGUAGE sql STABLE AS $$
    WITH ends AS (
        SELECT floor(extract(epoch FROM p_at) / 300)::bigint AS span,
               floor(extract(epoch FROM p_at) / 3600)::bigint AS hour
    ),
    span AS (
        SELECT ends.span, ends.hour, 12 * (ends.hour - 24 * p_days + 1) AS begins,
               to_timestamp(3600 * (ends.hour - 24 * p_days + 1)) AS since
        FROM ends
    ),
    first_ones AS (
        SELECT s.id, least(1, 300 / extract(epoch FROM coalesce(s.expected_interval, INTERVAL '5 minutes'))) AS share,
               floor(extract(epoch FROM coalesce(s.installation_date, first_one.time)) / 300)::bigint AS first
        FROM sensor_data.sensors s
        LEFT JOIN LATERAL (
            SELECT r.time FROM sensor_data.readings r WHERE r.sensor_id = s.id AND r.time <= p_at
            ORDER BY r.time LIMIT 1
        ) first_one ON true
        WHERE s.tank_id = p_tank_id AND s.is_active
    ),
    sensors AS (
        SELECT f.id, f.share, greatest(span.begins, coalesce(f.first, min(f.first) OVER (), span.begins)) AS since
        FROM first_ones f CROSS JOIN span
    ),
    known AS (
        SELECT greatest(1, (max(span.span) + 1 - min(s.since)) / 288.0) AS days FROM sensors s CROSS JOIN span
        HAVING count(*) > 0
    ),
    spans AS (
        SELECT s.id AS sensor_id, floor(extract(epoch FROM r.time) / 300)::bigint AS number,
               avg(r.value) FILTER (WHERE r.quality_score >= 0.7) AS value,
               bool_or(substr(r.metadata ->> 'tests', 5, 1) IN ('3', '4')) AS judged
        FROM sensors s
        CROSS JOIN span
        JOIN sensor_data.readings r ON r.sensor_id = s.id AND r.value IS NOT NULL
            AND r.time >= span.since - INTERVAL '24 hours' AND r.time <= p_at
        GROUP BY 1, 2
    ),
    expected AS (
        SELECT s.id AS sensor_id, (span.span + 1 - s.since) * s.share AS count FROM sensors s CROSS JOIN span
    ),
    seen AS (
        SELECT sensor_id, count(*) AS count FROM spans CROSS JOIN span
        WHERE number >= span.begins GROUP BY sensor_id
    ),
    missing AS (
        SELECT 100 * (1 - sum(least(expected.count, coalesce(seen.count, 0)))
                          / nullif(sum(expected.count), 0)) AS percent
        FROM expected LEFT JOIN seen USING (sensor_id)
    ),
    compared AS (
        SELECT number, judged, value, avg(value) OVER day AS mean, stddev_samp(value) OVER day AS deviation
        FROM spans
        WINDOW day AS (PARTITION BY sensor_id ORDER BY number RANGE BETWEEN 288 PRECEDING AND CURRENT ROW)
    ),
    anomalies AS (
        SELECT 10.0 * count(*) FILTER (WHERE coalesce(judged, abs(value - mean) > 3 * deviation)) / max(known.days)
                   AS a_day
        FROM known CROSS JOIN span LEFT JOIN compared ON number >= span.begins
    ),
    days AS (
        SELECT (span.hour - floor(extract(epoch FROM r.time) / 3600)::bigint) / 24 AS ago,
               avg(r.quality_score) AS quality
        FROM sensor_data.readings r CROSS JOIN span
        WHERE r.tank_id = p_tank_id AND r.time >= span.since AND r.time <= p_at
        GROUP BY 1
    ),
    trend AS (
        SELECT -regr_slope(quality, ago::double precision) AS a_day FROM days
    ),
    parts AS (
        SELECT
            CASE WHEN trend.a_day IS NOT NULL THEN least(100, greatest(0, -trend.a_day / 86400 * 1e6)) END
                AS degradation,
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
