"""Files on disk -> one immutable HDF5 cache -> grouped index matrices. One module per data set."""
