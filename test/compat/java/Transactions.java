import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Transactions SCENARIO BOOTSTRAP ARGS...: what transactional applications do, told line by line.
 *
 * <pre>
 * outcomes TOPIC            commits and aborts in turn, then reads at both isolation levels
 * fence TOPIC               two producers with one transactional id
 * expire TOPIC              a producer that is slower than its transaction's timeout
 * open TOPIC ID TIMEOUT_MS  leaves a transaction open and waits to be killed
 * decide TOPIC ID           commits one record and aborts another
 * copy FROM TO GROUP COUNT  consume-transform-produce, offsets in the transaction; ends after COUNT records
 * read TOPIC                prints every committed record
 * rate TOPIC RECORDS S      transactions of so many 100-byte records for S seconds, after S/2 to warm up
 * </pre>
 */
public class Transactions {
    private static String bootstrap;

    public static void main(String[] args) throws Exception {
        bootstrap = args[1];
        switch (args[0]) {
            case "outcomes" -> outcomes(args[2]);
            case "fence" -> fence(args[2]);
            case "expire" -> expire(args[2]);
            case "open" -> open(args[2], args[3], Integer.parseInt(args[4]));
            case "decide" -> decide(args[2], args[3]);
            case "copy" -> copy(args[2], args[3], args[4], Integer.parseInt(args[5]));
            case "rate" -> rate(args[2], Integer.parseInt(args[3]), Double.parseDouble(args[4]));
            case "read" -> readAll(args[2], "read_committed").forEach(System.out::println);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static KafkaProducer<String, String> producer(String transactionalId, int timeoutMs) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("transactional.id", transactionalId);
        config.put("transaction.timeout.ms", timeoutMs);
        config.put("delivery.timeout.ms", 20_000);
        config.put("request.timeout.ms", 10_000);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private static KafkaConsumer<String, String> consumer(String group, String isolation) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        if (group != null) config.put("group.id", group);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("isolation.level", isolation);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private static List<String> readAll(String topic, String isolation) {
        List<String> found = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(null, isolation)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(one -> new TopicPartition(topic, one.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Set<TopicPartition> open = new HashSet<>(partitions);
            while (true) {
                open.removeIf(partition -> consumer.position(partition) >= ends.get(partition));
                if (open.isEmpty()) break;
                consumer.poll(Duration.ofMillis(100)).forEach(record -> found.add(
                    record.partition() + ":" + record.key() + "=" + record.value()));
            }
        }
        found.sort(null);
        return found;
    }

    private static void outcomes(String topic) {
        try (KafkaProducer<String, String> producer = producer("outcomes", 60_000)) {
            producer.initTransactions();
            for (int i = 0; i < 20; i++) {
                producer.beginTransaction();
                for (int j = 0; j < 3; j++) {
                    String kind = i % 3 == 2 ? "aborted" : "committed";
                    producer.send(new ProducerRecord<>(topic, j % 2, "t" + i, kind + j));
                }
                if (i % 3 == 2) producer.abortTransaction();
                else producer.commitTransaction();
            }
            // Nothing was sent: nothing reaches the coordinator, or only that.
            producer.beginTransaction();
            producer.commitTransaction();
            producer.beginTransaction();
            producer.abortTransaction();
        }
        List<String> committed = readAll(topic, "read_committed");
        List<String> all = readAll(topic, "read_uncommitted");
        System.out.println("read_committed " + committed.size()
            + " of which aborted " + committed.stream().filter(one -> one.contains("aborted")).count());
        boolean isMore = all.size() >= committed.size() && all.containsAll(committed);
        System.out.println("read_uncommitted has " + (isMore ? "all of these" : "lost some"));
    }

    private static void attempt(String what, Runnable step) {
        try {
            step.run();
            System.out.println(what + ": done");
        } catch (KafkaException error) {
            Throwable cause = error.getCause() instanceof KafkaException ? error.getCause() : error;
            System.out.println(what + ": " + cause.getClass().getSimpleName());
        }
    }

    private static void fence(String topic) {
        try (KafkaProducer<String, String> old = producer("fence", 60_000);
             KafkaProducer<String, String> fresh = producer("fence", 60_000)) {
            attempt("old begins", old::initTransactions);
            old.beginTransaction();
            attempt("old sends", () -> get(old, topic, "of the old"));
            attempt("fresh begins", fresh::initTransactions);
            fresh.beginTransaction();
            attempt("fresh sends", () -> get(fresh, topic, "of the fresh"));
            attempt("old sends again", () -> get(old, topic, "of the zombie"));
            attempt("old commits", old::commitTransaction);
            attempt("fresh commits", fresh::commitTransaction);
        }
        readAll(topic, "read_committed").forEach(System.out::println);
    }

    private static void expire(String topic) throws Exception {
        try (KafkaProducer<String, String> slow = producer("slow", 1_000)) {
            slow.initTransactions();
            slow.beginTransaction();
            get(slow, topic, "too late");
            Thread.sleep(3_500);
            attempt("commit after the timeout", slow::commitTransaction);
        }
        try (KafkaProducer<String, String> next = producer("slow", 1_000)) {
            attempt("next begins", next::initTransactions);
            next.beginTransaction();
            get(next, topic, "in time");
            attempt("next commits", next::commitTransaction);
        }
        readAll(topic, "read_committed").forEach(System.out::println);
    }

    private static void decide(String topic, String id) {
        try (KafkaProducer<String, String> producer = producer(id, 60_000)) {
            producer.initTransactions();
            producer.beginTransaction();
            get(producer, topic, "committed by " + id);
            producer.commitTransaction();
            producer.beginTransaction();
            get(producer, topic, "aborted by " + id);
            producer.abortTransaction();
        }
        System.out.println("decided");
    }

    private static void open(String topic, String id, int timeoutMs) throws Exception {
        KafkaProducer<String, String> producer = producer(id, timeoutMs);
        producer.initTransactions();
        producer.beginTransaction();
        get(producer, topic, "never decided");
        System.out.println("open");
        Thread.sleep(600_000);
    }

    private static void copy(String from, String to, String group, int count) throws Exception {
        try (KafkaConsumer<String, String> consumer = consumer(group, "read_committed");
             KafkaProducer<String, String> producer = producer("copy-" + group, 30_000)) {
            producer.initTransactions();
            consumer.subscribe(List.of(from));
            int transaction = 0;
            while (committed(consumer, from) < count) {
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                List<ConsumerRecord<String, String>> records = new ArrayList<>();
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
                if (records.isEmpty()) continue;
                producer.beginTransaction();
                for (ConsumerRecord<String, String> record : records) {
                    producer.send(new ProducerRecord<>(to, record.partition(), record.key(), record.value()));
                    offsets.put(new TopicPartition(from, record.partition()),
                        new OffsetAndMetadata(record.offset() + 1));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (++transaction % 3 == 0) {
                    producer.abortTransaction();
                    // As after a crash: on from what is committed.
                    Map<TopicPartition, OffsetAndMetadata> stable = consumer.committed(consumer.assignment());
                    for (TopicPartition one : consumer.assignment()) {
                        OffsetAndMetadata at = stable.get(one);
                        consumer.seek(one, at == null ? 0 : at.offset());
                    }
                } else {
                    producer.commitTransaction();
                }
            }
        }
        System.out.println("copied");
    }

    private static void rate(String topic, int records, double seconds) {
        try (KafkaProducer<String, String> producer = producer("rate", 60_000)) {
            producer.initTransactions();
            run(producer, topic, records, seconds / 2);
            System.out.println(run(producer, topic, records, seconds));
        }
    }

    /** Transactions a second. */
    private static double run(KafkaProducer<String, String> producer, String topic, int records, double seconds) {
        String value = "v".repeat(100);
        long begin = System.nanoTime();
        int done = 0;
        while (System.nanoTime() - begin < seconds * 1e9) {
            producer.beginTransaction();
            for (int i = 0; i < records; i++) producer.send(new ProducerRecord<>(topic, value));
            // Without it the client (4.3.1) may, once in thousands, send EndTxn before the records: its
            // sender asks whether batches are waiting before it looks for the request to end.
            producer.flush();
            producer.commitTransaction();
            done++;
        }
        return done / ((System.nanoTime() - begin) / 1e9);
    }

    private static long committed(KafkaConsumer<String, String> consumer, String topic) {
        Set<TopicPartition> partitions = new HashSet<>();
        consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
        return consumer.committed(partitions).values().stream()
            .mapToLong(one -> one == null ? 0 : one.offset()).sum();
    }

    private static void get(KafkaProducer<String, String> producer, String topic, String value) {
        try {
            producer.send(new ProducerRecord<>(topic, 0, "k", value)).get();
        } catch (java.util.concurrent.ExecutionException error) {
            throw error.getCause() instanceof KafkaException known ? known : new KafkaException(error.getCause());
        } catch (InterruptedException error) {
            throw new KafkaException(error);
        }
    }
}
