"""The speed of training, measured against what bounds it and against what people write otherwise."""
