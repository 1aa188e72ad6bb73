import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * StreamsApp BOOTSTRAP STATE-DIR PROCESSING-GUARANTEE: word counts, joins and sums, for `StreamsLoad` to check. Ends at SIGTERM,
 * cleanly.
 *
 *   lines                        ->  repartition, count             ->  counts: WORD = how often it came
 *   purchases, joined with users ->  joined: USER = "N REGION VERSION"
 *                                ->  repartition by region, sum up  ->  totals: REGION = "COUNT SUM"
 *
 * Prints `running` each time that all its tasks run, and `thread died: WHY` when a thread had to be replaced.
 */
public class StreamsApp {
    static final String APPLICATION = "eos";

    static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream("lines")
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word)
            .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts-store"))
            .toStream()
            .mapValues(String::valueOf)
            .to("counts");
        KTable<String, String> users = builder.table("users", Materialized.as("users-store"));
        var joined = builder.<String, String>stream("purchases").join(users, (n, user) -> n + " " + user);
        joined.to("joined");
        joined.map((user, value) -> KeyValue.pair(value.split(" ")[1], value.split(" ")[0]))
            .groupByKey(Grouped.as("by-region"))
            .aggregate(() -> "0 0", (region, n, total) -> {
                String[] parts = total.split(" ");
                return (Long.parseLong(parts[0]) + 1) + " " + (Long.parseLong(parts[1]) + Long.parseLong(n));
            }, Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("totals-store"))
            .toStream()
            .to("totals");
        return builder.build();
    }

    static Properties config(String bootstrap, String stateDir, String guarantee) {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(StreamsConfig.STATE_DIR_CONFIG, stateDir);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        // Without a cache every count is told, so that a gap or a repetition shows.
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        // The dead are missed soon, and what they left open is aborted soon.
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 4000);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 800);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 6000);
        config.put(StreamsConfig.REPARTITION_PURGE_INTERVAL_MS_CONFIG, 1000);
        return config;
    }

    public static void main(String[] args) throws Exception {
        KafkaStreams streams = new KafkaStreams(topology(), config(args[0], args[1], args[2]));
        streams.setUncaughtExceptionHandler(error -> {
            System.out.println("thread died: " + error);
            error.printStackTrace();
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) System.out.println("running");
        });
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(60));
            closed.countDown();
        }));
        streams.start();
        closed.await();
    }
}
