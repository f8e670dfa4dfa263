"""Metrics of two codes, content and style, against each other and against what groups share: one module each."""
