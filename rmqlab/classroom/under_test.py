"""A cluster for other people's tests: started, broken, and looked into."""

from __future__ import annotations

from rmqlab.classroom.cluster import Cluster
from rmqlab.testing import Reachable


class ClusterUnderTest(Reachable, Cluster):
    """A cluster whose topics a test writes and reads, too."""
