import com.alibaba.fastjson.JSONObject;
import java.util.List;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Looking for messages that are already there. */
final class Asking {
    private final Stage stage;

    Asking(Stage stage) {
        this.stage = stage;
    }

    /** By each of two keys, by both ids, by time; and for what is not there. */
    Object query() throws Exception {
        String topic = stage.topic("Query", 1);
        Message message = Stage.message(topic, "tag", "query-0");
        message.setKeys("red blue");
        message.putUserProperty("colour", "grün ☕");
        SendResult sent = stage.producer.send(message);
        stage.producer.send(Stage.message(topic, "tag", "query-1"));
        List<MessageExt> byKey = Stage.untilGiven(() -> byKey(topic, "blue"));
        MessageExt byOffset = stage.admin.viewMessage(sent.getOffsetMsgId());
        MessageExt byUnique = Stage.untilGiven(() -> stage.admin.viewMessage(topic, sent.getMsgId()));
        return new JSONObject()
            .fluentPut("by key", Stage.bodies(byKey))
            .fluentPut("property", byKey.get(0).getProperty("colour"))
            .fluentPut("by offset", Stage.body(byOffset))
            .fluentPut("by unique id", Stage.body(byUnique))
            .fluentPut("keys", byUnique.getKeys())
            .fluentPut("one id", byOffset.getMsgId().equals(byUnique.getMsgId()))
            .fluentPut("not there", thrown(() -> byKey(topic, "green")))
            .fluentPut("at the beginning of time",
                stage.puller.searchOffset(Stage.queue(topic, 0), 0))
            .fluentPut("at its time", stage.puller.searchOffset(
                Stage.queue(topic, 0), byOffset.getStoreTimestamp()));
    }

    private List<MessageExt> byKey(String topic, String key) throws Exception {
        return stage.admin.queryMessage(topic, key, 8, 0, Long.MAX_VALUE).getMessageList();
    }

    private static String thrown(java.util.concurrent.Callable<Object> call) {
        try {
            return String.valueOf(call.call());
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }
}
