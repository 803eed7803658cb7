"""A store without its broker, on a simulated machine: what file exercises are tried on.

Messages are numbered as they come; a message's body begins with its number.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any, Self

from rmqlab.broker.services.cleaning import Cleaning
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.simulated.lab import MachineShelf
from rmqlab.protocol.record import Record, decode
from rmqlab.settings import StoreConfig
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.machine import Process, Simulation
from rmqlab.store.layout import StorePaths
from rmqlab.store.recovery import Recovered
from rmqlab.store.results import PutStatus
from rmqlab.store.store import MessageStore

LOGGER = logging.getLogger("rmqlab")
SILENT = logging.CRITICAL + 1
ROOT = "/usr/local/rocketmq/store"
TOPIC = "orders"
AT_ONCE = 32
NUMBER_ENDS = b" "


class Alone:
    """A machine, and a process on it that has the store open; time stands still.

    What the store logs is nobody's business: a check's output is compared.
    """

    def __init__(self, config: StoreConfig, seed: int) -> None:
        self.config, self.paths = config, StorePaths(ROOT)
        self.simulation = Simulation(seed)
        self.machine = self.simulation.machine("host1", "10.0.0.1")
        self.count = 0
        """Of the messages that were put, or refused."""
        self.stored_ms: list[int] = []
        """When each message was stored, by its offset in the queue."""
        self._process: Process
        self.store: MessageStore
        self._level = LOGGER.level
        LOGGER.setLevel(SILENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the disk may still be looked at."""
        self.simulation.close()
        LOGGER.setLevel(self._level)

    @property
    def disk(self) -> MachineDisk:
        """The machine's disk."""
        return self.machine.disk

    @property
    def files(self) -> StoreFiles:
        """The store's files, to be looked into."""
        return StoreFiles(MachineShelf(self.disk), self.paths)

    @property
    def now_ms(self) -> int:
        """Now, as the process has it."""
        return self._process.clock.now_ms()

    def open(self) -> Recovered:
        """Start a process that opens the store; return what recovery found."""
        self._process = self.machine.process("broker")
        self.store = MessageStore(self.config, self.paths, self._process.disk)
        return self.store.open()

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let time pass until something is done."""
        self.simulation.complete(self._process, work)

    def kill(self) -> None:
        """End the process without a goodbye."""
        self._process.kill()

    def stop(self) -> None:
        """End the process in good order."""
        self.do(self.store.close())
        self._process.end()

    def crash(self) -> None:
        """Take the machine's power, and give it back."""
        self.machine.crash()
        self.machine.boot()

    def put(self, size: int) -> bool:
        """Put the next message, of so many bytes; return whether it is stored.

        Raises:
            DiskFull: there is no room at all.
        """
        number = f"{self.count}".encode() + NUMBER_ENDS
        put = self.store.put(
            Record(
                topic=TOPIC,
                queue_id=0,
                body=number.ljust(size, b"."),
                properties=b"",
                flag=0,
                sys_flag=0,
                born_timestamp=self.now_ms,
                born_host=("10.0.0.9", 50_001),
                store_timestamp=self.now_ms,
                store_host=("10.0.0.1", 10_911),
            )
        )
        self.count += 1
        self.store.dispatch()
        if put.status is not PutStatus.PUT_OK:
            return False
        self.stored_ms.append(self.now_ms)
        return True

    def cleaning(self) -> Cleaning:
        """Return the service that removes old files; its steps are taken by `clean`.

        Raises:
            ConfigError: deleteWhen names no hours.
        """
        return Cleaning(self.store, self._process.clock)

    def clean(self, service: Cleaning) -> None:
        """Have one round of removals."""
        while True:
            self.do(service.step())
            if service.interval_s == self.config.clean_resource_interval / 1000:
                return

    @property
    def first_served(self) -> int:
        """The queue offset of the oldest message that a consumer gets."""
        return self.store.queues.min_offset(TOPIC, 0)

    def served(self) -> list[int]:
        """Return the numbers of the messages that a consumer gets, in their order."""
        numbers, offset = [], self.first_served
        while offset < self.store.queues.max_offset(TOPIC, 0):
            got = self.store.reading.get(TOPIC, 0, offset, AT_ONCE, lambda _: True)
            numbers += [number_of(decode(data)) for data in got.records]
            offset = got.next_offset
        return numbers


def number_of(record: Any) -> int:
    """Return a message's number."""
    return int(record.body.partition(NUMBER_ENDS)[0])
