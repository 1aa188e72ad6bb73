import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * CrashLoad BOOTSTRAP: idempotent producers with acks=all, a committing group and topics that come and go, on a broker
 * that is killed and started again. What it is told on standard input, one line each:
 *
 *   ack PARTITION N OFFSET   another producer, of the topic `kafkajs`, had this record acknowledged
 *   check                    reads what came lately: everything acknowledged is there, in order, once
 *   full                     the same from the beginning of every log
 *   finish                   the producers end; all that they sent must be acknowledged; then as full
 *
 * Each of the last three is answered with `ok RECORDS-ACKNOWLEDGED RECORDS-READ COMMITS`; what is wrong with `wrong WHY`.
 * The Nth record of a producer goes to partition N modulo their count, with the header `at` = "PRODUCER N".
 */
public class CrashLoad {
    static final int KEYS = 60;
    static final int IN_FLIGHT_MAX = 300;
    /** How many earlier places of a log are kept: a check begins at the oldest of them. */
    static final int PLACES = 3;
    static String bootstrap;
    static PrintStream out;
    static volatile boolean running = true;
    static volatile String wrong = null;

    record Ack(long offset, String producer, long n) {}

    /** Up to where a log was read, and which record of each producer comes next. */
    record Place(long offset, Map<String, Long> next) {}

    /** What is known of one partition. */
    static class Log {
        final Deque<Ack> acked = new ArrayDeque<>();
        final Deque<Place> places = new ArrayDeque<>();
        /** Of a compacted topic: the last acknowledged record of a key, and the last tombstone sent. */
        final Map<String, Long> lastOfKey = new HashMap<>();
        final Map<String, Long> lastTombstone = new HashMap<>();
    }

    record Topic(String name, int partitions, String policy) {}

    /**
     * One permit per record in flight to the compacted topic. Whoever holds all of them reads a log in which no newer
     * record can replace one that the reader has yet to reach.
     */
    static final Semaphore COMPACTED_IN_FLIGHT = new Semaphore(IN_FLIGHT_MAX, true);

