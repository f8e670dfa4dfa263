"""Data sets of one's own, without a plugin: a folder of pictures, a file of arrays, a data set in Python."""
