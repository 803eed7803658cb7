import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** All ways to send. */
final class Sending {
    private final Stage stage;

    Sending(Stage stage) {
        this.stage = stage;
    }

    /** Eight to four queues, waiting for each answer. */
    Object sync() throws Exception {
        String topic = stage.topic("Sync", 4);
        List<String> statuses = new ArrayList<>();
        Map<Integer, List<Long>> offsets = new TreeMap<>();
        for (int number = 0; number < 8; number++) {
            SendResult result = stage.producer.send(Stage.message(topic, "sync-" + number));
            statuses.add(result.getSendStatus().name());
            offsets.computeIfAbsent(result.getMessageQueue().getQueueId(), any -> new ArrayList<>())
                .add(result.getQueueOffset());
        }
        List<String> bodies = new ArrayList<>();
        for (int queue = 0; queue < 4; queue++) {
            bodies.addAll(Stage.bodies(stage.stored(Stage.queue(topic, queue), 2)));
        }
        Collections.sort(bodies);
        return new JSONObject()
            .fluentPut("statuses", statuses)
            .fluentPut("offsets", offsets)
            .fluentPut("stored", bodies);
    }

    /** To a topic that nobody has made. */
    Object created() throws Exception {
        SendResult result = stage.producer.send(Stage.message("Created", "first"));
        Stage.until(() -> stage.queuesOf("Created") > 0);
        MessageQueue queue = Stage.queue("Created", result.getMessageQueue().getQueueId());
        return new JSONObject()
            .fluentPut("status", result.getSendStatus().name())
            .fluentPut("queues", stage.queuesOf("Created"))
            .fluentPut("stored", Stage.bodies(stage.stored(queue, 1)));
    }

    Object async() throws Exception {
        String topic = stage.topic("Async", 1);
        List<String> statuses = Collections.synchronizedList(new ArrayList<>());
        SendCallback told = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                statuses.add(result.getSendStatus().name());
            }

