import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.MQAdminImpl;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * RocketMQ's Java client by lines: a request of JSON a line, an answer of JSON a line.
 *
 * <p>It decides nothing: what is sent and asked, and what the answers should be, is known
 * to the Python beside it (LineClient in client.py). Bodies come as Base64 and leave as
 * their SHA-256. An answer {"error": ...} says what the client threw.
 *
 * <p>java LineClient NAME_SERVERS GROUP
 */
public final class LineClient {
    private static final int AT_ONCE = 32;
    private static final int MOST_FOUND = 64;

    private final TransactionMQProducer producer;
    private final DefaultMQPullConsumer consumer;

    private LineClient(String nameServers, String group) {
        producer = new TransactionMQProducer(group + "-producers");
        producer.setNamesrvAddr(nameServers);
        producer.setSendMsgTimeout(20_000);
        producer.setTransactionListener(new Verdicts());
        consumer = new DefaultMQPullConsumer(group);
        consumer.setNamesrvAddr(nameServers);
    }

    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err); // what the client itself has to say is no answer
        LineClient client = new LineClient(arguments[0], arguments[1]);
        client.producer.start();
        client.consumer.start();
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(client.answerOrError(JSON.parseObject(line)));
            out.flush();
        }
        client.consumer.shutdown();
        client.producer.shutdown();
        System.exit(0);
    }

    private String answerOrError(JSONObject asked) {
        Object answer;
        try {
            answer = answer(asked);
        } catch (Exception error) {
            answer = new JSONObject().fluentPut("error", error.toString());
        }
        return JSON.toJSONString(answer, SerializerFeature.DisableCircularReferenceDetect);
    }

    private Object answer(JSONObject asked) throws Exception {
        switch (asked.getString("do")) {
            case "create":
                producer.createTopic(
                    asked.getString("like"), asked.getString("topic"), asked.getIntValue("queues"));
                return null;
            case "send":
                return send(asked);
            case "settle":
                return settle(asked);
            case "queues":
                return queues(asked.getString("topic"));
            case "read":
                return read(queue(asked), asked.getString("tags"),
                    asked.getLongValue("from"), asked.getLongValue("to"));
            case "key":
                return found(asked.getString("topic"), asked.getString("key"));
            case "unique":
                return seen(admin().queryMessageByUniqKey(
                    asked.getString("topic"), asked.getString("key")));
            case "view":
                return seen(consumer.viewMessage(asked.getString("id")));
            case "at":
                return consumer.searchOffset(queue(asked), asked.getLongValue("ms"));
            case "earliest":
                return consumer.earliestMsgStoreTime(queue(asked));
            case "commit":
                consumer.getOffsetStore().updateConsumeOffsetToBroker(
                    queue(asked), asked.getLongValue("offset"), false);
                return null;
            case "committed":
                return consumer.fetchConsumeOffset(queue(asked), true);
            default:
                throw new IllegalArgumentException("nobody can do " + asked.getString("do"));
        }
    }

    private MQAdminImpl admin() {
        return consumer.getDefaultMQPullConsumerImpl().getRebalanceImpl()
            .getmQClientFactory().getMQAdminImpl();
    }

    private static MessageQueue queue(JSONObject asked) {
        return new MessageQueue(
            asked.getString("topic"), asked.getString("broker"), asked.getIntValue("queue"));
    }

    /** One message, or several as a batch, to one queue. */
    private Object send(JSONObject asked) throws Exception {
        List<Message> messages = new ArrayList<>();
        for (Object one : asked.getJSONArray("messages")) {
            messages.add(message(asked.getString("topic"), (JSONObject) one));
        }
        return told(messages.size() == 1
            ? producer.send(messages.get(0), queue(asked))
            : producer.send(messages, queue(asked)));
    }

    /** A message of a transaction, whose outcome is asked for; the client picks a queue. */
    private Object settle(JSONObject asked) throws Exception {
        Message message = message(asked.getString("topic"), asked.getJSONObject("message"));
        LocalTransactionState verdict =
            LocalTransactionState.valueOf(asked.getString("verdict"));
        return told(producer.sendMessageInTransaction(message, verdict));
    }

    private static Message message(String topic, JSONObject one) {
        Message message = new Message(topic, Base64.getDecoder().decode(one.getString("body")));
        message.setFlag(one.getIntValue("flag"));
        JSONObject properties = one.getJSONObject("properties");
        for (String name : properties.keySet()) {
            message.putUserProperty(name, properties.getString(name));
        }
        if (one.getString("tags") != null) {
            message.setTags(one.getString("tags"));
        }
        if (one.getString("keys") != null) {
            message.setKeys(one.getString("keys"));
        }
        if (one.getIntValue("delay") > 0) {
            message.setDelayTimeLevel(one.getIntValue("delay"));
        }
        return message;
    }

    private static JSONObject told(SendResult result) {
        return new JSONObject()
            .fluentPut("status", result.getSendStatus().name())
            .fluentPut("id", result.getMsgId())
            .fluentPut("offsetId", result.getOffsetMsgId())
            .fluentPut("queue", result.getMessageQueue().getQueueId())
            .fluentPut("offset", result.getQueueOffset());
    }

    /** For each queue of the topic's route its broker, number, least and next offset. */
    private JSONArray queues(String topic) throws Exception {
        JSONArray rows = new JSONArray();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            rows.add(new JSONArray()
                .fluentAdd(queue.getBrokerName())
                .fluentAdd(queue.getQueueId())
                .fluentAdd(consumer.minOffset(queue))
                .fluentAdd(consumer.maxOffset(queue)));
        }
        return rows;
    }

    /** The messages from one offset to before another; waits where they are to come. */
    private JSONArray read(MessageQueue queue, String tags, long from, long to)
        throws Exception {
        String wanted = tags == null ? "*" : tags;
        JSONArray messages = new JSONArray();
        for (long offset = from; offset < to; ) {
            int most = (int) Math.min(AT_ONCE, to - offset);
            PullResult result = consumer.pullBlockIfNotFound(queue, wanted, offset, most);
            if (result.getMsgFoundList() != null) {
                for (MessageExt message : result.getMsgFoundList()) {
                    messages.add(seen(message));
                }
            } else if (result.getNextBeginOffset() == offset) {
                throw new IllegalStateException(queue + " has nothing at " + offset + ": " + result);
            }
            offset = result.getNextBeginOffset();
        }
        return messages;
    }

    /** Where in the log the messages with this key are. */
    private JSONArray found(String topic, String key) throws Exception {
        JSONArray offsets = new JSONArray();
        try {
            List<MessageExt> messages = consumer
                .queryMessage(topic, key, MOST_FOUND, 0, Long.MAX_VALUE).getMessageList();
            messages.forEach(one -> offsets.add(one.getCommitLogOffset()));
        } catch (MQClientException error) {
            if (!error.toString().contains("no message")) {
                throw error;
            }
        }
        return offsets;
    }

    private static JSONObject seen(MessageExt message) throws Exception {
        if (message == null) {
            return null;
        }
        Map<String, String> properties = new TreeMap<>();
        if (message.getProperties() != null) {
            properties.putAll(message.getProperties());
        }
        properties.remove("MIN_OFFSET"); // the pull's, not the message's
        properties.remove("MAX_OFFSET");
        return new JSONObject()
            .fluentPut("topic", message.getTopic())
            .fluentPut("queue", message.getQueueId())
            .fluentPut("offset", message.getQueueOffset())
            .fluentPut("at", message.getCommitLogOffset())
            .fluentPut("size", message.getStoreSize())
            .fluentPut("flag", message.getFlag())
            .fluentPut("sysFlag", message.getSysFlag())
            .fluentPut("born", message.getBornTimestamp())
            .fluentPut("bornHost", host(message.getBornHost()))
            .fluentPut("stored", message.getStoreTimestamp())
            .fluentPut("storeHost", host(message.getStoreHost()))
            .fluentPut("reconsumed", message.getReconsumeTimes())
            .fluentPut("prepared", message.getPreparedTransactionOffset())
            .fluentPut("crc", message.getBodyCRC())
            .fluentPut("properties", properties)
            .fluentPut("body", sha256(message.getBody()));
    }

    private static JSONArray host(SocketAddress address) {
        InetSocketAddress host = (InetSocketAddress) address;
        return new JSONArray()
            .fluentAdd(host.getAddress().getHostAddress()).fluentAdd(host.getPort());
    }

    private static String sha256(byte[] body) throws Exception {
        byte[] whole = body == null ? new byte[0] : body;
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(whole);
        return String.format("%064x", new BigInteger(1, digest));
    }

    /** Answers what the message's sender wished for. */
    private static final class Verdicts implements TransactionListener {
        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object wish) {
            return (LocalTransactionState) wish;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            return LocalTransactionState.UNKNOW;
        }
    }
}
