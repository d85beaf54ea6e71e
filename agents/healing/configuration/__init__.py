"""What is configured at the start, changed at run time, and by whom; the kill switch."""
