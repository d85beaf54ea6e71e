"""What a run says in the end: the closing table, pictures, the page."""
