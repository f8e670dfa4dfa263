"""Metrics by name on a subject, a run or anybody's arrays, and what is kept of their results."""
