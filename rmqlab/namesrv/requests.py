"""What a name server answers: one table from request to answer.

Source: DefaultRequestProcessor.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rmqlab.clock import Clock
from rmqlab.errors import Refused
from rmqlab.namesrv.configuration import Configuration
from rmqlab.namesrv.kv import ORDER_TOPIC_CONFIG, KvTable
from rmqlab.namesrv.routes import RouteTable
from rmqlab.protocol import bodies, fastjson, registration, routing
from rmqlab.protocol.bodies import DataVersion
from rmqlab.protocol.codes import FAQ_SUFFIX, ResponseCode, TopicSysFlag, Version
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.remoting import Connection
from rmqlab.settings import NamesrvConfig

log = logging.getLogger(__name__)

Handler = Callable[[Any, Frame, Connection], Frame]
"""Given the parsed header, the frame and who asks."""


class Requests:
    """Answers from the tables; never waits."""

    def __init__(
        self,
        config: NamesrvConfig,
        routes: RouteTable,
        kv: KvTable,
        configuration: Configuration,
        clock: Clock,
    ) -> None:
        self._config, self._routes, self._kv = config, routes, kv
        self._configuration, self._clock = configuration, clock
        self._by_code: dict[int, tuple[type[Header], Handler]] = {
            header.CODE: (header, handler) for header, handler in self.table()
        }

    def table(self) -> list[tuple[type[Header], Handler]]:
        """Return everything that a name server answers."""
        return [
            (routing.RegisterBroker, self._register),
            (routing.UnregisterBroker, self._unregister),
            (routing.QueryDataVersion, self._data_version),
            (routing.GetRoute, self._route),
            (routing.GetClusterInfo, self._cluster),
            (routing.GetTopicList, self._topics),
            (routing.GetTopicsByCluster, self._cluster_topics),
            (routing.GetSystemTopics, self._system_topics),
            (routing.GetUnitTopics, self._unit_topics),
            (routing.GetUnitSubTopics, self._unit_sub_topics),
            (routing.GetUnitSubUnunitTopics, self._unit_sub_ununit_topics),
            (routing.DeleteTopicInNamesrv, self._delete_topic),
            (routing.WipeWritePermission, self._wipe_write),
            (routing.AddWritePermission, self._add_write),
            (routing.PutKvConfig, self._put_kv),
            (routing.GetKvConfig, self._get_kv),
            (routing.DeleteKvConfig, self._delete_kv),
            (routing.GetKvList, self._kv_list),
            (routing.UpdateNamesrvConfig, self._update_config),
            (routing.GetNamesrvConfig, self._get_config),
        ]

    def handle(self, frame: Frame, connection: Connection) -> Frame:
        """Return the answer.

        Raises:
            Refused, WireError: the answer is no.
        """
        found = self._by_code.get(frame.code)
        if found is None:
            raise Refused(
                ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
                f" request type {frame.code} not supported",
            )
        header, handler = found
        return handler(header.parse(frame.fields), frame, connection)

    # ── brokers ───────────────────────────────────────────────────────────────

    def _register(
        self, broker: routing.RegisterBroker, frame: Frame, connection: Connection
    ) -> Frame:
        crc = registration.checksum(frame.body)
        if broker.body_crc32 and broker.body_crc32 != crc:
            raise Refused(ResponseCode.SYSTEM_ERROR, "crc32 not match")
        table = registration.decode(
            frame.body,
            compressed=broker.compressed,
            bare=frame.version < Version.V3_0_11,
        )
        reply = self._routes.register(broker, table, connection, self._clock.now_ms())
        log.info(
            "registered broker=%s id=%d address=%s topics=%d",
            broker.broker_name, broker.broker_id, broker.broker_addr, len(table.topics),
        )  # fmt: skip
        ordered = self._kv.namespace(ORDER_TOPIC_CONFIG)
        body = b"" if ordered is None else bodies.encode({"table": ordered})
        return frame.answer(fields=reply.to_wire(), body=body)

    def _unregister(
        self, broker: routing.UnregisterBroker, frame: Frame, _: Connection
    ) -> Frame:
        name, broker_id = broker.broker_name, broker.broker_id
        self._routes.unregister(name, broker_id, broker.broker_addr)
        log.info("unregistered broker=%s id=%d", name, broker_id)
        return frame.answer()

    def _data_version(
        self, broker: routing.QueryDataVersion, frame: Frame, _: Connection
    ) -> Frame:
        address, now_ms = broker.broker_addr, self._clock.now_ms()
        asked = DataVersion.from_json(fastjson.loads(frame.body))
        is_same = self._routes.is_as_told(address, asked, now_ms)
        told = self._routes.version(address)
        return frame.answer(
            fields=routing.DataVersionReply(changed=not is_same).to_wire(),
            body=bodies.encode(told.to_json()) if told else b"",
        )

    def _cluster(self, _: Header, frame: Frame, __: Connection) -> Frame:
        return frame.answer(body=bodies.encode(self._routes.cluster().to_json()))

    def _wipe_write(
        self, asked: routing.WipeWritePermission, frame: Frame, _: Connection
    ) -> Frame:
        count = self._routes.set_writable(asked.broker_name, writable=False)
        log.info("no writes to broker=%s topics=%d", asked.broker_name, count)
        return frame.answer(fields=routing.WipeReply(count).to_wire())

    def _add_write(
        self, asked: routing.AddWritePermission, frame: Frame, _: Connection
    ) -> Frame:
        count = self._routes.set_writable(asked.broker_name, writable=True)
        log.info("writes again to broker=%s topics=%d", asked.broker_name, count)
        return frame.answer(fields=routing.AddReply(count).to_wire())

    # ── topics ────────────────────────────────────────────────────────────────

    def _route(self, asked: routing.GetRoute, frame: Frame, _: Connection) -> Frame:
        route = self._routes.route(asked.topic)
        if route is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST,
                f"No topic route info in name server for the topic: {asked.topic}"
                + FAQ_SUFFIX,
            )
        if self._config.order_message_enable:
            route.order = self._kv.get(ORDER_TOPIC_CONFIG, asked.topic)
        found: Any = route.to_json()
        if asked.accept_standard_json_only or frame.version >= Version.V4_9_4:
            found = fastjson.text_keys(found)
        return frame.answer(body=bodies.encode(found))

    def _topics(self, _: Header, frame: Frame, __: Connection) -> Frame:
        return _listed(frame, self._routes.topics())

    def _cluster_topics(
        self, asked: routing.GetTopicsByCluster, frame: Frame, _: Connection
    ) -> Frame:
        return _listed(frame, self._routes.topics(asked.cluster))

    def _system_topics(self, _: Header, frame: Frame, __: Connection) -> Frame:
        return _listed(frame, *self._routes.system_topics())

    def _unit_topics(self, _: Header, frame: Frame, __: Connection) -> Frame:
        flag = TopicSysFlag.UNIT
        return _listed(frame, self._routes.unit_topics(flag, flag))

    def _unit_sub_topics(self, _: Header, frame: Frame, __: Connection) -> Frame:
        flag = TopicSysFlag.UNIT_SUB
        return _listed(frame, self._routes.unit_topics(flag, flag))

    def _unit_sub_ununit_topics(self, _: Header, frame: Frame, __: Connection) -> Frame:
        both = TopicSysFlag.UNIT_SUB | TopicSysFlag.UNIT
        return _listed(frame, self._routes.unit_topics(TopicSysFlag.UNIT_SUB, both))

    def _delete_topic(
        self, asked: routing.DeleteTopicInNamesrv, frame: Frame, _: Connection
    ) -> Frame:
        self._routes.delete_topic(asked.topic, asked.cluster_name or None)
        log.info("forgot topic=%s", asked.topic)
        return frame.answer()

    # ── settings ──────────────────────────────────────────────────────────────

    def _put_kv(self, asked: routing.PutKvConfig, frame: Frame, _: Connection) -> Frame:
        self._kv.put(asked.namespace, asked.key, asked.value)
        return frame.answer()

    def _get_kv(self, asked: routing.GetKvConfig, frame: Frame, _: Connection) -> Frame:
        value = self._kv.get(asked.namespace, asked.key)
        if value is None:
            raise Refused(
                ResponseCode.QUERY_NOT_FOUND,
                f"No config item, Namespace: {asked.namespace} Key: {asked.key}",
            )
        return frame.answer(fields=routing.KvReply(value).to_wire())

    def _delete_kv(
        self, asked: routing.DeleteKvConfig, frame: Frame, _: Connection
    ) -> Frame:
        self._kv.delete(asked.namespace, asked.key)
        return frame.answer()

    def _kv_list(self, asked: routing.GetKvList, frame: Frame, _: Connection) -> Frame:
        found = self._kv.namespace(asked.namespace)
        if found is None:
            raise Refused(
                ResponseCode.QUERY_NOT_FOUND,
                f"No config item, Namespace: {asked.namespace}",
            )
        return frame.answer(body=bodies.encode({"table": found}))

    def _update_config(self, _: Header, frame: Frame, peer: Connection) -> Frame:
        self._configuration.update(frame.body)
        log.info("settings changed by peer=%s", peer)
        return frame.answer()

    def _get_config(self, _: Header, frame: Frame, __: Connection) -> Frame:
        return frame.answer(body=self._configuration.text().encode())


def _listed(frame: Frame, topics: list[str], address: str | None = None) -> Frame:
    found = {"brokerAddr": address} if address else {}
    return frame.answer(body=bodies.encode(found | {"topicList": topics}))
