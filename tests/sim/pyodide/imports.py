"""Imports all of the system but what needs this machine's own files."""

import importlib
import sys
from pathlib import Path

import rmqlab

TOP = Path(rmqlab.__file__).parent
UNWANTED = (
    *("rmqlab.classroom", "rmqlab.testing", "rmqlab.pytest_plugin"),
    "rmqlab.store.real_disk",
)

for path in sorted(TOP.rglob("*.py")):
    parts = path.relative_to(TOP.parent).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    if not name.startswith(UNWANTED) and parts[-1] != "__main__":
        importlib.import_module(name)
version = "{}.{}".format(*sys.version_info)
print(version, [one for one in UNWANTED if one in sys.modules])
