"""Other agent systems' records, to and from spans: one pair of functions each."""
