"""`rmqlab`: the command line of the course."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; say what to install where it lacks its libraries."""
    try:
        from rmqlab.classroom.commands import rmqlab  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("rmqlab"):
            raise
        sys.exit(
            f"rmqlab's course needs {error.name}, which is not installed: "
            "pip install 'rmqlab[lab]'. (mqnamesrv and mqbroker run without it.)"
        )
    rmqlab(prog_name="rmqlab")


if __name__ == "__main__":
    main()
