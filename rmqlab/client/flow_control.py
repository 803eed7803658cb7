"""When a consumer pulls no more for a while: its listener does not keep up.

By count, by size, and, where messages are consumed in any order, by span: one message
that is stuck holds the offset back, and all that was consumed behind it would come
again after a crash.

Source: DefaultMQPushConsumerImpl.pullMessage, RebalancePushImpl.messageQueueChanged,
release 4.9.7.
"""

from __future__ import annotations

from rmqlab.client.process_queue import ProcessQueue
from rmqlab.settings import ClientConfig

MIB = 1 << 20


def held_back(
    window: ProcessQueue, queues: int, config: ClientConfig, *, is_orderly: bool
) -> str | None:
    """Return why a queue is not pulled from now, None where it is.

    `queues` are this member's, among which a topic's thresholds are shared out.
    """
    most, size = config.pull_threshold_for_queue, config.pull_threshold_size_for_queue
    if config.pull_threshold_for_topic > 0:
        most = max(1, config.pull_threshold_for_topic // queues)
    if config.pull_threshold_size_for_topic > 0:
        size = max(1, config.pull_threshold_size_for_topic // queues)
    if len(window) > most:
        return f"{len(window)} messages are not consumed yet, pullThreshold {most}"
    if window.size > size * MIB:
        return f"{window.size} bytes are not consumed yet, pullThresholdSize {size} MiB"
    if not is_orderly and window.span > config.consume_concurrently_max_span:
        return f"the oldest message that is not consumed yet is {window.span} behind"
    return None