    static final List<Topic> TOPICS = List.of(new Topic("plain", 3, "keep"), new Topic("retained", 2, "delete"),
        new Topic("compacted", 2, "compact"), new Topic("kafkajs", 2, "keep"));
    static final Map<TopicPartition, Log> LOGS = new HashMap<>();
    static final AtomicLong acknowledged = new AtomicLong();
    static final AtomicLong commits = new AtomicLong();
    static final Map<TopicPartition, Long> committed = new ConcurrentHashMap<>();
    static final Map<TopicPartition, Long> attempted = new ConcurrentHashMap<>();
    static final Map<String, Integer> churned = new HashMap<>();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        out = System.out;
        for (Topic topic : TOPICS) {
            for (int i = 0; i < topic.partitions; i++) LOGS.put(new TopicPartition(topic.name, i), new Log());
        }
        List<Thread> threads = new ArrayList<>();
        threads.add(start(() -> send(TOPICS.get(0), "j0", "lz4", 5)));
        threads.add(start(() -> send(TOPICS.get(0), "j1", "zstd", 0)));
        threads.add(start(() -> send(TOPICS.get(1), "j2", "none", 2)));
        threads.add(start(() -> send(TOPICS.get(2), "j3", "gzip", 1)));
        start(CrashLoad::readAndCommit);
        start(CrashLoad::churn);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("ack")) {
                int partition = Integer.parseInt(words[1]);
                noteAck(new TopicPartition("kafkajs", partition), "n", Long.parseLong(words[2]), Long.parseLong(words[3]));
                continue;
            }
            try {
                if (words[0].equals("finish")) {
                    running = false;
                    for (Thread thread : threads) thread.join();
                }
                long read = check(!words[0].equals("check"));
                if (wrong == null) {
                    out.println("ok " + acknowledged.get() + " " + read + " " + commits.get());
                } else {
                    out.println("wrong " + wrong.replace('\n', ' '));
                }
            } catch (Throwable error) {
                out.println("wrong " + error.toString().replace('\n', ' '));
                error.printStackTrace();
            }
            if (words[0].equals("finish")) break;
        }
        System.exit(0);
    }

    interface Work { void run() throws Exception; }

    static Thread start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable error) {
                error.printStackTrace();
                if (running) wrong = error.toString();
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static Map<String, Object> config(Object... pairs) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("reconnect.backoff.max.ms", "100");
        config.put("retry.backoff.max.ms", "200");
        for (int i = 0; i < pairs.length; i += 2) config.put((String) pairs[i], pairs[i + 1]);
        return config;
    }

    static KafkaProducer<String, String> producer(Object... pairs) {
        Map<String, Object> config = config(pairs);
        config.put("acks", "all");
        config.put("request.timeout.ms", "5000");
        config.put("delivery.timeout.ms", String.valueOf(Integer.MAX_VALUE));
        config.put("max.block.ms", "120000");
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static String valueOf(long n) {
        return (n + " ").repeat((int) (1 + n * 7919 % 251));
    }

    static String keyOf(long n) {
        return "k" + n * 7919 % 2039 % KEYS;
    }

    static boolean isTombstone(long n) {
        return n % 13 == 5;
    }

    static void send(Topic topic, String name, String codec, int lingerMs) throws Exception {
        boolean isCompacted = topic.policy.equals("compact");
        Semaphore inFlight = isCompacted ? COMPACTED_IN_FLIGHT : new Semaphore(IN_FLIGHT_MAX);
        try (KafkaProducer<String, String> producer = producer("enable.idempotence", "true", "compression.type", codec,
            "linger.ms", String.valueOf(lingerMs), "batch.size", "8192")) {
            for (long i = 0; running; i++) {
                long n = i;
                TopicPartition at = new TopicPartition(topic.name, (int) (n % topic.partitions));
                String key = isCompacted ? keyOf(n) : null;
                String value = isCompacted && isTombstone(n) ? null : valueOf(n);
                if (value == null) {
                    synchronized (LOGS.get(at)) {
                        LOGS.get(at).lastTombstone.put(key, n);
                    }
                }
                ProducerRecord<String, String> record = new ProducerRecord<>(at.topic(), at.partition(), key, value);
                record.headers().add("at", (name + " " + n).getBytes(StandardCharsets.UTF_8));
                inFlight.acquire();
                producer.send(record, (metadata, error) -> {
                    if (error != null) wrong = name + " could not send " + n + " to " + at + ": " + error;
                    else noteAck(at, name, n, metadata.offset());
                    inFlight.release();
                });
                if (n % 2 == 0) Thread.sleep(4);
            }
            producer.flush();
            inFlight.acquire(IN_FLIGHT_MAX);
            inFlight.release(IN_FLIGHT_MAX);
        }
    }

    static void noteAck(TopicPartition at, String producer, long n, long offset) {
        acknowledged.incrementAndGet();
        Log log = LOGS.get(at);
        synchronized (log) {
            log.acked.add(new Ack(offset, producer, n));
            if (at.topic().equals("compacted")) log.lastOfKey.merge(keyOf(n), n, Math::max);
        }
    }

    static void readAndCommit() {
        try (KafkaConsumer<String, String> consumer = consumer("group.id", "readers", "auto.offset.reset", "earliest",
            "session.timeout.ms", "6000", "heartbeat.interval.ms", "500")) {
            consumer.subscribe(List.of("plain"));
            while (running) {
                if (consumer.poll(Duration.ofMillis(50)).isEmpty()) continue;
                Map<TopicPartition, OffsetAndMetadata> commit = new HashMap<>();
                for (TopicPartition at : consumer.assignment()) {
                    commit.put(at, new OffsetAndMetadata(consumer.position(at)));
                    attempted.merge(at, consumer.position(at), Math::max);
                }
                try {
                    consumer.commitSync(commit, Duration.ofSeconds(10));
                    commits.incrementAndGet();
                    commit.forEach((at, offset) -> committed.merge(at, offset.offset(), Math::max));
                } catch (org.apache.kafka.clients.consumer.CommitFailedException
                    | org.apache.kafka.common.errors.RebalanceInProgressException
                    | org.apache.kafka.common.errors.TimeoutException unknown) {
                    // Not acknowledged: the broker was away, or the group went on without this member, which comes back.
                }
            }
        }
    }

    static KafkaConsumer<String, String> consumer(Object... pairs) {
        Map<String, Object> config = config(pairs);
        config.put("enable.auto.commit", "false");
        config.putIfAbsent("auto.offset.reset", "earliest");
        config.put("request.timeout.ms", "10000");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** Topics that are deleted and created again under the same names, each with one record that tells its turn. */
    static void churn() throws Exception {
        try (Admin admin = Admin.create(config()); KafkaProducer<String, String> producer =
                 producer("enable.idempotence", "false", "linger.ms", "0")) {
            for (int turn = 0; running; turn++) {
                String name = "churn" + turn % 3;
                synchronized (churned) {
                    churned.remove(name);
                    retry(() -> admin.deleteTopics(List.of(name)).all().get(), UnknownTopicOrPartitionException.class);
                    retry(() -> admin.createTopics(List.of(new NewTopic(name, Optional.of(1), Optional.empty()))).all().get(),
                        TopicExistsException.class);
                    producer.send(new ProducerRecord<>(name, 0, null, "turn " + turn)).get();
                    churned.put(name, turn);
                }
                Thread.sleep(150);
            }
        }
    }

    interface Call { void run() throws Exception; }

    /** Until it works; `done` says that an earlier try had. */
    static void retry(Call call, Class<? extends Exception> done) throws Exception {
        while (true) {
            try {
                call.run();
                return;
            } catch (ExecutionException error) {
                if (done.isInstance(error.getCause())) return;
                if (!(error.getCause() instanceof org.apache.kafka.common.errors.RetriableException)) throw error;
            }
        }
    }

    /** @return how many records were read. */
    static long check(boolean full) throws Exception {
        long read = 0;
        checkCommits();
        try (KafkaConsumer<String, String> consumer = consumer("max.poll.records", "100000", "fetch.max.bytes", "4000000")) {
            for (Topic topic : TOPICS) {
                for (int i = 0; i < topic.partitions; i++) {
                    read += check(consumer, topic, new TopicPartition(topic.name, i), full);
                }
            }
            synchronized (churned) {
                for (Map.Entry<String, Integer> each : churned.entrySet()) checkChurned(consumer, each.getKey(), each.getValue());
            }
        }
        return read;
    }

    static void checkCommits() throws Exception {
        Map<TopicPartition, Long> before = new HashMap<>(committed);
        try (Admin admin = Admin.create(config())) {
            Map<TopicPartition, OffsetAndMetadata> now =
                admin.listConsumerGroupOffsets("readers").partitionsToOffsetAndMetadata().get();
            for (Map.Entry<TopicPartition, Long> each : before.entrySet()) {
                TopicPartition at = each.getKey();
                OffsetAndMetadata found = now.get(at);
                if (found == null || found.offset() < each.getValue() || found.offset() > attempted.get(at)) {
                    throw new IllegalStateException("committed " + each.getValue() + " of " + at + ", found " + found);
                }
            }
        }
    }

    static void checkChurned(KafkaConsumer<String, String> consumer, String name, int turn) {
        TopicPartition at = new TopicPartition(name, 0);
        Set<String> values = new HashSet<>();
        readAll(consumer, at, 0, end(consumer, at), record -> values.add(record.value()));
        if (!values.equals(Set.of("turn " + turn))) throw new IllegalStateException(name + " of turn " + turn + " shows " + values);
    }

    static long end(KafkaConsumer<String, String> consumer, TopicPartition at) {
        return consumer.endOffsets(Set.of(at), Duration.ofSeconds(120)).get(at);
    }

    static void readAll(KafkaConsumer<String, String> consumer, TopicPartition at, long from, long end,
        Consumer<ConsumerRecord<String, String>> each) {
        consumer.assign(List.of(at));
        consumer.seek(at, from);
        long deadline = System.nanoTime() + Duration.ofSeconds(120).toNanos();
        while (consumer.position(at) < end) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("cannot read " + at + " from " + consumer.position(at) + " to " + end);
            }
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100)).records(at)) {
                if (record.offset() < end) each.accept(record);
            }
        }
    }

    /** What comes out of one partition, held against what went in. */
    static class Reading {
        final Topic topic;
        final TopicPartition at;
        final boolean isCompacted;
        final boolean isRetained;
        final boolean isFromStart;
        final long marksFrom;
        final Map<String, Long> next;
        final Map<Long, String> marks = new HashMap<>();
        final Map<String, Long> lastOfKey = new HashMap<>();
        long due;
        long cutAt = 0;
        long count = 0;

        Reading(Topic topic, TopicPartition at, Place place, long marksFrom) {
            this.topic = topic;
            this.at = at;
            this.isCompacted = topic.policy.equals("compact");
            this.isRetained = topic.policy.equals("delete");
            this.isFromStart = place.next == null;
            this.marksFrom = marksFrom;
            this.next = new HashMap<>(place.next == null ? Map.of() : place.next);
            this.due = place.offset;
        }

        void take(ConsumerRecord<String, String> record) {
            String mark = new String(record.headers().lastHeader("at").value(), StandardCharsets.UTF_8);
            String producer = mark.substring(0, mark.indexOf(' '));
            long n = Long.parseLong(mark.substring(mark.indexOf(' ') + 1));
            String where = at + " offset " + record.offset() + " (" + mark + ")";
            boolean isCut = isRetained && record.offset() > due;
            if (isCut) {
                next.clear();
                cutAt = record.offset();
            }
            boolean isGap = isCompacted || isRetained ? record.offset() < due : record.offset() != due;
            if (isGap) throw new IllegalStateException(where + " comes where offset " + due + " was due");
            due = record.offset() + 1;
            Long expected = next.get(producer);
            if (expected == null && isFromStart && !isCompacted && !isRetained) expected = (long) at.partition();
            boolean isWrong = expected != null && (isCompacted ? n < expected : n != expected);
            if (isWrong) throw new IllegalStateException(where + " comes where number " + expected + " was due");
            next.put(producer, n + topic.partitions);
            String value = isCompacted && isTombstone(n) ? null : valueOf(n);
            boolean isSame = value == null ? record.value() == null : value.equals(record.value());
            if (!isSame) throw new IllegalStateException(where + " has another value");
            if (record.offset() >= marksFrom && !isCompacted) marks.put(record.offset(), mark);
            if (isCompacted) lastOfKey.put(record.key(), n);
            count++;
        }
    }

    static long check(KafkaConsumer<String, String> consumer, Topic topic, TopicPartition at, boolean full) throws Exception {
        if (!topic.policy.equals("compact")) return checkLog(consumer, topic, at, full);
        COMPACTED_IN_FLIGHT.acquire(IN_FLIGHT_MAX);
        try {
            return checkLog(consumer, topic, at, full);
        } finally {
            COMPACTED_IN_FLIGHT.release(IN_FLIGHT_MAX);
        }
    }

    static long checkLog(KafkaConsumer<String, String> consumer, Topic topic, TopicPartition at, boolean full) {
        Log log = LOGS.get(at);
        List<Ack> acked;
        Map<String, Long> lastOfKey;
        synchronized (log) {
            acked = new ArrayList<>(log.acked);
            lastOfKey = new HashMap<>(log.lastOfKey);
        }
        long end = end(consumer, at);
        long start = consumer.beginningOffsets(Set.of(at), Duration.ofSeconds(120)).get(at);
        boolean isCompacted = topic.policy.equals("compact");
        Place place = full || isCompacted || log.places.isEmpty() ? null : log.places.peekFirst();
        if (place == null || place.offset < start) place = new Place(start, start == 0 ? null : new HashMap<>());
        if (start > 0 && topic.policy.equals("keep")) throw new IllegalStateException(at + " starts at " + start);
        // Producers are told in their own order, not in that of the offsets.
        long marksFrom = acked.stream().mapToLong(Ack::offset).min().orElse(end);
        Reading reading = new Reading(topic, at, place, marksFrom);
        readAll(consumer, at, place.offset, end, reading::take);
        // Retention may have gone on meanwhile.
        long now = consumer.beginningOffsets(Set.of(at), Duration.ofSeconds(120)).get(at);
        long from = Math.max(place.offset, now);
        if (reading.cutAt > now) throw new IllegalStateException(at + " goes on at " + reading.cutAt + " but starts at " + now);
        for (Ack ack : acked) {
            String mark = ack.producer + " " + ack.n;
            if (ack.offset >= end) throw new IllegalStateException(mark + " was acknowledged at " + ack.offset + ", " + at + " ends at " + end);
            if (isCompacted || ack.offset < from) continue;
            if (!mark.equals(reading.marks.get(ack.offset))) {
                throw new IllegalStateException(mark + " was acknowledged at " + ack.offset + " of " + at + ", there is " + reading.marks.get(ack.offset));
            }
        }
        if (isCompacted) checkKeys(at, log, lastOfKey, reading.lastOfKey);
        synchronized (log) {
            Place oldest = log.places.size() == PLACES ? log.places.pollFirst() : null;
            log.places.addLast(new Place(end, reading.next));
            if (oldest != null) log.acked.removeIf(ack -> ack.offset < oldest.offset);
        }
        return reading.count;
    }

    static void checkKeys(TopicPartition at, Log log, Map<String, Long> lastOfKey, Map<String, Long> readOfKey) {
        for (Map.Entry<String, Long> each : lastOfKey.entrySet()) {
            long n = each.getValue();
            Long found = readOfKey.get(each.getKey());
            if (found != null && found >= n) continue;
            Long tombstone;
            synchronized (log) {
                tombstone = log.lastTombstone.get(each.getKey());
            }
            // A tombstone goes in time; what it deleted must not stay behind.
            if (found == null && tombstone != null && tombstone >= n) continue;
            throw new IllegalStateException(at + " has " + found + " as the last of " + each.getKey() + ", acknowledged was " + n);
        }
    }
}
