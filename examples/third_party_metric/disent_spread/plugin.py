"""What this package adds to disent. Read by every command, so it loads nothing heavy."""

from disent_plugins import MetricSpec, hookimpl


@hookimpl
def disent_metrics():
    return [
        MetricSpec(
            name="spread",
            summary="Share of each code's variance that lies between the classes.",
            target="disent_spread.metric:Spread",
            reference="Fisher, The use of multiple measurements in taxonomic problems, 1936",
            needs=("codes",),
            group="blocks",
        )
    ]
