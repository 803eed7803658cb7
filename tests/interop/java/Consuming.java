import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.consumer.DefaultMQPushConsumerImpl;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/** All ways to consume. */
final class Consuming {
    private final Stage stage;

    Consuming(Stage stage) {
        this.stage = stage;
    }

    private void send(String topic, int count, int queues) throws Exception {
        send(topic, 0, count, queues);
    }

    private void send(String topic, int from, int to, int queues) throws Exception {
        for (int number = from; number < to; number++) {
            stage.producer.send(
                Stage.message(topic, topic + "-" + number), Stage.queue(topic, number % queues));
        }
    }

    /** Two of a group; returns when each has its share of the queues. */
    private List<DefaultMQPushConsumer> pair(
        String topic, int share, int all, Consumer<DefaultMQPushConsumer> prepared)
        throws Exception {
        List<DefaultMQPushConsumer> pair = new ArrayList<>();
        for (int number = 0; number < 2; number++) {
            DefaultMQPushConsumer consumer = stage.consumer(topic + "-group", topic + number);
            consumer.subscribe(topic, "*");
            prepared.accept(consumer);
            long start = System.currentTimeMillis();
            consumer.start();
            pair.add(consumer);
            // The first takes all: what it has later, it has because it gave some up.
            int wanted = number == 0 ? all : share;
            has(consumer, topic, wanted);
            // It renews its locks after a second. One that it gives up just then may be
            // renewed after that, and nobody gets it for a minute.
            Stage.until(() -> locksAreOf(consumer, start + 1000));
        }
        has(pair.get(0), topic, share == all ? all : all - share);
        return pair;
    }

    private static void has(DefaultMQPushConsumer consumer, String topic, int count)
        throws Exception {
        try {
            Stage.until(() -> queues(consumer, topic).size() == count);
        } catch (IllegalStateException never) {
            throw new IllegalStateException(
                consumer.getInstanceName() + " has " + queues(consumer, topic), never);
        }
    }

    private static boolean locksAreOf(DefaultMQPushConsumer consumer, long time) {
        DefaultMQPushConsumerImpl inside = consumer.getDefaultMQPushConsumerImpl();
        return !inside.isConsumeOrderly()
            || inside.getRebalanceImpl().getProcessQueueTable().values().stream()
                .allMatch(one -> one.getLastLockTimestamp() >= time);
    }

    private List<Heard> heardByTwo(String topic, MessageModel model, int share, int all)
        throws Exception {
        List<Heard> heard = new ArrayList<>();
        pair(topic, share, all, consumer -> {
            heard.add(new Heard());
            consumer.setMessageModel(model);
            consumer.registerMessageListener(heard.get(heard.size() - 1).content());
        });
        return heard;
    }

    private static Set<MessageQueue> queues(DefaultMQPushConsumer consumer, String topic) {
        Set<MessageQueue> queues = ConcurrentHashMap.newKeySet();
        queues.addAll(consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl()
            .getProcessQueueTable().keySet());
        queues.removeIf(one -> !one.getTopic().equals(topic));
        return queues;
    }

    Object clustering() throws Exception {
        String topic = stage.topic("Clustering", 4);
        List<Heard> pair = heardByTwo(topic, MessageModel.CLUSTERING, 2, 4);
        send(topic, 8, 4);
        JSONArray facts = new JSONArray();
        for (Heard heard : pair) {
            heard.await(4);
        }
        pair.forEach(heard -> facts.add(new JSONObject()
            .fluentPut("queues", heard.queues()).fluentPut("heard", heard.sorted())));
        facts.sort((one, other) -> one.toString().compareTo(other.toString()));
        return facts;
    }

    Object broadcasting() throws Exception {
        String topic = stage.topic("Broadcasting", 2);
        List<Heard> pair = heardByTwo(topic, MessageModel.BROADCASTING, 2, 2);
        send(topic, 4, 2);
        return Arrays.asList(pair.get(0).await(4).sorted(), pair.get(1).await(4).sorted());
    }

    /** Orders of three steps, each order to the queue of its number; one step fails once. */
    Object ordered() throws Exception {
        String topic = stage.topic("Ordered", 3);
        Map<Integer, List<String>> heard = new TreeMap<>();
        MessageListenerOrderly listener = (messages, context) -> {
            synchronized (heard) {
                String body = Stage.body(messages.get(0));
                List<String> before =
                    heard.computeIfAbsent(messages.get(0).getQueueId(), any -> new ArrayList<>());
                before.add(body);
                return body.equals("order-1 step-1") && Collections.frequency(before, body) == 1
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                    : ConsumeOrderlyStatus.SUCCESS;
            }
        };
        pair(topic, 1, 3, consumer -> {
            consumer.setSuspendCurrentQueueTimeMillis(100);
            consumer.registerMessageListener(listener);
        });
        for (int step = 0; step < 3; step++) {
            for (int order = 0; order < 3; order++) {
                Message message = Stage.message(topic, "order-" + order + " step-" + step);
                stage.producer.send(message,
                    (queues, any, wanted) -> Stage.queue(topic, (Integer) wanted), order);
            }
        }
        Stage.until(() -> {
            synchronized (heard) {
                return heard.values().stream().mapToInt(List::size).sum() >= 10;
            }
        });
        return heard;
    }

