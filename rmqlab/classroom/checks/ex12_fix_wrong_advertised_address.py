"""Exercise 12: brokers that advertise an address on the wrong one of two networks."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import has_copy
from rmqlab.classroom.grading.witness import Witness
from rmqlab.classroom.second_network import addresses

EXERCISE = Exercise(
    "12_fix_wrong_advertised_address", topology="2m-2s-sync", runtime="docker"
)

MASTER, SLAVE = "broker-a", "broker-a-s"
ORDERS = 20


@EXERCISE.check(points=4)
def clients_are_told_addresses_that_they_reach(see: Witness) -> None:
    """The name server tells clients the outer addresses of both brokers of the pair."""
    pair = see.brokers().brokers.get(MASTER)
    known = pair.broker_addrs if pair else {}
    nodes = [see.node(MASTER), see.node(SLAVE)]
    wanted = {number: node.address for number, node in enumerate(nodes)}
    if known != wanted:
        fail(
            expected=f"{wanted}",
            found=f"{known}",
            why="who reads from the slave needs its address as much as the master's; "
            "a container's own idea of its address is that of its way to elsewhere",
            next_step="ask `rmqlab admin clusterList` which address each of the two "
            "registered, and which of your settings names it",
            reproduce=f"rmqlab admin clusterList -n '{see.cluster.name_servers}'",
        )


@EXERCISE.check(points=3)
def orders_from_outside_are_stored(see: Witness) -> None:
    """Every order that was sent from outside is in the master's log."""
    missing = _missing(see, MASTER)
    if missing:
        fail(
            expected=f"{ORDERS} orders in {MASTER}'s log",
            found=f"{ORDERS - missing}",
            why="a producer asks a name server where the broker is, and connects to "
            "what it is told, from where the producer is",
            next_step="run the cell that sends orders again, and read what it prints",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=3)
def copies_take_the_inner_network(see: Witness) -> None:
    """The slave has every order, and fetches them over the inner network."""
    inner = addresses(see.cluster)[see.node(MASTER).host]["inner"]
    told = see.settings(MASTER).get("brokerIP2")
    missing = _missing(see, SLAVE)
    if missing or told != inner or not has_copy(see, MASTER, SLAVE):
        fail(
            expected=f"{ORDERS} orders in {SLAVE}'s log, and brokerIP2={inner} in "
            f"force on {MASTER}",
            found=f"{ORDERS - missing} orders; brokerIP2={told}",
            why="brokerIP2 is where a master's slaves are sent to; with the outer "
            "address there, every byte of the log crosses the clients' network",
            next_step="give each of the two keys the address of those who are told it",
            reproduce=see.look_at_nodes,
        )


def _missing(see: Witness, node: str) -> int:
    """Return how many of the orders are not in a broker's log."""
    wanted = {f"{see.nonce}-{number}".encode() for number in range(ORDERS)}
    return len(wanted - {one.body for one in see.logged(node)})
