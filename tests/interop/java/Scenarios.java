import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * What users of RocketMQ's Java client do, each in a topic of its own, all at once.
 *
 * <p>It judges nothing: each scenario prints a line of JSON with what came to pass, or
 * what was thrown; what should come to pass is known to the Python beside it
 * (scenarios.py). When all have, a line says so, and it ends with its input.
 *
 * <p>java Scenarios NAME_SERVERS
 */
public final class Scenarios {
    private static final Map<String, Callable<Object>> ALL = new LinkedHashMap<>();

    private Scenarios() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err); // what the client itself has to say is no fact
        Stage stage = new Stage(arguments[0]);
        gather(new Sending(stage), new Consuming(stage), new Asking(stage));
        ALL.put("dashboard", new Watching(stage)::dashboard);
        List<Thread> playing = new ArrayList<>();
        for (String name : Arrays.asList(arguments).subList(1, arguments.length)) {
            playing.add(new Thread(() -> {
                String line = line(name, ALL.get(name));
                synchronized (out) {
                    out.println(line);
                }
            }));
        }
        playing.forEach(Thread::start);
        for (Thread one : playing) {
            one.join();
        }
        out.println("{\"scenario\": \"\"}");
        System.in.read();
        System.exit(0);
    }

    private static void gather(Sending sending, Consuming consuming, Asking asking) {
        ALL.put("sync", sending::sync);
        ALL.put("created", sending::created);
        ALL.put("async", sending::async);
        ALL.put("oneway", sending::oneway);
        ALL.put("batch", sending::batch);
        ALL.put("delayed", sending::delayed);
        ALL.put("transaction", sending::transaction);
        ALL.put("clustering", consuming::clustering);
        ALL.put("broadcasting", consuming::broadcasting);
        ALL.put("ordered", consuming::ordered);
        ALL.put("resumed", consuming::resumed);
        ALL.put("tags", consuming::tags);
        ALL.put("sql", consuming::sql);
        ALL.put("retried", consuming::retried);
        ALL.put("pulled", consuming::pulled);
        ALL.put("reset", consuming::reset);
        ALL.put("query", asking::query);
    }

    private static String line(String name, Callable<Object> scenario) {
        JSONObject line = new JSONObject().fluentPut("scenario", name);
        long start = System.currentTimeMillis();
        try {
            line.put("facts", scenario.call());
        } catch (Throwable error) {
            StringWriter trace = new StringWriter();
            error.printStackTrace(new PrintWriter(trace));
            line.put("error", trace.toString());
        }
        line.put("took_ms", System.currentTimeMillis() - start);
        return JSON.toJSONString(line, SerializerFeature.DisableCircularReferenceDetect,
            SerializerFeature.WriteNonStringKeyAsString);
    }
}
