"""Codes from anywhere: arrays, files and columns, checked and made one type."""
