"""`rmqlab verify`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from rmqlab.classroom.commands.clusters import json_option, name_option
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.verify import Files, HostFiles, verify
from rmqlab.classroom.verify.told import tell
from rmqlab.config import Property, parse_properties, read
from rmqlab.errors import ConfigError, StoreError
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import StorePaths

NO_STORE = 3


@click.command("verify")
@click.argument("store", metavar="DIR|NODE")
@name_option
@click.option(
    "-c", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The broker's .properties; without it the files tell their sizes.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="A setting of the broker, such as maxHashSlotNum=500.",
)  # fmt: skip
@click.option(
    "--commit-log", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The log's folder, where it is not below DIR.",
)  # fmt: skip
@json_option
def verify_command(
    store: str,
    name: str | None,
    file: Path | None,
    settings: tuple[str, ...],
    commit_log: Path | None,
    as_json: bool,
) -> None:
    """Check every file of a store against the others, and say what a start would do.

    DIR is the folder that storePathRootDir names; NODE is a broker of a cluster that
    is up.  Nothing is changed, and a broker may run meanwhile.

    Exit code 0: sound; 1: damage; 3: no store, or one that may not be read; 64: wrong
    usage.

    \b
    rmqlab verify broker-a
    rmqlab verify ~/store --json
    """
    given = _given(file, settings)
    try:
        paths, files = _find(store, name, commit_log)
        report = verify(paths, given, files)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    except (StoreError, ClusterError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(NO_STORE)
    if as_json:
        print(json.dumps(report.to_json()))
    else:
        tell(report, Console(highlight=False))
    sys.exit(0 if report.is_sound else 1)


def _given(file: Path | None, settings: tuple[str, ...]) -> list[Property]:
    """Return the settings of the file, then those of the command line."""
    named = []
    for one in settings:
        key, sign, value = one.partition("=")
        if not sign:
            raise click.UsageError(f"--set {one}: write KEY=VALUE")
        named.append(Property(key, value, 0))
    for problem in read(named, StoreConfig()):
        raise click.UsageError(f"--set {problem.key}={problem.value}: {problem.what}")
    try:
        return (parse_properties(file.read_bytes()) if file else []) + named
    except (OSError, ConfigError) as error:
        raise click.UsageError(f"{file}: {error}") from error


def _find(
    store: str, name: str | None, commit_log: Path | None
) -> tuple[StorePaths, Files]:
    """Return where the store is: a folder, or a broker's of a cluster."""
    folder = Path(store).expanduser()
    if name is None and (folder.exists() or "/" in store):
        log = str(commit_log.resolve()) if commit_log else ""
        return StorePaths(str(folder.resolve()), log), HostFiles()
    if commit_log:
        raise click.UsageError(
            f"--commit-log goes with a folder: of {store}, a node, it is known"
        )
    # Only who asks for a cluster's node needs the library that knows clusters.
    from rmqlab.classroom.cluster import Cluster  # noqa: PLC0415

    node = Cluster.attach(name).node(store)
    if not node.store:
        raise click.UsageError(f"{store} is a name server: it has no store")
    return StorePaths(node.store, node.commit_log), HostFiles(Path(node.folder))
