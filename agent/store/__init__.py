"""The only SQL on the gateway: readings, alarms and how far each sink has got, in one SQLite file."""
