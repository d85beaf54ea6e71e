"""Reports to status: monitor, collector, history, what is unusual."""
