import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;

/**
 * Reads lines: a SQL92 filter, then names and values of properties, all separated by tabs.
 * Answers each with a line: true, false, null, throws, or refused.
 */
public class FilterLines {
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line.split("\t", -1)));
        }
        out.flush();
    }

    private static String answer(String[] words) {
        final Map<String, Object> properties = new HashMap<>();
        for (int at = 1; at + 1 < words.length; at += 2) {
            properties.put(words[at], words[at + 1]);
        }
        Expression filter;
        try {
            filter = FilterFactory.INSTANCE.get("SQL92").compile(words[0]);
        } catch (Throwable refused) {
            return "refused";
        }
        try {
            return String.valueOf(filter.evaluate(new EvaluationContext() {
                public Object get(String name) {
                    return properties.get(name);
                }

                public Map<String, Object> keyValues() {
                    return properties;
                }
            }));
        } catch (Throwable thrown) {
            return "throws";
        }
    }
}
