"""Loggers: the run hooks written to TensorBoard, Weights & Biases, trackio and MLflow. None is imported unless asked for."""
