import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * StreamsLoad BOOTSTRAP SEED: what goes into `StreamsApp`, from an idempotent producer, and the judge of what comes out, read
 * with read_committed while it runs and again at the end. What it is told on standard input, one line each:
 *
 *   progress   answered once more of each output was read than when it was asked
 *   complete   the input ends; answered once everything is out
 *   verify     nobody works any more: all of it from the beginning, the changelogs, no transaction left open
 *
 * Each is answered `ok RECORDS-SENT COUNTS-READ JOINS-READ TOTALS-READ`, or `wrong WHY`.
 *
 * Of purchases, the Nth is of user N modulo USERS, who lives in region USER modulo REGIONS: so each number has one place in
 * each output, and a total tells by its growth whose it is.
 */
public class StreamsLoad {
    static final int PARTITIONS = 2;
    static final int WORDS = 40;
    static final int USERS = 24;
    static final int REGIONS = 5;
    /** The input waits when so much of it is not yet seen in the output. */
    static final int BACKLOG = 4000;
    static final int PROGRESS = 30;
    static final Duration PATIENCE = Duration.ofSeconds(240);
    static String bootstrap;
    static volatile boolean sending = true;
    static volatile String wrong = null;

    static final Map<String, Long> wordsSent = new HashMap<>();
    static final Map<String, Long> versionsSent = new HashMap<>();
    static final AtomicLong acknowledged = new AtomicLong();
    static volatile long recordsSent = 0;
    static volatile long countsDue = 0;
    static volatile long purchases = 0;

    static String regionOf(long user) { return "region" + user % REGIONS; }

    /** What came out so far, held against what may. */
    static class Outcome {
        final Map<String, Long> counts = new HashMap<>();
        final Map<String, Long> lastPurchase = new HashMap<>();
        final Map<String, Long> lastVersion = new HashMap<>();
        final Map<String, long[]> totals = new HashMap<>();
        final BitSet totalled = new BitSet();
        volatile long countsRead = 0;
        volatile long joinsRead = 0;
        volatile long totalsRead = 0;

        void take(ConsumerRecord<String, String> record) {
            String where = record.topic() + "-" + record.partition() + " offset " + record.offset() + ": " + record.key() + " = " + record.value();
            switch (record.topic()) {
                case "counts" -> takeCount(record, where);
                case "joined" -> takeJoin(record, where);
                default -> takeTotal(record, where);
            }
        }

        void takeCount(ConsumerRecord<String, String> record, String where) {
            long due = counts.getOrDefault(record.key(), 0L) + 1;
            require(Long.parseLong(record.value()) == due, where + ", due was " + due);
            counts.put(record.key(), due);
            countsRead++;
        }

        void takeJoin(ConsumerRecord<String, String> record, String where) {
            String[] parts = record.value().split(" ");
            long user = Long.parseLong(record.key().substring(4));
            long due = lastPurchase.getOrDefault(record.key(), user - USERS) + USERS;
            require(Long.parseLong(parts[0]) == due, where + ", due was " + due);
            require(parts[1].equals(regionOf(user)), where + ", in another region");
            long version = Long.parseLong(parts[2]);
            require(version >= lastVersion.getOrDefault(record.key(), 0L), where + ", after a newer version");
            lastPurchase.put(record.key(), due);
            lastVersion.put(record.key(), version);
            joinsRead++;
        }

        void takeTotal(ConsumerRecord<String, String> record, String where) {
            String[] parts = record.value().split(" ");
            long[] before = totals.getOrDefault(record.key(), new long[] {0, 0});
            long[] now = {Long.parseLong(parts[0]), Long.parseLong(parts[1])};
            long n = now[1] - before[1];
            String grown = where + ", after " + before[0] + " " + before[1];
            require(now[0] == before[0] + 1, grown);
            require(n >= 0 && n < Integer.MAX_VALUE && regionOf(n % USERS).equals(record.key()), grown + ", which is nobody's purchase");
            require(!totalled.get((int) n), grown + ", which was there already");
            totalled.set((int) n);
            totals.put(record.key(), now);
            totalsRead++;
        }

        boolean isComplete() { return countsRead >= countsDue && joinsRead >= purchases && totalsRead >= purchases; }

