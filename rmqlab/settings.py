"""The settings of name server, broker and client, under RocketMQ's own keys.

Declared here is what this package acts on; what RocketMQ 4.x reads beyond that is
listed in `known_keys`.

Source: BrokerConfig.java, MessageStoreConfig.java, NettyServerConfig.java,
NamesrvConfig.java, ClientConfig.java, release 4.9.7; units are theirs: milliseconds
and bytes where nothing else is said.
"""

from __future__ import annotations

from enum import Enum, auto

from rmqlab.config import Long, setting, settings

DEFAULT_INSTANCE = "DEFAULT"


class BrokerRole(Enum):
    """What a broker does with what it stores."""

    ASYNC_MASTER = auto()
    SYNC_MASTER = auto()
    SLAVE = auto()


class FlushDiskType(Enum):
    """When a send is answered: before or after the disk has the message."""

    SYNC_FLUSH = auto()
    ASYNC_FLUSH = auto()


@settings
class NamesrvConfig:
    """Of a name server."""

    listen_port: int = 9876
    bind_address: str = ""
    """Where it listens, as release 5 spells the key: an address of this host, or
    0.0.0.0 for every one.  Empty: 127.0.0.1, this machine alone."""
    kv_config_path: str = "~/namesrv/kvConfig.json"
    """Where the key-value settings are kept."""
    config_store_path: str = "~/namesrv/namesrv.properties"
    """Where changed settings are written; -c puts its file here."""
    order_message_enable: bool = False
    """Whether routes say in which order a topic's brokers stand."""
    server_channel_max_idle_time_seconds: int = 120
    """After so long without a byte, either way, a connection is closed."""


@settings
class BrokerConfig:
    """Who a broker is and what it allows."""

    broker_cluster_name: str = "DefaultCluster"
    broker_name: str = ""
    """Empty: the host's name."""
    broker_id: int = 0
    broker_i_p1: str = setting(default="", key="brokerIP1")
    """The address that clients are told; empty: bindAddress, or if that is every one
    this machine's first."""
    broker_i_p2: str = setting(default="", key="brokerIP2")
    """The address that slaves are told; empty: as brokerIP1."""
    listen_port: int = 10911
    bind_address: str = ""
    """Where it listens, as release 5 spells the key: an address of this host, or
    0.0.0.0 for every one.  Empty: every one where brokerIP1 or brokerIP2 says
    that others come, else 127.0.0.1, which clients are then told, too."""
    namesrv_addr: str = ""
    """host:port;host:port; empty: the broker runs unregistered."""
    broker_permission: int = 6
    default_topic_queue_nums: int = 8
    auto_create_topic_enable: bool = True
    cluster_topic_enable: bool = True
    broker_topic_enable: bool = True
    auto_create_subscription_group: bool = True
    region_id: str = "DefaultRegion"
    trace_on: bool = True
    start_accept_send_request_time_stamp: Long = setting(default=0)
    """Milliseconds since 1970; sends that come earlier are refused."""
    store_reply_message_enable: bool = True
    """Whether a record of each reply to a client is kept."""
    reject_transaction_message: bool = False
    transaction_check_interval: int = 60_000
    """Between two rounds in which producers are asked about their half messages."""
    transaction_time_out: int = 6000
    """Before a half message is asked about."""
    transaction_check_max: int = 15
    """Times that a half message is asked about before it is laid aside."""
    send_thread_pool_queue_capacity: int = 10_000
    """Sends that wait at most; see `labSendMillis`."""
    wait_time_mills_in_send_queue: int = 200
    """That a send waits at most, where brokerFastFailureEnable says so."""
    broker_fast_failure_enable: bool = True
    lab_send_millis: int = 0
    """That storing a message takes at least, one at a time.  Not RocketMQ's: a lab's,
    to see what a broker does that is too slow.  0: as fast as it can, none waits."""
    lab_slave_sync_millis: int = 0
    """Between two copies of the master's tables, on a slave.  Not RocketMQ's: a lab's,
    to see them sooner.  0: RocketMQ's, 3 seconds after the start, then every 10."""
    long_polling_enable: bool = True
    short_polling_time_mills: int = 1000
    slave_read_enable: bool = False
    """Whether a consumer that is far behind is sent to a slave."""
    enable_property_filter: bool = False
    """Whether consumers may filter by SQL92."""
    filter_support_retry: bool = False
    """Whether a group's SQL92 filters are asked again of its retried messages."""
    filter_data_clean_time_span: int = 86_400_000
    """Before the filter of a group that has gone is forgotten."""
    notify_consumer_ids_changed_enable: bool = True
    """Whether a group's members are told that one came or went."""
    flush_consumer_offset_interval: int = 5000
    register_broker_timeout_mills: int = 6000
    register_name_server_period: int = 30_000
    """Clamped to 10,000 … 60,000."""
    force_register: bool = True
    """Whether all topics are told every time, and not only when they changed."""
    compressed_register: bool = False
    """Whether they are told compressed."""
    server_channel_max_idle_time_seconds: int = 120
    """After so long without a byte, either way, a connection is closed."""


