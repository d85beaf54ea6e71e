"""What an instance shows to monitoring: one table of instruments, a file for each target."""
