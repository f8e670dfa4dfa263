"""One module per model; the shared networks and the group algebra beside them."""
