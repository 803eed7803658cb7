import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.impl.consumer.DefaultMQPushConsumerImpl;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * One member of a consumer group, by lines: a request of JSON a line, an answer a line.
 *
 * <p>java Member NAME_SERVERS GROUP
 */
public final class Member {
    private final String nameServers;
    private final String group;
    private final Heard heard = new Heard();
    private DefaultMQPushConsumer consumer;

    private Member(String nameServers, String group) {
        this.nameServers = nameServers;
        this.group = group;
    }

    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err); // what the client itself has to say is no answer
        System.setProperty("rocketmq.client.rebalance.waitInterval", "300");
        Member member = new Member(arguments[0], arguments[1]);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.toJSONString(member.answerOrError(JSON.parseObject(line))));
            out.flush();
        }
        System.exit(0);
    }

    private Object answerOrError(JSONObject asked) {
        try {
            return answer(asked);
        } catch (Exception error) {
            return new JSONObject().fluentPut("error", error.toString());
        }
    }

    private Object answer(JSONObject asked) throws Exception {
        switch (asked.getString("do")) {
            case "join":
                return join(asked.getString("topic"), asked.getString("strategy"));
            case "queues":
                return queues(asked.getString("topic"));
            case "heard":
                return heard();
            case "save":
                inside().persistConsumerOffset();
                return null;
            case "committed":
                return consumer.getDefaultMQPushConsumerImpl().getOffsetStore().readOffset(
                    Stage.queue(asked.getString("topic"), asked.getIntValue("queue")),
                    ReadOffsetType.READ_FROM_STORE);
            case "leave":
                consumer.shutdown();
                return null;
            default:
                throw new IllegalArgumentException("nobody can do " + asked.getString("do"));
        }
    }

    private DefaultMQPushConsumerImpl inside() {
        return consumer.getDefaultMQPushConsumerImpl();
    }

    /** Returns the id by which brokers know this member. */
    private Object join(String topic, String strategy) throws Exception {
        consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(nameServers);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAllocateMessageQueueStrategy(strategy(strategy));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(heard.content());
        consumer.start();
        return inside().getmQClientFactory().getClientId();
    }

    private static AllocateMessageQueueStrategy strategy(String name) {
        switch (name) {
            case "circle":
                return new AllocateMessageQueueAveragelyByCircle();
            case "hash":
                return new AllocateMessageQueueConsistentHash();
            default:
                return new AllocateMessageQueueAveragely();
        }
    }

    private Object queues(String topic) {
        return inside().getRebalanceImpl().getProcessQueueTable().keySet().stream()
            .filter(one -> one.getTopic().equals(topic))
            .map(MessageQueue::getQueueId).sorted().toArray();
    }

    private JSONArray heard() {
        JSONArray places = new JSONArray();
        for (MessageExt one : heard.messages()) {
            places.add(new JSONArray().fluentAdd(one.getQueueId()).fluentAdd(one.getQueueOffset()));
        }
        return places;
    }
}
