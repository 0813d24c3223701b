"""xpander.ai's activity threads, and their conversion to and from spans."""
