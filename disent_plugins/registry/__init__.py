"""Names -> specs -> objects. Knows nothing about tensors, files or terminals."""
