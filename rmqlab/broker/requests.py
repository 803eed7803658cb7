"""Everything the broker can be asked, on one screen.

Source: BrokerController.registerProcessor, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rmqlab.broker.call import Handle
from rmqlab.broker.handlers.admin import AdminHandler
from rmqlab.broker.handlers.configuration import ConfigurationHandler
from rmqlab.broker.handlers.group import GroupHandler
from rmqlab.broker.handlers.groups import GroupsHandler
from rmqlab.broker.handlers.locks import LockHandler
from rmqlab.broker.handlers.measurements import MeasurementHandler
from rmqlab.broker.handlers.offsets import OffsetHandler
from rmqlab.broker.handlers.progress import ProgressHandler
from rmqlab.broker.handlers.pull import PullHandler
from rmqlab.broker.handlers.query import QueryHandler
from rmqlab.broker.handlers.relay import RelayHandler
from rmqlab.broker.handlers.reply import ReplyHandler
from rmqlab.broker.handlers.retry import RetryHandler
from rmqlab.broker.handlers.send import SendHandler
from rmqlab.broker.handlers.topics import TopicHandler
from rmqlab.broker.handlers.transaction import TransactionHandler
from rmqlab.broker.handlers.upkeep import UpkeepHandler
from rmqlab.protocol import admin, grouping, messaging, transactions
from rmqlab.protocol.header import Header

HANDLERS: dict[type[Header], Callable[..., Any]] = {
    messaging.SendMessage: SendHandler.send,
    messaging.SendMessageV2: SendHandler.send,
    messaging.SendBatch: SendHandler.send,
    messaging.SendBack: RetryHandler.send_back,
    messaging.PullMessage: PullHandler.pull,
    messaging.QueryMessage: QueryHandler.by_key,
    messaging.ViewMessage: QueryHandler.by_offset,
    messaging.HeartBeat: GroupHandler.heartbeat,
    messaging.UnregisterClient: GroupHandler.unregister,
    messaging.GetConsumerList: GroupHandler.members,
    grouping.CheckClientConfig: GroupHandler.check_config,
    grouping.LockBatch: LockHandler.lock,
    grouping.UnlockBatch: LockHandler.unlock,
    messaging.QueryConsumerOffset: OffsetHandler.query,
    messaging.UpdateConsumerOffset: OffsetHandler.update,
    grouping.QueryCorrectionOffset: OffsetHandler.correction,
    grouping.CloneGroupOffset: OffsetHandler.clone,
    transactions.EndTransaction: TransactionHandler.end,
    transactions.ResumeCheckHalf: TransactionHandler.resume,
    messaging.SendReplyMessage: ReplyHandler.reply,
    messaging.SendReplyMessageV2: ReplyHandler.reply,
    messaging.GetMaxOffset: AdminHandler.max_offset,
    messaging.GetMinOffset: AdminHandler.min_offset,
    messaging.SearchOffset: AdminHandler.offset_at,
    messaging.GetEarliestTime: AdminHandler.earliest_time,
    admin.CreateTopic: TopicHandler.create,
    admin.DeleteTopic: TopicHandler.delete,
    admin.GetTopicStats: TopicHandler.stats,
    admin.GetAllTopicConfig: TopicHandler.all,
    admin.GetSystemTopics: TopicHandler.system,
    admin.UpdateGroup: GroupsHandler.update,
    admin.DeleteGroup: GroupsHandler.delete,
    admin.GetAllGroupConfig: GroupsHandler.all,
    admin.GetConsumerConnections: GroupsHandler.consumers,
    admin.GetProducerConnections: GroupsHandler.producers,
    admin.GetAllProducers: GroupsHandler.all_producers,
    admin.GetConsumeStats: ProgressHandler.consume_stats,
    admin.GetAllConsumeStats: ProgressHandler.all_consume_stats,
    admin.GetTopicGroups: ProgressHandler.groups_of,
    admin.GetConsumeTimeSpan: ProgressHandler.time_span,
    admin.QueryConsumeQueue: ProgressHandler.queue,
    admin.ResetOffset: RelayHandler.reset,
    admin.GetConsumerStatus: RelayHandler.status,
    grouping.GetRunningInfo: RelayHandler.running_info,
    grouping.ConsumeDirectly: RelayHandler.consume_directly,
    admin.CleanQueues: UpkeepHandler.clean_queues,
    admin.CleanTopics: UpkeepHandler.clean_topics,
    admin.CleanLog: UpkeepHandler.clean_log,
    admin.GetAllConsumerOffset: AdminHandler.all_offsets,
    admin.GetAllDelayOffset: AdminHandler.all_delays,
    admin.GetRuntimeInfo: MeasurementHandler.runtime_info,
    admin.ViewStats: MeasurementHandler.view_stats,
    admin.GetBrokerConfig: ConfigurationHandler.show,
    admin.UpdateBrokerConfig: ConfigurationHandler.update,
}
"""Who answers what: the request's header on the left, the handler on the right."""


def bound(handlers: Iterable[object]) -> dict[int, tuple[type[Header], Handle]]:
    """Return the table by request code, with each function of one of `handlers`.

    Raises:
        KeyError: a handler of the table is not among them.
    """
    owners = {type(one).__name__: one for one in handlers}
    table: dict[int, tuple[type[Header], Handle]] = {}
    for header, function in HANDLERS.items():
        owner = owners[function.__qualname__.partition(".")[0]]
        table[header.CODE] = header, getattr(owner, function.__name__)
    return table
