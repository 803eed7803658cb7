import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Reads lines: a strategy, a member's id, all queues, all members, separated by tabs; queues
 * and members by spaces, a queue as topic:broker:number. Answers each with the member's queues.
 */
public class AllocateLines {
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t", -1);
            List<MessageQueue> queues = new ArrayList<>();
            for (String word : words[2].split(" ")) {
                queues.add(queue(word));
            }
            List<String> members = Arrays.asList(words[3].split(" "));
            out.println(strategy(words[0], queues).allocate("group", words[1], queues, members)
                .stream().map(AllocateLines::word).collect(Collectors.joining(" ")));
        }
        out.flush();
    }

    private static AllocateMessageQueueStrategy strategy(String name, List<MessageQueue> queues) {
        switch (name) {
            case "averagely":
                return new AllocateMessageQueueAveragely();
            case "circle":
                return new AllocateMessageQueueAveragelyByCircle();
            case "config":
                AllocateMessageQueueByConfig config = new AllocateMessageQueueByConfig();
                config.setMessageQueueList(queues.subList(0, 1));
                return config;
            case "hash":
                return new AllocateMessageQueueConsistentHash();
            case "room":
                AllocateMessageQueueByMachineRoom room = new AllocateMessageQueueByMachineRoom();
                room.setConsumeridcs(new HashSet<>(Arrays.asList("east", "west")));
                return room;
            default:
                return new AllocateMachineRoomNearby(
                    strategy(name.split("-")[1], queues), new Rooms());
        }
    }

    /** Of a broker east@a, and of a member east@1. */
    private static class Rooms implements AllocateMachineRoomNearby.MachineRoomResolver {
        public String brokerDeployIn(MessageQueue queue) {
            return queue.getBrokerName().split("@")[0];
        }

        public String consumerDeployIn(String member) {
            return member.split("@")[0];
        }
    }

    private static MessageQueue queue(String word) {
        String[] parts = word.split(":");
        return new MessageQueue(parts[0], parts[1], Integer.parseInt(parts[2]));
    }

    private static String word(MessageQueue queue) {
        return queue.getTopic() + ":" + queue.getBrokerName() + ":" + queue.getQueueId();
    }
}