    /** A group that goes and comes back is given only what is new. */
    Object resumed() throws Exception {
        String topic = stage.topic("Resumed", 1);
        List<List<String>> facts = new ArrayList<>();
        for (int round = 1; round <= 2; round++) {
            send(topic, 3 * facts.size(), 3 * round, 1);
            Heard heard = new Heard();
            DefaultMQPushConsumer consumer = stage.consumer("resumed-group", "resumed" + round);
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(heard.content());
            consumer.start();
            facts.add(heard.await(3).sorted());
            Stage.until(() -> stage.committed(consumer, topic) == 3L * facts.size());
            consumer.shutdown();
        }
        return facts;
    }

    /** One queue, and the last is wanted: what is not, would have come before it. */
    Object tags() throws Exception {
        String topic = stage.topic("Tags", 1);
        for (String tag : "red,green,blue,green,,red,blue".split(",")) {
            stage.producer.send(Stage.message(topic, tag, "tag " + tag));
        }
        Heard heard = new Heard();
        DefaultMQPushConsumer consumer = stage.consumer("tags-group");
        consumer.subscribe(topic, "red || blue");
        consumer.registerMessageListener(heard.content());
        consumer.start();
        return heard.await(4).sorted();
    }

    Object sql() throws Exception {
        String topic = stage.topic("Sql", 1);
        String[] colours = {"red", "blue", null, "red", "green", "red"};
        for (int number = 0; number < colours.length; number++) {
            Message message = Stage.message(topic, "tag-" + number % 2, "sql-" + number);
            message.putUserProperty("price", String.valueOf(10 * number));
            if (colours[number] != null) {
                message.putUserProperty("colour", colours[number]);
            }
            stage.producer.send(message);
        }
        return new JSONObject()
            .fluentPut("compared", chosen(topic, "compared", "price > 10 AND price <= 50", 4))
            .fluentPut("among", chosen(topic, "among", "colour IN ('red', 'green')", 4))
            .fluentPut("none", chosen(topic, "none", "colour IS NULL OR price >= 50", 2))
            .fluentPut("not", chosen(topic, "not",
                "NOT (colour = 'blue') AND price NOT BETWEEN 25 AND 45", 2))
            .fluentPut("tag", chosen(topic, "tag", "TAGS = 'tag-1' AND colour <> 'blue'", 2))
            .fluentPut("refused", refused(topic, "price >"));
    }

    private List<String> chosen(String topic, String group, String expression, int count)
        throws Exception {
        Heard heard = new Heard();
        DefaultMQPushConsumer consumer = stage.consumer("sql-" + group);
        consumer.subscribe(topic, MessageSelector.bySql(expression));
        consumer.registerMessageListener(heard.content());
        consumer.start();
        return heard.await(count).sorted();
    }

    /** The response code with which a consumer is not let in. */
    private Object refused(String topic, String expression) throws Exception {
        DefaultMQPushConsumer consumer = stage.consumer("sql-refused", "refused");
        consumer.subscribe(topic, MessageSelector.bySql(expression));
        consumer.registerMessageListener(new Heard().content());
        try {
            consumer.start();
        } catch (MQClientException error) {
            return error.getResponseCode();
        }
        consumer.shutdown();
        return "let in";
    }

