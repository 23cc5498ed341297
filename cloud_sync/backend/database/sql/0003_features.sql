-- What models are fed with, and what they say.

CREATE TABLE ml_features.tank_features (
    feature_timestamp TIMESTAMPTZ NOT NULL,
    tank_id UUID NOT NULL,
    features JSONB NOT NULL,
    feature_version TEXT NOT NULL DEFAULT 'v1.0',
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (feature_timestamp, tank_id, feature_version)
);
CREATE INDEX idx_tank_features_tank_id ON ml_features.tank_features (tank_id, feature_timestamp DESC);

-- One model may look several horizons ahead at one time; a horizon of 0 is a judgement of the present.
CREATE TABLE ml_features.predictions (
    prediction_timestamp TIMESTAMPTZ NOT NULL,
    tank_id UUID NOT NULL,
    model_name TEXT NOT NULL,
    model_version TEXT NOT NULL,
    prediction_type TEXT NOT NULL,
    prediction_value DOUBLE PRECISION,
    confidence_score DOUBLE PRECISION CHECK (confidence_score BETWEEN 0 AND 1),
    prediction_horizon INTERVAL NOT NULL DEFAULT INTERVAL '0',
    features_used JSONB,
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (prediction_timestamp, tank_id, model_name, model_version, prediction_type, prediction_horizon)
);
CREATE INDEX idx_predictions_tank_id ON ml_features.predictions (tank_id, prediction_timestamp DESC);
