"""Trainer, checkpoints, run folders, recipes. Knows time and devices, not losses."""
