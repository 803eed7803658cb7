"""What the Docker daemon refuses, in words that say what would help."""

from __future__ import annotations

import re

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
    "no such image": (
        "the image was removed meanwhile: `make image` builds rmqlab's, `docker pull` "
        "fetches others"
    ),
}
"""By a part of what the daemon says, whatever its release, in small letters."""


def known(said: str) -> str:
    """Return what is known to help against what the daemon said; empty if nothing."""
    if taken := NAME_TAKEN.search(said):
        name = taken["name"]
        return (
            f"a container {name!r} is there already, of another user or folder: take "
            f"another --name, or `docker rm -f {name}`"
        )
    return next((words for part, words in KNOWN.items() if part in said.lower()), "")


def explain(error: Exception) -> str:
    """Return what went wrong and, as far as is known, what would help."""
    said = str(getattr(error, "explanation", None) or error)
    if isinstance(error, ReadTimeout):
        words = "the Docker daemon is too busy to answer: try again later"
    elif isinstance(error, ConnectionLost):
        words = "the Docker daemon went away: start it, and the cluster anew"
    else:
        words = known(said)
    return f"{words} (Docker says: {said})" if words else f"Docker says: {said}"
