"""The database `aquacontrol_timeseries`: numbered migrations in `sql/`, and what is done to it now and then."""
