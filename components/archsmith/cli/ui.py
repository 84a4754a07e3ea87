"""The command that shows the searches of a store in a browser."""

import webbrowser

import click

from archsmith.cli.command import STORE, command


@command("archsmith ui --port 8080")
@STORE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; any free one with 0.")
@click.option("--base-path", default="", metavar="PATH", help="Path that all addresses begin with, such as /archsmith.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A further name that the pages are asked by; may be repeated.")
@click.option("--open/--no-open", "opens", default=False, help="Open it in the browser.")
def ui(store: str | None, host: str, port: int, base_path: str, allow_host: tuple[str, ...], opens: bool) -> None:
    """Show the searches of a store in a browser, as they run; it changes nothing. Ctrl-C ends it.

    There are no passwords: it listens to this machine alone, unless --host says otherwise.
    """
    from archsmith.stores import absolute_uri, default_uri
    from archsmith.ui.server import serve

    def started(address: str) -> None:
        click.echo(f"Searches of {uri}: {address}")
        if opens:
            webbrowser.open(address)

    uri = absolute_uri(store or default_uri())
    serve(uri, host, port, base=base_path, allowed=allow_host, started=started)
