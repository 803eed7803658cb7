import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * One queue with four messages, polled by two consumers after one another: facts as JSON.
 *
 * <p>Beside the others, for release 4.4.0 has no such consumer: it is run from its source.
 *
 * <p>java Polled.java NAME_SERVERS GROUP TOPIC BROKER
 */
public final class Polled {
    private Polled() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err); // what the client itself has to say is no fact
        MessageQueue queue = new MessageQueue(arguments[2], arguments[3], 0);
        JSONObject facts = new JSONObject();
        DefaultLitePullConsumer first = consumer(arguments, queue);
        facts.put("first", polled(first, 2));
        first.commit(Collections.singleton(queue), true);
        facts.put("not committed", polled(first, 2));
        facts.put("committed", first.committed(queue));
        first.shutdown();
        DefaultLitePullConsumer second = consumer(arguments, queue);
        facts.put("again", polled(second, 2));
        second.seek(queue, 1);
        facts.put("sought", polled(second, 3));
        second.seekToBegin(queue);
        facts.put("from the beginning", polled(second, 4));
        facts.put("refused", refusal(second, queue));
        second.shutdown();
        out.println(JSON.toJSONString(facts));
        System.exit(0);
    }

    private static DefaultLitePullConsumer consumer(String[] arguments, MessageQueue queue)
        throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(arguments[1]);
        consumer.setNamesrvAddr(arguments[0]);
        consumer.setAutoCommit(false);
        consumer.setPullBatchSize(2);
        consumer.assign(Collections.singletonList(queue));
        consumer.start();
        return consumer;
    }

    private static List<String> polled(DefaultLitePullConsumer consumer, int count) {
        List<String> bodies = new ArrayList<>();
        while (bodies.size() < count) {
            for (MessageExt one : consumer.poll(1000)) {
                bodies.add(new String(one.getBody(), StandardCharsets.UTF_8));
            }
        }
        return bodies;
    }

    private static String refusal(DefaultLitePullConsumer consumer, MessageQueue queue) {
        try {
            consumer.seek(queue, 99);
            return "";
        } catch (MQClientException error) {
            return error.getErrorMessage();
        }
    }
}
