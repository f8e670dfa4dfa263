"""Metrics of codes against known factors of variation, the field's standard ones: one module each."""
