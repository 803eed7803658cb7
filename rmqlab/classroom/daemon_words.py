"""What the Docker daemon refuses, in words that say what would help."""

from __future__ import annotations

import re

from docker.errors import ImageNotFound
from requests.exceptions import ConnectionError as ConnectionLost
from requests.exceptions import ReadTimeout

NAME_TAKEN = re.compile(r'container name "/(?P<name>[^"]+)" is already in use')
KNOWN = {
    "no space left on device": (
        "the disk that Docker keeps its files on is full: `docker system df` says what "
        "takes the room, `docker system prune` frees what nobody uses"
    ),
    "overlap": (
        "another network has these addresses: `docker network ls` lists Docker's, "
        "`ip route` this machine's; --runtime local gives every cluster addresses of "
        "its own"
    ),
    "address already in use": (
        "another container has this address: `docker network inspect` says which"
    ),
    "cannot allocate memory": (
        "this machine has no memory left: close something, or take a smaller topology"
    ),
    "permission denied while trying to connect": (
        "you may not ask the daemon: add yourself to the group docker, and log in again"
    ),
}
"""By a part of what the daemon says, whatever its release, in small letters."""


def explain(error: Exception) -> str:
    """Return what went wrong and what would help; at least what the daemon said."""
    said = str(getattr(error, "explanation", None) or error)
    if isinstance(error, ImageNotFound):
        return f"{said}: `make image` builds rmqlab's, `docker pull` fetches others"
    if isinstance(error, ReadTimeout):
        return f"the Docker daemon is too busy to answer ({said}): try again later"
    if isinstance(error, ConnectionLost):
        return f"the Docker daemon went away ({said}): start it, then `rmqlab up` again"
    if taken := NAME_TAKEN.search(said):
        return (
            f"a container {taken['name']!r} is there already, of another user or "
            f"folder: take another --name, or `docker rm -f {taken['name']}`"
        )
    for part, words in KNOWN.items():
        if part in said.lower():
            return f"{words} (Docker says: {said})"
    return f"Docker says: {said}"
