import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs many command line tools in one JVM, also side by side. Each line of standard input is
 * "id TAB main class TAB arguments TAB input" (arguments: base64 each, parted by commas; "-" for
 * none) or "id TAB cancel"; each answer is "id TAB exit code TAB output TAB errors", base64.
 * What a tool prints is told apart by thread. The jars in the property tool.jars are loaded anew for every
 * call, for some tools keep counts in static fields.
 */
public class ToolRunner {
    /** What belongs to one call; its threads inherit it. */
    static final class Call {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final PrintStream printOut = new PrintStream(out, true);
        final PrintStream printErr = new PrintStream(err, true);
        final List<Runnable> hooks = new ArrayList<>();
        InputStream in = InputStream.nullInputStream();
        Thread thread;
        /** The code of the first exit; null until then. What a tool says on its way out, having caught our error, is dropped. */
        volatile Integer exited;
    }

    static final class ExitCalled extends Error {
        ExitCalled() {
            super("exit", null, false, false);
        }
    }

    static final InheritableThreadLocal<Call> current = new InheritableThreadLocal<>();
    static final Map<String, Call> calls = new ConcurrentHashMap<>();
    static final PrintStream realOut = System.out;
    static final PrintStream realErr = System.err;

    static final PrintStream nothing = new PrintStream(OutputStream.nullOutputStream());

    static final class Switch extends OutputStream {
        final boolean errors;

        Switch(boolean errors) {
            this.errors = errors;
        }

        PrintStream target() {
            Call call = current.get();
            if (call == null) return realErr;
            return call.exited != null ? nothing : errors ? call.printErr : call.printOut;
        }

        @Override
        public void write(int b) {
            target().write(b);
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            target().write(bytes, from, length);
        }
    }

    static final class InputSwitch extends InputStream {
        @Override
        public int read() throws IOException {
            Call call = current.get();
            return call == null ? -1 : call.in.read();
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            Call call = current.get();
            return call == null ? -1 : call.in.read(bytes, from, length);
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        System.setOut(new PrintStream(new Switch(false), true));
        System.setErr(new PrintStream(new Switch(true), true));
        System.setIn(new InputSwitch());
        Exit.setExitProcedure((code, message) -> {
            if (message != null) System.err.println(message);
            leave(code);
        });
        Exit.setHaltProcedure((code, message) -> leave(code));
        Exit.setShutdownHookAdder((name, hook) -> {
            Call call = current.get();
            if (call != null) call.hooks.add(hook);
        });
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t", -1);
            if (fields[1].equals("cancel")) {
                Call call = calls.get(fields[0]);
                if (call != null) call.thread.interrupt();
            } else {
                start(fields);
            }
        }
        Runtime.getRuntime().halt(0);
    }

    static void leave(int code) {
        Call call = current.get();
        if (call != null && call.exited == null) call.exited = code;
        throw new ExitCalled();
    }

    static void start(String[] fields) {
        Call call = new Call();
        List<String> args = new ArrayList<>();
        if (!fields[2].equals("-")) {
            for (String arg : fields[2].split(",", -1)) args.add(new String(Base64.getDecoder().decode(arg)));
        }
        call.in = new ByteArrayInputStream(Base64.getDecoder().decode(fields[3]));
        call.thread = new Thread(() -> {
            current.set(call);
            int code = runAndCatch(call, fields[1], args.toArray(new String[0]));
            calls.remove(fields[0]);
            Base64.Encoder encoder = Base64.getEncoder();
            String answer = fields[0] + "\t" + code + "\t" + encoder.encodeToString(call.out.toByteArray())
                + "\t" + encoder.encodeToString(call.err.toByteArray());
            synchronized (realOut) {
                realOut.println(answer);
            }
        }, "call-" + fields[0]);
        calls.put(fields[0], call);
        call.thread.start();
    }

    static int runAndCatch(Call call, String mainClass, String[] args) {
        int code = 0;
        try (URLClassLoader loader = new URLClassLoader(toolJars(), ToolRunner.class.getClassLoader())) {
            Thread.currentThread().setContextClassLoader(loader);
            try {
                loader.loadClass(mainClass).getMethod("main", String[].class).invoke(null, (Object) args);
            } catch (InvocationTargetException wrapped) {
                code = failed(wrapped.getCause(), call);
            }
            for (Runnable hook : call.hooks) hook.run();
        } catch (Throwable problem) {
            code = failed(problem, call);
        }
        return call.exited != null ? call.exited : code;
    }

    static int failed(Throwable problem, Call call) {
        if (call.exited == null) problem.printStackTrace(call.printErr);
        return 1;
    }

    static URL[] toolJars() throws IOException {
        List<URL> urls = new ArrayList<>();
        for (String jar : System.getProperty("tool.jars").split(File.pathSeparator)) {
            urls.add(new File(jar).toURI().toURL());
        }
        return urls.toArray(new URL[0]);
    }
}
