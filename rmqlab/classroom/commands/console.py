"""`rmqlab console`: a cluster in the browser, as an operator wants to see it."""

from __future__ import annotations

import webbrowser

import click

from rmqlab.classroom.commands.clusters import name_option
from rmqlab.classroom.commands.messages import name_servers_option
from rmqlab.classroom.console.source import find
from rmqlab.classroom.ports import check_free
from rmqlab.remoting import LOOPBACK

PORT = 8080
"""The article's console is there, too."""


@click.command("console")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--ip", default=LOOPBACK, show_default=True,
    help="The address to listen on; whoever reaches it needs the token.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only serve; the address is printed.")
@name_option
@name_servers_option
def console_command(
    port: int, ip: str, no_browser: bool, name: str | None, name_servers: str | None
) -> None:
    """Show a cluster in the browser: brokers, topics, consumers, messages, faults.

    Without -n the cluster that `rmqlab up` has started; with it any, RocketMQ's own,
    too.  Ctrl-C ends it.

    \b
    rmqlab console
    rmqlab console -n "192.168.157.128:9876;192.168.157.129:9876" --no-browser
    """
    source = find(name, name_servers)
    check_free(ip, port)
    # What serves takes two seconds to import: what is wrong is said before.
    from rmqlab.classroom.console.server import serve  # noqa: PLC0415

    def told(address: str) -> None:
        what = f"the console of {source.name_servers} (Ctrl-C ends it):"
        print(what, address, sep="\n", flush=True)
        if not no_browser:
            webbrowser.open(address)

    name = source.cluster.name if source.cluster else None
    serve(name, name_servers, ip, port, told)
