"""Our own loggers, registered the way an outsider's are."""

from __future__ import annotations

from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import LoggerSpec


@hookimpl
def disent_loggers() -> list[LoggerSpec]:
    """TensorBoard, Weights & Biases, trackio and MLflow."""
    kinds = {
        "tensorboard": ("Event files in the run folder.", "tensorboard:TensorBoard"),
        "wandb": ("A run of Weights & Biases, online or offline.", "wandb:Wandb"),
        "trackio": ("A run of trackio, by the same calls.", "wandb:Trackio"),
        "mlflow": ("A run of MLflow, on a server or in ./mlruns.", "mlflow:Mlflow"),
    }
    return [
        LoggerSpec(
            name=name,
            summary=summary,
            target=f"disent_plugins.loggers.{target}",
            install=f"pip install 'disent-plugins[{name}]'",
        )
        for name, (summary, target) in kinds.items()
    ]
