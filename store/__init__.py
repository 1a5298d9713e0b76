"""Everything lands: the journal, InfluxDB, recordings."""
