"""Toy representations of known quality, and what every metric must score on them."""
