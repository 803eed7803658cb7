"""All claims, subject by subject."""

from __future__ import annotations

from rmqlab.classroom.conform import (
    asking,
    consuming,
    files,
    later,
    operating,
    pairs,
    published,
    routing,
    sending,
)
from rmqlab.classroom.conform.claim import Scene

SUBJECTS = (
    routing,
    sending,
    asking,
    consuming,
    later,
    operating,
    files,
    pairs,
    published,
)
CLAIMS = tuple(
    one
    for subject in SUBJECTS
    for one in vars(subject).values()
    if isinstance(one, Scene)
)
