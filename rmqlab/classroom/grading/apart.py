"""A function that stands in an answer cell, called in a process of its own.

    judge ── its cell's text, one argument ──► apart      JSON there and back
          ◄──────────────────────── its result ──

Whatever the function does there, it can only give a result: what is right is known to
the judge alone.  The process is given little time, and of memory what its parent has.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from rmqlab.errors import RmqError

MOST_S = 10.0
WORDS = 200
"""At most said of what went wrong."""


class NoResult(RmqError):
    """The function gave none; the text says why."""


@dataclass(frozen=True)
class Apart:
    """A function, by the text of its cell."""

    source: str
    name: str

    def __call__(self, argument: Any) -> Any:
        """Return what the function makes of an argument; both are JSON.

        Raises:
            NoResult: it raised an exception, was too slow, or gave no JSON.
        """
        asked = {"source": self.source, "name": self.name, "argument": argument}
        command = [sys.executable, "-I", "-m", __name__]
        try:
            done = subprocess.run(
                command,
                input=json.dumps(asked),
                capture_output=True,
                text=True,
                timeout=MOST_S,
                check=True,
            )
            answer = json.loads(done.stdout)
            if "error" in answer:
                raise NoResult(str(answer["error"])[:WORDS])
            return answer["result"]
        except subprocess.TimeoutExpired:
            raise NoResult(f"no result within {MOST_S:g} s") from None
        except (subprocess.SubprocessError, LookupError, ValueError, TypeError):
            raise NoResult("its process ended without a result") from None


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Call the function, in this process; what it prints is nobody's business."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        try:
            exec(asked["source"], names)  # noqa: S102 - that is what this is for
            result = names[asked["name"]](asked["argument"])
            json.dumps(result)
        except Exception as error:  # noqa: BLE001 - whatever a learner's code raises
            return {"error": f"{type(error).__name__}: {error}"}
    return {"result": result}


if __name__ == "__main__":
    order = json.load(sys.stdin)
    print(json.dumps(main(order)))
