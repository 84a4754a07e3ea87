"""The command of the pod that runs searches on a cluster."""

from archsmith.cli.command import command


@command("archsmith controller")
def controller() -> None:
    """Run the searches of this pod's namespace; the chart starts it."""
    from archsmith.cluster.controller.operator import serve

    serve()
