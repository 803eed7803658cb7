"""All commands, in the order in which RocketMQ's mqadmin lists them.

Source: MQAdminStartup.initCommand, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.mqadmin import (
    brokers,
    clients,
    cluster,
    contents,
    groups,
    messages,
    offsets,
    progress,
    stats,
    topic_changes,
    topics,
)
from rmqlab.mqadmin.command import Command

ORDER = """
    updateTopic deleteTopic updateSubGroup deleteSubGroup updateBrokerConfig
    updateTopicPerm topicRoute topicStatus topicClusterList brokerStatus queryMsgById
    queryMsgByKey queryMsgByUniqueKey queryMsgByOffset printMsg producerConnection
    consumerConnection consumerProgress consumerStatus clusterList topicList
    wipeWritePerm addWritePerm resetOffsetByTime statsAll getBrokerConfig sendMessage
""".split()

_SUBJECTS = (
    *(topic_changes, topics, groups, progress, clients, offsets),
    *(messages, contents, brokers, cluster, stats),
)
_FOUND = {name: one for subject in _SUBJECTS for name, one in subject.COMMANDS.items()}

COMMANDS: dict[str, Command] = {name: _FOUND.pop(name) for name in ORDER}
"""Each command by its name."""