@settings
class StoreConfig:
    """How a broker writes, keeps and copies its files."""

    store_path_root_dir: str = "~/store"
    store_path_commit_log: str = ""
    """Empty: `commitlog` below the root."""
    mapped_file_size_commit_log: int = setting(
        default=1 << 30, also="mapedFileSizeCommitLog"
    )
    """Bytes per commit-log file.  Releases before 4.6 spelt the key with one p."""
    mapped_file_size_consume_queue: int = setting(
        default=6_000_000, also="mapedFileSizeConsumeQueue"
    )
    """Bytes, rounded up to whole entries of 20."""
    broker_role: BrokerRole = BrokerRole.ASYNC_MASTER
    flush_disk_type: FlushDiskType = FlushDiskType.ASYNC_FLUSH
    flush_interval_commit_log: int = 500
    flush_commit_log_least_pages: int = 4
    flush_commit_log_thorough_interval: int = 10_000
    flush_interval_consume_queue: int = 1000
    flush_consume_queue_least_pages: int = 2
    flush_consume_queue_thorough_interval: int = 60_000
    sync_flush_timeout: int = 5000
    slave_timeout: int = 3000
    os_page_cache_busy_time_out_mills: int = 1000
    """That storing a message may take before all sends are refused for a while."""
    max_message_size: int = 4 * 1024 * 1024
    """Bytes of a body."""
    max_transfer_bytes_on_message_in_memory: int = 262_144
    """Of an answer to a pull, as the next three."""
    max_transfer_count_on_message_in_memory: int = 32
    max_transfer_bytes_on_message_in_disk: int = 65_536
    """Of messages that memory may not hold any more; see the next setting but one."""
    max_transfer_count_on_message_in_disk: int = 8
    access_message_in_memory_max_ratio: int = 40
    """Percent of the machine's memory: what was stored before that much is slow to
    read, and is read from a slave where `slaveReadEnable` allows it."""
    offset_check_in_slave: bool = False
    """Whether a slave, too, sends a consumer back whose offset it does not have."""
    message_index_enable: bool = True
    """Whether messages can be found by their keys."""
    max_hash_slot_num: int = 5_000_000
    """Of an index file."""
    max_index_num: int = 20_000_000
    """Entries of an index file."""
    default_query_max_num: int = 32
    """Messages that a query by key answers where it does not say how many."""
    max_msgs_num_batch: int = 64
    """Messages that a query by key answers at most."""
    check_c_r_c_on_recover: bool = setting(default=True, key="checkCRCOnRecover")
    delete_when: str = "04"
    """Hours of the day, 0 to 23, at which old files are removed; separated by `;`."""
    file_reserved_time: int = 72
    """Hours before a commit-log file is old."""
    disk_max_used_space_ratio: int = 75
    """Percent of the disk above which old files are removed at any hour; clamped to
    10 … 95."""
    clean_file_forcibly_enable: bool = True
    """Whether a fuller disk makes files go that are not old yet."""
    clean_resource_interval: int = 10_000
    delete_commit_log_files_interval: int = 100
    """Between two removals."""
    delete_consume_queue_files_interval: int = 100
    redelete_hanged_file_interval: int = 120_000
    """Before a removal that failed is tried again."""
    message_delay_level: str = (
        "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"
    )
    """How long each level is, level 1 first; units s, m, h and d."""
    flush_delay_offset_interval: Long = setting(default=10_000)
    """Between two writings of delayOffset.json."""
    ha_master_address: str = ""
    """host:port of the master's HA port; less than six characters: as the name server
    answers."""
    ha_send_heartbeat_interval: int = 5000
    """Of silence before either end of the link says where it is."""
    ha_housekeeping_interval: int = 20_000
    """Of the other end's silence before a link is closed."""
    ha_transfer_batch_size: int = 32_768
    """Bytes of log in a piece at most."""
    ha_slave_fallbehind_max: int = 268_435_456
    """Bytes that the fastest slave may be behind before a SYNC_MASTER does not wait
    for it and answers SLAVE_NOT_AVAILABLE at once."""


@settings
class ClientConfig:
    """Of a producer, a consumer or an admin client."""

    instance_name: str = DEFAULT_INSTANCE
    """Tells clients of one host apart; `DEFAULT`: by process and number."""
    poll_name_server_interval: int = 30_000
    heartbeat_broker_interval: int = 30_000
    persist_consumer_offset_interval: int = 5000
    local_offset_store_dir: str = setting(
        default="~/.rocketmq_offsets", key="rocketmq.client.localOffsetStoreDir"
    )
    """Where who broadcasts keeps its offsets."""
    rebalance_interval: int = 20_000
    send_msg_timeout: int = 3000
    """For all attempts of one send together."""
    retry_times_when_send_failed: int = 2
    default_topic_queue_nums: int = 4
    create_topic_key: str = "TBW102"
    max_message_size: int = 4 * 1024 * 1024
    """Bytes of a body, as it is given to the producer."""
    compress_msg_body_over_howmuch: int = 4096
    """Bytes from which on a body travels and is stored compressed."""
    send_latency_fault_enable: bool = False
    """Whether a broker that failed or was slow is left alone for a while."""
    retry_another_broker_when_not_store_o_k: bool = setting(
        default=False, key="retryAnotherBrokerWhenNotStoreOK"
    )
    pull_batch_size: int = 32
    pull_threshold_for_queue: int = 1000
    """Messages pulled and not yet consumed, a queue."""
    pull_threshold_size_for_queue: int = 100
    """MiB of their bodies, a queue."""
    pull_threshold_for_topic: int = -1
    """As for a queue, shared out among this member's queues of a topic; -1: not."""
    pull_threshold_size_for_topic: int = -1
    """MiB; likewise."""
    consume_concurrently_max_span: int = 2000
    """Offsets between the oldest and the newest message that are not yet consumed."""
    consume_concurrency: int = 20
    """Messages consumed at the same time (RocketMQ's consumeThreadMin)."""
    consume_timeout: int = 15
    """Minutes after which a message that is still being consumed is sent back."""
    max_reconsume_times: int = -1
    """How often a message may come again before it is a dead letter; -1: 16 times,
    an orderly consumer for ever."""
    suspend_current_queue_time_millis: int = 1000
    """How long an orderly consumer waits before it tries a message again."""
    await_terminate_millis_when_shutdown: int = 20_000
    """How long a consumer that is closed waits for its listeners (RocketMQ's: 0)."""
