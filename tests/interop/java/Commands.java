import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * mqadmin by lines: words of a command come as JSON, what it prints goes as JSON.
 *
 * <p>One process for all, for a start takes longer than a command. It has a producer and,
 * once it is asked for, a consumer, so that there is something to look at.
 *
 * <p>java Commands NAME_SERVERS
 */
public final class Commands {
    private final Stage stage;
    private final Heard heard = new Heard();
    private DefaultMQPushConsumer consumer;

    private Commands(Stage stage) {
        this.stage = stage;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err);
        Commands commands = new Commands(new Stage(arguments[0]));
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(commands.answerOrError(JSON.parseObject(line)));
        }
        System.exit(0);
    }

    private String answerOrError(JSONObject asked) {
        Object answer;
        try {
            answer = answer(asked);
        } catch (Exception error) {
            answer = new JSONObject().fluentPut("error", error.toString());
        }
        return JSON.toJSONString(answer);
    }

    private Object answer(JSONObject asked) throws Exception {
        switch (asked.getString("do")) {
            case "mqadmin":
                return printed(asked.getJSONArray("words").toArray(new String[0]));
            case "send":
                return sent(asked);
            case "consume":
                return consumed(asked.getString("topic"), asked.getString("group"));
            case "heard":
                return heard.await(asked.getIntValue("count")).sorted();
            case "committed":
                Stage.until(() -> stage.committed(
                    consumer, asked.getString("topic")) == asked.getLongValue("offset"));
                return null;
            case "known":
                stage.producerKnown(asked.getString("topic"));
                return null;
            case "leave":
                consumer.shutdown();
                return null;
            default:
                throw new IllegalArgumentException("nobody can do " + asked.getString("do"));
        }
    }

    private static String printed(String[] words) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(said, true, "UTF-8"));
        try {
            MQAdminStartup.main0(words, null);
        } finally {
            System.setOut(before);
        }
        return said.toString("UTF-8");
    }

    private JSONObject sent(JSONObject asked) throws Exception {
        String topic = asked.getString("topic");
        Message message = Stage.message(topic, "tag", asked.getString("body"));
        message.setKeys(asked.getString("key"));
        SendResult result = stage.producer.send(message, Stage.queue(topic, 0));
        return new JSONObject()
            .fluentPut("id", result.getMsgId())
            .fluentPut("offsetId", result.getOffsetMsgId());
    }

    private String consumed(String topic, String group) throws Exception {
        consumer = stage.consumer(group, "watcher");
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(heard.content());
        consumer.start();
        return consumer.buildMQClientId();
    }
}