            @Override
            public void onException(Throwable error) {
                statuses.add(error.toString());
            }
        };
        for (int number = 0; number < 8; number++) {
            stage.producer.send(Stage.message(topic, "async-" + number), told);
        }
        Stage.until(() -> statuses.size() == 8);
        List<String> stored = Stage.bodies(stage.stored(Stage.queue(topic, 0), 8));
        Collections.sort(stored);
        return new JSONObject().fluentPut("statuses", statuses).fluentPut("stored", stored);
    }

    Object oneway() throws Exception {
        MessageQueue queue = Stage.queue(stage.topic("Oneway", 1), 0);
        for (int number = 0; number < 8; number++) {
            stage.producer.sendOneway(Stage.message("Oneway", "oneway-" + number), queue);
        }
        List<String> stored = Stage.bodies(stage.stored(queue, 8));
        Collections.sort(stored);
        return stored;
    }

    /** After another message, so that the first offset is not 0 by chance. */
    Object batch() throws Exception {
        MessageQueue queue = Stage.queue(stage.topic("Batch", 1), 0);
        stage.producer.send(Stage.message("Batch", "alone"), queue);
        List<Message> batch = new ArrayList<>();
        for (int number = 0; number < 3; number++) {
            batch.add(Stage.message("Batch", "tag-" + number, "batch-" + number));
        }
        SendResult result = stage.producer.send(batch, queue);
        List<MessageExt> stored = stage.stored(queue, 4).subList(1, 4);
        List<String> offsetIds = new ArrayList<>();
        List<String> tags = new ArrayList<>();
        List<String> uniqueIds = new ArrayList<>();
        for (MessageExt one : stored) {
            tags.add(one.getTags());
            uniqueIds.add(one.getMsgId());
            offsetIds.add(stage.admin.viewMessage(offsetId(one)).getProperty("UNIQ_KEY"));
        }
        return new JSONObject()
            .fluentPut("status", result.getSendStatus().name())
            .fluentPut("offset", result.getQueueOffset())
            .fluentPut("stored", Stage.bodies(stored))
            .fluentPut("tags", tags)
            .fluentPut("ids are the stored ones", result.getMsgId().equals(String.join(",", uniqueIds)))
            .fluentPut("each is seen by its offset", offsetIds.equals(uniqueIds));
    }

    private static String offsetId(MessageExt message) {
        return org.apache.rocketmq.common.message.MessageDecoder.createMessageId(
            message.getStoreHost(), message.getCommitLogOffset());
    }

    /** The second level's is sent first. */
    Object delayed() throws Exception {
        MessageQueue queue = Stage.queue(stage.topic("Delayed", 1), 0);
        List<Long> sent = new ArrayList<>();
        for (int level = 2; level > 0; level--) {
            Message message = Stage.message("Delayed", "tag", "level-" + level);
            message.setDelayTimeLevel(level);
            sent.add(0, System.currentTimeMillis());
            stage.producer.send(message, queue);
        }
        long before = stage.puller.maxOffset(queue);
        List<MessageExt> stored = stage.stored(queue, 2);
        List<Boolean> late = new ArrayList<>();
        for (int level = 1; level <= 2; level++) {
            long delivered = stored.get(level - 1).getStoreTimestamp();
            late.add(delivered - sent.get(level - 1) >= 3000L * level);
        }
        return new JSONObject()
            .fluentPut("at first", before)
            .fluentPut("stored", Stage.bodies(stored))
            .fluentPut("tag", stored.get(0).getTags())
            .fluentPut("not before its time", late);
    }

    /** Verdicts at once, and verdicts that the broker has to ask for. */
    Object transaction() throws Exception {
        String topic = stage.topic("Transaction", 1);
        Map<String, Integer> checks = new ConcurrentHashMap<>();
        TransactionMQProducer teller = new TransactionMQProducer("tellers");
        teller.setNamesrvAddr(stage.nameServers);
        teller.setInstanceName("teller");
        // Only who sent a heartbeat is asked.
        teller.setHeartbeatBrokerInterval(1000);
        teller.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object verdict) {
                return (LocalTransactionState) verdict;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                int times = checks.merge(
                    Stage.body(message) + " of " + message.getTopic(), 1, Integer::sum);
                if (times > 1) { // asked again before the first answer was heard
                    return LocalTransactionState.UNKNOW;
                }
                return Stage.body(message).equals("asked-commit")
                    ? LocalTransactionState.COMMIT_MESSAGE
                    : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        teller.start();
        List<String> statuses = new ArrayList<>();
        String[] bodies = {"commit", "rollback", "asked-commit", "asked-rollback"};
        LocalTransactionState[] verdicts = {
            LocalTransactionState.COMMIT_MESSAGE, LocalTransactionState.ROLLBACK_MESSAGE,
            LocalTransactionState.UNKNOW, LocalTransactionState.UNKNOW,
        };
        for (int number = 0; number < bodies.length; number++) {
            Message message = Stage.message(topic, "tag", bodies[number]);
            message.setKeys("key-" + bodies[number]);
            statuses.add(
                teller.sendMessageInTransaction(message, verdicts[number]).getSendStatus().name());
        }
        Stage.until(() -> checks.size() == 2);
        List<MessageExt> stored = stage.stored(Stage.queue(topic, 0), 2);
        stage.producer.send(Stage.message(topic, "last"));
        stored = stage.stored(Stage.queue(topic, 0), 3);
        List<MessageExt> found = Stage.untilGiven(() -> stage.admin
            .queryMessage(topic, "key-asked-commit", 8, 0, Long.MAX_VALUE).getMessageList());
        teller.shutdown();
        return new JSONObject()
            .fluentPut("statuses", statuses)
            .fluentPut("asked", new ArrayList<>(new TreeMap<>(checks).keySet()))
            .fluentPut("stored", Stage.bodies(stored))
            .fluentPut("found by key", Stage.bodies(found));
    }
}