    /** One message that nobody can consume, beside one that needs a second try. */
    Object retried() throws Exception {
        String topic = stage.topic("Retried", 1);
        Heard heard = new Heard();
        DefaultMQPushConsumer consumer = stage.consumer("retried-group");
        consumer.setMaxReconsumeTimes(2);
        consumer.subscribe(topic, "bad || lazy");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            heard.add(messages);
            MessageExt first = messages.get(0);
            boolean isDone = first.getTags().equals("lazy") && first.getReconsumeTimes() == 1;
            if (first.getTags().equals("lazy")) {
                context.setDelayLevelWhenNextConsume(1);
            }
            return isDone
                ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS
                : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        String offsetId =
            stage.producer.send(Stage.message(topic, "bad", "never")).getOffsetMsgId();
        stage.producer.send(Stage.message(topic, "lazy", "twice"));
        MessageQueue dead = Stage.queue("%DLQ%retried-group", 0);
        List<String> tries = new ArrayList<>();
        MessageQueue retries = Stage.queue("%RETRY%retried-group", 0);
        try {
            heard.await(5);
        } catch (IllegalStateException never) {
            throw new IllegalStateException(never.getMessage() + " of " + retries + " to "
                + stage.puller.maxOffset(retries) + ", has " + queues(consumer, retries.getTopic()));
        }
        Stage.until(() -> stage.puller.maxOffset(dead) == 1);
        heard.messages().forEach(
            one -> tries.add(Stage.body(one) + " " + one.getReconsumeTimes() + " " + one.getTopic()));
        Collections.sort(tries);
        JSONObject facts = new JSONObject().fluentPut("tries", tries);
        // 4.4 makes this topic such that nobody may read it.
        stage.topic(dead.getTopic(), 1);
        Stage.until(() -> permission(dead.getTopic()) == 6);
        MessageExt last = stage.stored(dead, 1).get(0);
        return facts
            .fluentPut("dead", Stage.body(last))
            .fluentPut("tags", last.getTags())
            .fluentPut("reconsumed", last.getReconsumeTimes())
            .fluentPut("came from", last.getProperty("RETRY_TOPIC"))
            .fluentPut("origin is told", offsetId.equals(last.getProperty("ORIGIN_MESSAGE_ID")))
            .fluentPut("waiting for retries",
                stage.puller.maxOffset(retries));
    }

    private int permission(String topic) throws Exception {
        return stage.admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm();
    }

    /** Statuses, next and bounds of pulls at all places; a wait that an arrival ends. */
    Object pulled() throws Exception {
        MessageQueue queue = Stage.queue(stage.topic("Pulled", 1), 0);
        JSONArray facts = new JSONArray();
        facts.add(told(stage.puller.pull(queue, "*", 0, 32)));
        stage.producer.send(Stage.message("Pulled", "one", "pulled-0"));
        stage.producer.send(Stage.message("Pulled", "two", "pulled-1"));
        Stage.until(() -> stage.puller.maxOffset(queue) == 2);
        facts.add(told(stage.puller.pull(queue, "*", 0, 32)));
        facts.add(told(stage.puller.pull(queue, "*", 1, 1)));
        facts.add(told(stage.puller.pull(queue, "two", 0, 32)));
        facts.add(told(stage.puller.pull(queue, "three", 0, 32)));
        facts.add(told(stage.puller.pull(queue, "*", 2, 32)));
        facts.add(told(stage.puller.pull(queue, "*", 9, 32)));
        Thread later = new Thread(() -> {
            try {
                stage.producer.send(Stage.message("Pulled", "two", "pulled-2"));
            } catch (Exception error) {
                error.printStackTrace();
            }
        });
        later.start();
        facts.add(told(stage.puller.pullBlockIfNotFound(queue, "two", 2, 32)));
        later.join();
        stage.puller.getOffsetStore().updateConsumeOffsetToBroker(queue, 2, false);
        return new JSONObject()
            .fluentPut("pulls", facts)
            .fluentPut("committed", stage.puller.fetchConsumeOffset(queue, true));
    }

    private static JSONArray told(PullResult result) {
        List<MessageExt> found = result.getMsgFoundList();
        return new JSONArray()
            .fluentAdd(result.getPullStatus().name())
            .fluentAdd(result.getNextBeginOffset())
            .fluentAdd(result.getMinOffset())
            .fluentAdd(result.getMaxOffset())
            .fluentAdd(found == null ? null : Stage.bodies(found));
    }

    /** Back to the time of the third message, while the consumer is there. */
    Object reset() throws Exception {
        String topic = stage.topic("Reset", 1);
        Heard heard = new Heard();
        DefaultMQPushConsumer consumer = stage.consumer("reset-group", "reset");
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(heard.content());
        consumer.start();
        for (int number = 0; number < 4; number++) {
            stage.producer.send(Stage.message(topic, "reset-" + number));
            long sent = System.currentTimeMillis();
            Stage.until(() -> System.currentTimeMillis() > sent + 1);
        }
        long third = 0;
        for (MessageExt one : heard.await(4).messages()) {
            third = Stage.body(one).equals("reset-2") ? one.getStoreTimestamp() : third;
        }
        Stage.until(() -> stage.committed(consumer, topic) == 4);
        Map<MessageQueue, Long> told =
            stage.admin.resetOffsetByTimestamp(topic, "reset-group", third, true);
        List<String> again = heard.await(6).bodies().subList(4, 6);
        Collections.sort(again);
        return new JSONObject()
            .fluentPut("told", new ArrayList<>(told.values()))
            .fluentPut("heard again", again)
            .fluentPut("heard", heard.count());
    }
}