        /** Sequences without a gap leave only their ends to be compared. */
        void checkComplete(String who) {
            require(counts.equals(wordsSent), who + ": counts are " + counts + ", sent were " + wordsSent);
            for (long n = Math.max(0, purchases - USERS); n < purchases; n++) {
                Long last = lastPurchase.get("user" + n % USERS);
                require(last != null && last == n, who + ": last purchase of user" + n % USERS + " is " + last + ", sent was " + n);
            }
            require(joinsRead == purchases, who + ": " + joinsRead + " joins of " + purchases + " purchases");
            require(totalled.cardinality() == purchases && totalled.length() == purchases, who + ": totals of " + totalled.cardinality() + " purchases of " + purchases);
        }
    }

    static final Outcome live = new Outcome();

    static void require(boolean holds, String otherwise) {
        if (!holds) throw new IllegalStateException(otherwise);
    }

    static Map<String, Object> config(Object... pairs) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        for (int i = 0; i < pairs.length; i += 2) config.put((String) pairs[i], pairs[i + 1]);
        return config;
    }

    static void createTopics() throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        for (String name : List.of("lines", "purchases", "counts", "joined", "totals")) topics.add(new NewTopic(name, PARTITIONS, (short) 1));
        topics.add(new NewTopic("users", PARTITIONS, (short) 1).configs(Map.of("cleanup.policy", "compact")));
        try (Admin admin = Admin.create(config())) {
            admin.createTopics(topics).all().get();
        }
    }

    /** Lines, purchases and now and then a new version of a user, until the input ends. */
    static void send(KafkaProducer<String, String> producer, Random dice, Callback told) throws Exception {
        for (int turn = 0; sending; turn++) {
            int words = 1 + dice.nextInt(4);
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < words; i++) {
                // Some words are much more frequent than others.
                String word = "word" + Math.min(dice.nextInt(WORDS), dice.nextInt(WORDS));
                wordsSent.merge(word, 1L, Long::sum);
                line.append(i == 0 ? "" : " ").append(word);
            }
            producer.send(new ProducerRecord<>("lines", null, line.toString()), told);
            countsDue += words;
            producer.send(new ProducerRecord<>("purchases", "user" + purchases % USERS, String.valueOf(purchases)), told);
            purchases++;
            recordsSent += 2;
            if (turn % 7 == 0) sendUser(producer, dice.nextInt(USERS), told);
            while (sending && (countsDue - live.countsRead > BACKLOG || purchases - live.totalsRead > BACKLOG)) Thread.sleep(5);
            if (turn % 4 == 0) Thread.sleep(10);
        }
        producer.flush();
    }

    static void sendUser(KafkaProducer<String, String> producer, int user, Callback told) {
        long version = versionsSent.merge("user" + user, 1L, Long::sum) - 1;
        producer.send(new ProducerRecord<>("users", "user" + user, regionOf(user) + " " + version), told);
        recordsSent++;
    }

    static List<TopicPartition> partitionsOf(Collection<String> topics) {
        List<TopicPartition> all = new ArrayList<>();
        for (String topic : topics) for (int i = 0; i < PARTITIONS; i++) all.add(new TopicPartition(topic, i));
        return all;
    }

    static KafkaConsumer<String, String> consumer() {
        return new KafkaConsumer<>(config("isolation.level", "read_committed", "auto.offset.reset", "earliest", "enable.auto.commit", "false"),
            new StringDeserializer(), new StringDeserializer());
    }

    static void follow() {
        try (KafkaConsumer<String, String> consumer = consumer()) {
            List<TopicPartition> all = partitionsOf(List.of("counts", "joined", "totals"));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            while (true) consumer.poll(Duration.ofMillis(100)).forEach(live::take);
        }
    }

    static void guard(String what, Call call) {
        Thread thread = new Thread(() -> {
            try {
                call.run();
            } catch (Throwable error) {
                error.printStackTrace();
                wrong = what + ": " + error.getMessage();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    interface Call { void run() throws Exception; }

    static void await(String what, BooleanSupplier done) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!done.getAsBoolean()) {
            require(wrong == null, wrong);
            require(System.nanoTime() < deadline, "no " + what + " within " + PATIENCE + ": " + said());
            Thread.sleep(5);
        }
    }

    static String said() { return recordsSent + " " + live.countsRead + " " + live.joinsRead + " " + live.totalsRead; }

    static void progress() throws Exception {
        long counts = live.countsRead;
        long joins = live.joinsRead;
        long totals = live.totalsRead;
        await("progress", () -> live.countsRead - counts >= PROGRESS && live.joinsRead - joins >= PROGRESS && live.totalsRead - totals >= PROGRESS);
    }

    static <V> Map<String, V> lastOf(String topic, org.apache.kafka.common.serialization.Deserializer<V> values) {
        Map<String, V> last = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
            config("isolation.level", "read_committed", "enable.auto.commit", "false"), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            readAll(consumer, List.of(topic), record -> last.put(new String(record.key()), values.deserialize(topic, record.value())));
        }
        return last;
    }

    static <K, V> void readAll(KafkaConsumer<K, V> consumer, Collection<String> topics, java.util.function.Consumer<ConsumerRecord<K, V>> take) {
        List<TopicPartition> all = partitionsOf(topics);
        consumer.assign(all);
        consumer.seekToBeginning(all);
        Map<TopicPartition, Long> ends = consumer.endOffsets(all);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        for (TopicPartition at : all) {
            while (consumer.position(at) < ends.get(at)) {
                require(System.nanoTime() < deadline, at + " cannot be read to " + ends.get(at) + ", only to " + consumer.position(at));
                consumer.poll(Duration.ofMillis(100)).forEach(take);
            }
        }
    }

    static void verify() throws Exception {
        live.checkComplete("read while it ran");
        Outcome again = new Outcome();
        try (KafkaConsumer<String, String> consumer = consumer()) {
            readAll(consumer, List.of("counts", "joined", "totals"), again::take);
        }
        again.checkComplete("read from the beginning");
        String changelog = StreamsApp.APPLICATION + "-%s-store-changelog";
        Map<String, Long> counted = lastOf(changelog.formatted("counts"), new LongDeserializer());
        require(counted.equals(wordsSent), "the changelog counts " + counted + ", sent were " + wordsSent);
        Map<String, String> users = lastOf(changelog.formatted("users"), new StringDeserializer());
        versionsSent.forEach((user, version) -> require(
            users.getOrDefault(user, "").endsWith(" " + (version - 1)), "the changelog has " + user + " = " + users.get(user) + ", sent was version " + (version - 1)));
        require(acknowledged.get() == recordsSent, acknowledged + " of " + recordsSent + " records acknowledged");
        try (Admin admin = Admin.create(config())) {
            for (TransactionListing each : admin.listTransactions().all().get()) {
                boolean isDone = each.state() == TransactionState.COMPLETE_COMMIT || each.state() == TransactionState.COMPLETE_ABORT
                    || each.state() == TransactionState.EMPTY;
                require(isDone, "left open: " + each);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        createTopics();
        KafkaProducer<String, String> producer = new KafkaProducer<>(
            config("acks", "all", "enable.idempotence", "true", "delivery.timeout.ms", Integer.MAX_VALUE, "linger.ms", "5", "max.block.ms", "600000"),
            new StringSerializer(), new StringSerializer());
        Callback told = (metadata, error) -> {
            if (error == null) acknowledged.incrementAndGet();
            else wrong = "not acknowledged: " + error;
        };
        for (int user = 0; user < USERS; user++) sendUser(producer, user, told);
        producer.flush();
        guard("output", StreamsLoad::follow);
        Thread input = new Thread(() -> {
            try {
                send(producer, new Random(Long.parseLong(args[1])), told);
            } catch (Throwable error) {
                wrong = "input: " + error;
            }
        });
        input.setDaemon(true);
        input.start();
        System.out.println("ready");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                switch (line) {
                    case "progress" -> progress();
                    case "complete" -> {
                        sending = false;
                        input.join();
                        await("end of the output", live::isComplete);
                    }
                    default -> verify();
                }
                require(wrong == null, wrong);
                System.out.println("ok " + said());
            } catch (Throwable error) {
                error.printStackTrace();
                System.out.println("wrong " + String.valueOf(error.getMessage()).replace('\n', ' '));
            }
        }
        System.exit(0);
    }
}
