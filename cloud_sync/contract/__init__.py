"""What gateway and cloud agree on: topics, records, identity."""
