import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.util.Base64;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;

/**
 * Starts Apache Kafka in this JVM on one data directory after the other. A line of standard input is "start" and
 * settings (name=value, base64 each), or "stop"; the answer is "started", "refused" with the reason in base64, or
 * "stopped". Must run with the broker's own jars.
 */
public class DirectoryOpener {
    static final PrintStream answers = System.out;
    static final int waitSeconds = 90;

    /** Completed with the reason when the broker wants to end its process. */
    static volatile CompletableFuture<Void> ended = new CompletableFuture<>();

    static final class ExitCalled extends Error {
        ExitCalled(String why) {
            super(why, null, false, false);
        }
    }

    static void exit(int code, String message) {
        ExitCalled called = new ExitCalled("exit " + code + (message == null ? "" : ": " + message));
        ended.completeExceptionally(called);
        throw called;
    }

    /** The class has another package in each of the releases that this is compiled and run with. */
    static void onExit(String setter) throws Exception {
        Class<?> exits = Class.forName("org.apache.kafka.common.utils.internals.Exit");
        Class<?> procedure = Class.forName(exits.getName() + "$Procedure");
        Object ours = Proxy.newProxyInstance(procedure.getClassLoader(), new Class<?>[] {procedure}, (self, method, args) -> {
            exit((Integer) args[0], (String) args[1]);
            return null;
        });
        exits.getMethod(setter, procedure).invoke(null, ours);
    }

    public static void main(String[] args) throws Exception {
        onExit("setExitProcedure");
        onExit("setHaltProcedure");
        KafkaRaftServer server = null;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("stop")) {
                stop(server);
                server = null;
                say("stopped");
                continue;
            }
            Properties properties = new Properties();
            for (int i = 1; i < words.length; i++) {
                String[] setting = new String(Base64.getDecoder().decode(words[i])).split("=", 2);
                properties.put(setting[0], setting[1]);
            }
            ended = new CompletableFuture<>();
            KafkaRaftServer[] made = new KafkaRaftServer[1];
            CompletableFuture<Void> running = CompletableFuture.runAsync(() -> {
                made[0] = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
                made[0].startup();
            }, task -> new Thread(task).start());
            try {
                CompletableFuture.anyOf(running, ended).get(waitSeconds, TimeUnit.SECONDS);
                server = made[0];
                say("started");
            } catch (ExecutionException e) {
                stop(made[0]);
                say("refused " + Base64.getEncoder().encodeToString(reason(e.getCause()).getBytes()));
            } catch (TimeoutException e) {
                stop(made[0]);
                say("late");
            }
        }
        Runtime.getRuntime().halt(0);
    }

    static String reason(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            text.append(" <- ").append(cause);
        }
        return text.toString();
    }

    /** A broker that would not start may not stop either: then its threads stay until the end of this program. */
    static void stop(KafkaRaftServer server) throws Exception {
        if (server == null) return;
        CompletableFuture<Void> stopping = CompletableFuture.runAsync(server::shutdown, task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            thread.start();
        });
        try {
            CompletableFuture.anyOf(stopping).get(20, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // Told by what it logs.
        }
    }

    static void say(String answer) {
        answers.println(answer);
        answers.flush();
    }
}
