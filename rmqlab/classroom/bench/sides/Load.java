import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.exception.RemotingException;

/**
 * RocketMQ's Java client as a load: words of an order a line, JSON an answer a line.
 *
 * <p>The orders are `own_load.py`'s, which says what they are; the settings are the client's own.
 *
 * <p>java Load.java NAME_SERVERS
 */
public final class Load {
    private static final int BATCH = 100;
    private static final int SETTLING = 64;
    private static final int SEND_MS = 60_000; // slow is measured, and no failure

    private final String nameServers;
    private final DefaultMQProducer producer = new DefaultMQProducer("load");

    private Load(String nameServers) throws MQClientException {
        this.nameServers = nameServers;
        producer.setNamesrvAddr(nameServers);
        producer.setSendMsgTimeout(SEND_MS);
        producer.start();
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err); // what the client itself has to say is no answer
        Load load = new Load(arguments[0]);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(load.answer(line.split(" ")));
        }
        load.producer.shutdown();
        System.exit(0);
    }

    private String answer(String[] words) throws Exception {
        int count = Integer.parseInt(words[2]);
        switch (words[0]) {
            case "send":
                return send(words[1], count, Integer.parseInt(words[3]), Long.parseLong(words[4]));
            case "fill":
                return fill(words[1], count);
            case "consume":
                return consume(words[1], count);
            case "arrive":
                return arrive(words[1], count);
            default:
                throw new IllegalArgumentException("nobody can " + words[0]);
        }
    }

    private String send(String topic, int senders, int bytes, long millis) throws Exception {
        Queue<double[]> sent = new ConcurrentLinkedQueue<>();
        Queue<Exception> failed = new ConcurrentLinkedQueue<>();
        long start = System.nanoTime();
        long end = start + millis * 1_000_000;
        List<Thread> threads = new ArrayList<>();
        for (int number = 0; number < senders; number++) {
            threads.add(new Thread(() -> {
                do {
                    long began = System.nanoTime();
                    try {
                        producer.send(new Message(topic, new byte[bytes]));
                        sent.add(new double[] {
                            (began - start) / 1e6, (System.nanoTime() - start) / 1e6});
                    } catch (MQClientException | MQBrokerException | RemotingException error) {
                        failed.add(error);
                    } catch (InterruptedException error) {
                        return;
                    }
                } while (System.nanoTime() < end);
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        return JSON.toJSONString(new JSONObject()
            .fluentPut("sent", sent.toArray())
            .fluentPut("failed", failed.size())
            .fluentPut("why", String.valueOf(failed.peek())));
    }

    private String fill(String topic, int count) throws Exception {
        for (int there = 0; there < count; ) {
            List<Message> batch = new ArrayList<>();
            for (; there < count && batch.size() < BATCH; there++) {
                batch.add(new Message(topic, new byte[128]));
            }
            producer.send(batch);
        }
        return "{}";
    }

    private interface Listener {
        void heard(MessageExt message);
    }

    private DefaultMQPushConsumer consumer(String topic, Listener listener)
        throws MQClientException {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("load-of-" + topic);
        consumer.setNamesrvAddr(nameServers);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(
            (org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently)
                (messages, context) -> {
                    messages.forEach(listener::heard);
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
        consumer.start();
        return consumer;
    }

    private String consume(String topic, int count) throws Exception {
        CountDownLatch left = new CountDownLatch(count);
        AtomicLong first = new AtomicLong();
        DefaultMQPushConsumer consumer = consumer(topic, message -> {
            first.compareAndSet(0, System.nanoTime());
            left.countDown();
        });
        left.await();
        double seconds = (System.nanoTime() - first.get()) / 1e9;
        consumer.shutdown();
        return JSON.toJSONString(new JSONObject().fluentPut("seconds", seconds));
    }

    private String arrive(String topic, int count) throws Exception {
        Semaphore heard = new Semaphore(0);
        AtomicLong took = new AtomicLong();
        DefaultMQPushConsumer consumer = consumer(topic, message -> {
            took.set(System.nanoTime() - ByteBuffer.wrap(message.getBody()).getLong());
            heard.release();
        });
        List<Double> times = new ArrayList<>();
        for (int number = -SETTLING; number < count; number++) {
            byte[] body = new byte[128];
            ByteBuffer.wrap(body).putLong(System.nanoTime());
            producer.send(new Message(topic, body));
            heard.acquire();
            if (number >= 0) {
                times.add(took.get() / 1e6);
            }
        }
        consumer.shutdown();
        return JSON.toJSONString(new JSONObject().fluentPut("took_ms", times));
    }
}
