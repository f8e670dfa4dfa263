"""Arrays in, values with their reference points out: one module per metric."""
