"""What an instance remembers beyond its process: records, stores, and the thread that writes."""
