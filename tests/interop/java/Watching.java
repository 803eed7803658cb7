import com.alibaba.fastjson.JSONObject;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.admin.ConsumeStats;
import org.apache.rocketmq.common.admin.OffsetWrapper;
import org.apache.rocketmq.common.admin.TopicOffset;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.common.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.common.protocol.body.QueueTimeSpan;
import org.apache.rocketmq.common.subscription.SubscriptionGroupConfig;

/** What rocketmq-dashboard asks, page by page, by the client that it has for it. */
final class Watching {
    private static final String TOPIC = "Watched";
    private static final String GROUP = "watched-group";
    private static final long ENOUGH_MS = 20_000;

    private final Stage stage;
    private final Heard heard = new Heard();
    private DefaultMQPushConsumer consumer;

    Watching(Stage stage) {
        this.stage = stage;
    }

    Object dashboard() throws Exception {
        stage.topic(TOPIC, 1);
        consumer = stage.consumer(GROUP, "watched");
        consumer.subscribe(TOPIC, "*");
        consumer.registerMessageListener(heard.content());
        consumer.start();
        stage.producer.send(Stage.message(TOPIC, "watched-0"));
        SendResult sent = stage.producer.send(Stage.message(TOPIC, "watched-1"));
        heard.await(2);
        Stage.until(() -> stage.committed(consumer, TOPIC) == 2);
        return new JSONObject()
            .fluentPut("cluster", cluster())
            .fluentPut("topics", topics())
            .fluentPut("consumers", consumers())
            .fluentPut("one consumer", oneConsumer(sent.getOffsetMsgId()))
            .fluentPut("upkeep", upkeep());
    }

    /** /cluster/list.query, /cluster/brokerConfig.query */
    private JSONObject cluster() throws Exception {
        String address = stage.brokerAddress();
        Map<String, String> told = stage.admin.fetchBrokerRuntimeStats(address).getTable();
        boolean isNumeric = true;
        for (String key : "putTps getTransferedTps getTotalTps".split(" ")) {
            for (String number : told.get(key).trim().split(" +")) {
                isNumeric &= number.isEmpty() || Double.parseDouble(number) >= 0;
            }
        }
        long today = 0;
        for (String kind : "msgPutTotal msgGetTotal".split(" ")) {
            today += Long.parseLong(told.get(kind + "TodayNow"))
                - Long.parseLong(told.get(kind + "TodayMorning"));
            today -= Long.parseLong(told.get(kind + "TodayMorning"))
                - Long.parseLong(told.get(kind + "YesterdayMorning"));
        }
        return new JSONObject()
            .fluentPut("rates are numbers", isNumeric)
            .fluentPut("something came and went today", today > 0)
            .fluentPut("role", stage.admin.getBrokerConfig(address).get("brokerRole"))
            .fluentPut("clusters", stage.admin.examineBrokerClusterInfo().getClusterAddrTable());
    }

    /** /topic/list.query, /topic/stats.query, /topic/queryTopicConsumerInfo.query */
    private JSONObject topics() throws Exception {
        TopicOffset offset = stage.admin.examineTopicStats(TOPIC).getOffsetTable()
            .get(Stage.queue(TOPIC, 0));
        return new JSONObject()
            .fluentPut("listed", stage.admin.fetchAllTopicList().getTopicList().contains(TOPIC))
            .fluentPut("bounds", new long[] {offset.getMinOffset(), offset.getMaxOffset()})
            .fluentPut("by", stage.admin.queryTopicConsumeByWho(TOPIC).getGroupList())
            .fluentPut("counted", stage.admin
                .viewBrokerStatsData(stage.brokerAddress(), "TOPIC_PUT_NUMS", TOPIC) != null);
    }

    /** /consumer/groupList.query, /consumer/queryTopicByConsumer.query */
    private JSONObject consumers() throws Exception {
        String address = stage.brokerAddress();
        SubscriptionGroupConfig group = stage.admin.getAllSubscriptionGroup(address, ENOUGH_MS)
            .getSubscriptionGroupTable().get(GROUP);
        ConsumeStats stats = stage.admin.examineConsumeStats(GROUP);
        OffsetWrapper offset = stats.getOffsetTable().get(Stage.queue(TOPIC, 0));
        QueueTimeSpan span = stage.admin.queryConsumeTimeSpan(TOPIC, GROUP).get(0);
        return new JSONObject()
            .fluentPut("retries", group.getRetryMaxTimes())
            .fluentPut("behind", stats.computeTotalDiff())
            .fluentPut("offsets", new long[] {offset.getBrokerOffset(), offset.getConsumerOffset()})
            .fluentPut("has consumed to the end",
                span.getConsumeTimeStamp() == span.getMaxTimeStamp() && span.getDelayTime() == 0)
            .fluentPut("in the broker's statistics", stage.admin
                .fetchConsumeStatsInBroker(address, false, ENOUGH_MS)
                .getConsumeStatsList().stream().anyMatch(one -> one.containsKey(GROUP)));
    }

    /** /consumer/consumerConnection.query, …RunningInfo.query, /message/consumeMessageDirectly.do */
    private JSONObject oneConsumer(String id) throws Exception {
        String client = stage.admin.examineConsumerConnectionInfo(GROUP)
            .getConnectionSet().iterator().next().getClientId();
        ConsumerRunningInfo info = stage.admin.getConsumerRunningInfo(GROUP, client, true);
        MessageQueue queue = Stage.queue(TOPIC, 0);
        ConsumeMessageDirectlyResult result =
            stage.admin.consumeMessageDirectly(GROUP, client, id);
        return new JSONObject()
            .fluentPut("is ours", client.equals(consumer.buildMQClientId()))
            .fluentPut("is at", info.getMqTable().get(queue).getCommitOffset())
            .fluentPut("has a stack", info.getJstack().contains("RebalanceService"))
            .fluentPut("says it is at", stage.admin.getConsumeStatus(TOPIC, GROUP, client)
                .get(client).get(queue))
            .fluentPut("consumed directly", result.getConsumeResult().name())
            .fluentPut("heard", heard.await(3).sorted());
    }

    private JSONObject upkeep() throws Exception {
        stage.admin.createAndUpdateKvConfig("watching", "key", "value");
        return new JSONObject()
            .fluentPut("kept", stage.admin.getKVConfig("watching", "key"))
            .fluentPut("listed", new TreeMap<>(
                stage.admin.getKVListByNamespace("watching").getTable()))
            .fluentPut("expired queues", stage.admin
                .cleanExpiredConsumerQueueByAddr(stage.brokerAddress()))
            .fluentPut("unused topics", stage.admin.cleanUnusedTopicByAddr(stage.brokerAddress()));
    }
}
