import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.MessageExt;

/** What a consumer was given, in that order. */
final class Heard {
    private final List<MessageExt> messages = Collections.synchronizedList(new ArrayList<>());

    void add(List<MessageExt> given) {
        messages.addAll(given);
    }

    /** A listener that is content with everything. */
    MessageListenerConcurrently content() {
        return (given, context) -> {
            add(given);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    int count() {
        return messages.size();
    }

    Heard await(int count) throws Exception {
        try {
            Stage.until(() -> count() >= count);
        } catch (IllegalStateException never) {
            throw new IllegalStateException("heard of " + count + " only " + bodies());
        }
        return this;
    }

    List<MessageExt> messages() {
        synchronized (messages) {
            return new ArrayList<>(messages);
        }
    }

    List<String> bodies() {
        return Stage.bodies(messages());
    }

    /** For consumers of several threads: each body once, in order of the alphabet. */
    List<String> sorted() {
        List<String> bodies = bodies();
        Collections.sort(bodies);
        return bodies;
    }

    TreeSet<Integer> queues() {
        TreeSet<Integer> queues = new TreeSet<>();
        messages().forEach(one -> queues.add(one.getQueueId()));
        return queues;
    }
}
