"""The keys that RocketMQ 4.x reads and this package does not act on.

Such a key in a file is no mistake: a real broker heeds it, here it only changes
nothing.  A key that stands neither here nor in `settings` is read by nobody.

Source: the setters of BrokerConfig.java, MessageStoreConfig.java,
NettyServerConfig.java, NettyClientConfig.java and NamesrvConfig.java, releases 4.4.0
and 4.9.7.
"""

from __future__ import annotations

from rmqlab.config import Long

_NUMBERS = """
adminBrokerThreadPoolNums bitMapLengthConsumeQueueExt
clientAsyncSemaphoreValue clientCallbackExecutorThreads clientChannelMaxIdleTimeSeconds
clientManageThreadPoolNums clientManagerThreadPoolQueueCapacity
clientOnewaySemaphoreValue clientSocketRcvBufSize clientSocketSndBufSize
clientWorkerThreads commercialBaseCount commercialBigCount commercialTimerCount
commercialTransCount commitCommitLogLeastPages commitCommitLogThoroughInterval
commitIntervalCommitLog connectTimeoutMillis consumerManageThreadPoolNums
consumerManagerThreadPoolQueueCapacity destroyMapedFileIntervalForcibly
endTransactionPoolQueueCapacity endTransactionThreadPoolNums expectConsumerNumUseFilter
filterServerNums flushConsumerOffsetHistoryInterval flushLeastPagesWhenWarmMapedFile
haListenPort heartbeatThreadPoolNums heartbeatThreadPoolQueueCapacity
mappedFileSizeConsumeQueueExt maxDelayTime maxErrorRateOfBloomFilter
maxLmqConsumeQueueNum
processReplyMessageThreadPoolNums pullMessageThreadPoolNums pullThreadPoolQueueCapacity
putMessageFutureThreadPoolNums putMsgIndexHightWater putThreadPoolQueueCapacity
queryMessageThreadPoolNums queryThreadPoolQueueCapacity replyThreadPoolQueueCapacity
scheduleAsyncDeliverMaxPendingLimit scheduleAsyncDeliverMaxResendNum2Blocked
sendMessageThreadPoolNums serverAsyncSemaphoreValue
serverCallbackExecutorThreads serverOnewaySemaphoreValue
serverSelectorThreads serverSocketBacklog serverSocketRcvBufSize serverSocketSndBufSize
serverWorkerThreads transientStorePoolSize writeBufferHighWaterMark
writeBufferLowWaterMark
""".split()

_LONG_NUMBERS = """
channelNotActiveInterval consumerFallbehindThreshold
waitTimeMillsInHeartbeatQueue waitTimeMillsInPullQueue
waitTimeMillsInTransactionQueue
""".split()

_SWITCHES = """
aclEnable autoDeleteUnusedStats clientCloseSocketIfTimeout
clientPooledByteBufAllocatorEnable commercialEnable debugLockEnable
disableConsumeIfConsumerReadSlowly diskFallRecorded duplicationEnable enableBatchPush
enableCalcFilterBitMap enableConsumeQueueExt enableDLegerCommitLog enableDetailStat
enableLmq enableMultiDispatch enableScheduleAsyncDeliver
enableScheduleMessageStats fastFailIfNoBufferInStorePool fetchNamesrvAddrByAddressServer
flushCommitLogTimed highSpeedMode isolateLogEnable
messageIndexSafe serverPooledByteBufAllocatorEnable
traceTopicEnable transferMsgByHeap transientStorePoolEnable
useEpollNativeSelector useReentrantLockWhenPutMessage useTLS warmMapedFileEnable
""".split()

_TEXTS = """
dLegerGroup dLegerPeers dLegerSelfId messageStorePlugIn msgTraceTopicName
preferredLeaderId readOnlyCommitLogStorePaths rmqAddressServerDomain
rmqAddressServerSubGroup rocketmqHome storePathDLedgerCommitLog
""".split()

IGNORED_BY_BROKER: dict[str, type] = (
    dict.fromkeys(_NUMBERS, int)
    | dict.fromkeys(_LONG_NUMBERS, Long)
    | dict.fromkeys(_SWITCHES, bool)
    | dict.fromkeys(_TEXTS, str)
)
"""By key, of what kind its value must be."""

IGNORED_BY_NAMESRV: dict[str, type] = {
    "clusterTest": bool,
    "productEnvName": str,
    "rocketmqHome": str,
} | {
    key: kind
    for key, kind in IGNORED_BY_BROKER.items()
    if key.startswith(("server", "writeBuffer", "useEpoll"))
}
"""The same for a name server."""

OURS_ALONE = {"labSendMillis", "labSlaveSyncMillis"}
"""Read here, and by no RocketMQ."""

RENAMED = {
    "mapedFileSizeCommitLog": "mappedFileSizeCommitLog",
    "mapedFileSizeConsumeQueue": "mappedFileSizeConsumeQueue",
}
"""Read by releases up to 4.5.1 under the first name, from 4.6.0 under the second."""
