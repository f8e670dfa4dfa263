"""Run hooks written to TensorBoard, Weights & Biases, trackio and MLflow; none is imported unless asked for."""
