import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What the scenarios share: the clients of this process, topics, and how one waits. */
final class Stage {
    static final String BROKER = "broker-a";
    private static final long BOUND_MS = 60_000;
    private static final long LOOK_AGAIN_MS = 10;
    private static final int ROUTES_MS = 500; // a group's retry topic is made after its start
    private static final int HEARTBEAT_MS = 1000; // one that is lost is made good before long

    final DefaultMQProducer producer = new DefaultMQProducer("senders");
    final DefaultMQPullConsumer puller = new DefaultMQPullConsumer("pullers");
    final DefaultMQAdminExt admin = new DefaultMQAdminExt(20_000L);
    final String nameServers;

    Stage(String nameServers) throws Exception {
        this.nameServers = nameServers;
        producer.setNamesrvAddr(nameServers);
        producer.setSendMsgTimeout(20_000);
        producer.setPollNameServerInterval(ROUTES_MS);
        producer.setHeartbeatBrokerInterval(HEARTBEAT_MS);
        puller.setNamesrvAddr(nameServers);
        admin.setNamesrvAddr(nameServers);
        admin.setInstanceName("admin");
        producer.start();
        puller.start();
        admin.start();
        // 4.4 fails where two threads are the first to use a connection.
        MessageQueue queue = queue(topic("Stage", 1), 0);
        producer.send(message("Stage", "first"), queue);
        stored(queue, 1);
    }

    /** Makes a topic; returns its name once producers would find all its queues. */
    String topic(String name, int queues) throws Exception {
        TopicConfig config = new TopicConfig(name, queues, queues, 6);
        admin.createAndUpdateTopicConfig(brokerAddress(), config);
        until(() -> queuesOf(name) == queues);
        return name;
    }

    String brokerAddress() throws Exception {
        return admin.examineBrokerClusterInfo().getBrokerAddrTable().get(BROKER).selectBrokerAddr();
    }

    /** Returns once the broker knows the producer, which only a heartbeat tells it. */
    void producerKnown(String topic) throws Exception {
        untilGiven(() -> admin.examineProducerConnectionInfo(producer.getProducerGroup(), topic));
    }

    /** The number of queues that a route names, 0 where there is none yet. */
    int queuesOf(String topic) {
        try {
            return admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getReadQueueNums();
        } catch (Exception none) {
            return 0;
        }
    }

    DefaultMQPushConsumer consumer(String group) {
        return consumer(group, "DEFAULT");
    }

    /** One that reads from the beginning. */
    DefaultMQPushConsumer consumer(String group, String instance) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(nameServers);
        consumer.setInstanceName(instance);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setPollNameServerInterval(ROUTES_MS);
        consumer.setHeartbeatBrokerInterval(HEARTBEAT_MS);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        return consumer;
    }

    /** How far a group is in queue 0, asked past the consumer, which would believe the answer. */
    long committed(DefaultMQPushConsumer consumer, String topic) throws Exception {
        // By itself it would tell the broker in ten seconds.
        consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        QueryConsumerOffsetRequestHeader asked = new QueryConsumerOffsetRequestHeader();
        asked.setConsumerGroup(consumer.getConsumerGroup());
        asked.setTopic(topic);
        asked.setQueueId(0);
        return puller.getDefaultMQPullConsumerImpl().getRebalanceImpl()
            .getmQClientFactory().getMQClientAPIImpl().queryConsumerOffset(brokerAddress(), asked, 20_000);
    }

    /** What lies in a queue once there are `count` messages. */
    List<MessageExt> stored(MessageQueue queue, int count) throws Exception {
        until(() -> puller.maxOffset(queue) >= count);
        List<MessageExt> found = new ArrayList<>();
        for (long offset = 0; offset < count; ) {
            PullResult result = puller.pull(queue, "*", offset, 32);
            if (result.getMsgFoundList() != null) {
                found.addAll(result.getMsgFoundList());
            }
            offset = result.getNextBeginOffset();
        }
        return found;
    }

    static MessageQueue queue(String topic, int number) {
        return new MessageQueue(topic, BROKER, number);
    }

    static Message message(String topic, String tags, String body) {
        return new Message(topic, tags, body.getBytes(StandardCharsets.UTF_8));
    }

    static Message message(String topic, String body) {
        return message(topic, "", body);
    }

    static String body(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    static List<String> bodies(List<MessageExt> messages) {
        List<String> bodies = new ArrayList<>();
        messages.forEach(one -> bodies.add(body(one)));
        return bodies;
    }

    /** Returns once something is so; fails where it does not become so. */
    static void until(Callable<Boolean> isSo) throws Exception {
        long end = System.currentTimeMillis() + BOUND_MS;
        while (!isSo.call()) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("not so in " + BOUND_MS + " ms");
            }
            Thread.sleep(LOOK_AGAIN_MS);
        }
    }

    /** Returns what a call gives, once it throws no more. */
    static <T> T untilGiven(Callable<T> call) throws Exception {
        List<T> given = new ArrayList<>();
        List<Exception> why = new ArrayList<>();
        try {
            until(() -> {
                try {
                    return given.add(call.call());
                } catch (Exception error) {
                    why.add(error);
                    return false;
                }
            });
        } catch (IllegalStateException never) {
            throw why.get(why.size() - 1);
        }
        return given.get(0);
    }
}
