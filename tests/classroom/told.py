"""Small histories, written by hand: a cluster's nodes, and what happens in it."""

from __future__ import annotations

from rmqlab.classroom.history import Verdict, check

MASTER, SLAVE, HOST, OTHER = "broker-a", "broker-a-s", "host1", "host2"
SIZE = 100
"""Of every message in a log."""


def nodes(role: str, flush: str) -> list[dict[str, str]]:
    """Return a pair and a name server."""
    common = {"broker": MASTER, "flush": flush}
    return [
        {"name": "namesrv1", "host": HOST, "role": "NAMESRV"},
        {"name": MASTER, "host": HOST, "role": role, **common},
        {"name": SLAVE, "host": OTHER, "role": "SLAVE", **common},
    ]


class History:
    """Events one after the other; `wait` lets time pass, everything else takes 1 ms.

    A message `send`s is appended, flushed, copied and acknowledged, as far as `role`
    and `flush` say; each step can be told by itself, too.
    """

    def __init__(self, role: str = "SYNC_MASTER", flush: str = "SYNC_FLUSH") -> None:
        self.at_s, self.role, self.flush_type = 0.0, role, flush
        self.events: list[dict[str, object]] = []
        self.tell("trace", nodes=nodes(role, flush))
        for name in ("namesrv1", MASTER, SLAVE):
            self.node(name, "usable")
        self.messages: dict[str, list[list[object]]] = {MASTER: [], SLAVE: []}
        """What each log holds in the end."""

    def tell(self, kind: str, **facts: object) -> History:
        self.at_s += 0.001
        self.events.append({"at": round(self.at_s, 6), "kind": kind, **facts})
        return self

    def wait(self, seconds: float) -> History:
        self.at_s += seconds
        return self

    def node(self, name: str, state: str) -> History:
        return self.tell("node", node=name, state=state, why="")

    def fault(self, what: str, **who: str) -> History:
        return self.tell("fault", **who, what=what)

    def client(self, name: str, what: str = "started") -> History:
        return self.tell("client", client=name, what=what)

    # ── sending ───────────────────────────────────────────────────────────────

    def ask(self, key: str) -> History:
        return self.tell("send", client="producer", key=key, topic="orders")

    def append(self, offset: int, node: str = MASTER) -> History:
        return self.tell("append", node=node, offset=offset * SIZE, size=SIZE)

    def flush(self, count: int, node: str = MASTER) -> History:
        end = count * SIZE
        return self.tell("flush", node=node, what="log", end=end, took_s=0.001)

    def report(self, count: int) -> History:
        return self.tell("report", node=SLAVE, peer=MASTER, offset=count * SIZE)

    def answer(
        self, key: str, offset: int | None = None, outcome: str = "SEND_OK"
    ) -> History:
        where = {} if offset is None else place(offset)
        who = {"client": "producer", "key": key}
        return self.tell("told", **who, outcome=outcome, took_s=0.0, **where)

    def keep(self, key: str, offset: int, *names: str) -> History:
        """Have it lie in these logs in the end; in both if none is named."""
        for name in names or (MASTER, SLAVE):
            self.messages[name].append(["orders", 0, offset, key, offset * SIZE])
        return self

    def send(self, key: str, offset: int) -> History:
        """Everything that becomes of a message in a good hour."""
        self.ask(key).append(offset).append(offset, SLAVE).report(offset + 1)
        if self.flush_type == "SYNC_FLUSH":
            self.flush(offset + 1)
        return self.answer(key, offset).keep(key, offset)

    # ── consuming ─────────────────────────────────────────────────────────────

    def give(
        self, key: str, offset: int, client: str = "one", group: str = "group"
    ) -> History:
        who = {"client": client, "group": group, "key": key, "topic": "orders"}
        return self.tell("consumed", **who, **place(offset))

    def commit(self, offset: int, client: str = "one", to: str = MASTER) -> History:
        where = {"topic": "orders", "queue": 0, "offset": offset}
        ends = {"connection": client, "node": client, "peer": to, "opaque": offset}
        code = "UPDATE_CONSUMER_OFFSET"
        return self.tell("frame", **ends, code=code, oneway=True, **where)

    # ── the end ───────────────────────────────────────────────────────────────

    def crash(self, host: str = HOST) -> History:
        """Have a machine lose power, and come back."""
        name = MASTER if host == HOST else SLAVE
        self.fault("crash", host=host).node(name, "killed").wait(5)
        return self.fault("boot", host=host).node(name, "usable")

    def forget(self, offset: int, *names: str) -> History:
        """Have these logs end before this message; the master's if none is named."""
        for name in names or (MASTER,):
            del self.messages[name][offset:]
        return self

    def end(self) -> Verdict:
        for name in (MASTER, SLAVE):
            self.tell("log", node=name, messages=self.messages[name])
        return check(self.events)

    def findings(self) -> list[tuple[str, bool, str]]:
        """Return what was found: kind, whether it is a broken promise, and the key."""
        return [(one.kind, one.is_broken, one.key) for one in self.end().findings]


def place(offset: int) -> dict[str, object]:
    """Return where a message lies: there is one queue."""
    return {"broker": MASTER, "queue": 0, "offset": offset}
