import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * RoundTrip BOOTSTRAP TOPIC GROUP COUNT [KEY=VALUE of the consumer ...]: an idempotent producer with acks=all sends COUNT
 * records, a consumer of the group reads on from its commit until it has COUNT of them, and commits.
 * Prints the first and the next offset of each partition that the consumer read, and fails if what came is not what
 * went: each record once, in order within its partition, at the offset the producer was told.
 */
public class RoundTrip {
    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        int count = Integer.parseInt(args[3]);
        Map<String, String> expected = produce(bootstrap, topic, count);
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("group.id", args[2]);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        for (int i = 4; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            config.put(pair[0], pair[1]);
        }
        TreeMap<Integer, Long> first = new TreeMap<>();
        TreeMap<Integer, Long> next = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer =
                 new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            int got = 0;
            long deadline = System.nanoTime() + Duration.ofSeconds(40).toNanos();
            while (got < count) {
                if (System.nanoTime() > deadline) throw new IllegalStateException("only " + got + " of " + count);
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<String, String> record : records) {
                    String at = record.partition() + "@" + record.offset();
                    if (!record.value().equals(expected.get(at))) {
                        throw new IllegalStateException(at + " is " + record.value() + ", not " + expected.get(at));
                    }
                    Long due = next.get(record.partition());
                    if (due != null && due != record.offset()) throw new IllegalStateException(at + " after " + due);
                    first.putIfAbsent(record.partition(), record.offset());
                    next.put(record.partition(), record.offset() + 1);
                    got++;
                }
            }
            Map<TopicPartition, OffsetAndMetadata> commit = new HashMap<>();
            next.forEach((partition, offset) ->
                commit.put(new TopicPartition(topic, partition), new OffsetAndMetadata(offset, "round trip")));
            consumer.commitSync(commit);
            if (!consumer.committed(commit.keySet()).equals(commit)) {
                throw new IllegalStateException("committed " + consumer.committed(commit.keySet()));
            }
        }
        System.out.println(count + " from " + first + " to " + next);
    }

    static Map<String, String> produce(String bootstrap, String topic, int count) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("enable.idempotence", "true");
        config.put("acks", "all");
        config.put("compression.type", "lz4");
        // After a restart a broker knows a producer's newest batch only, Apache Kafka's too: with more of them
        // in flight some may come twice.
        config.put("max.in.flight.requests.per.connection", "1");
        Map<String, String> expected = new HashMap<>();
        try (KafkaProducer<String, String> producer =
                 new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, "key" + i, "value" + i)));
            }
            for (int i = 0; i < count; i++) {
                RecordMetadata metadata = sent.get(i).get();
                expected.put(metadata.partition() + "@" + metadata.offset(), "value" + i);
            }
        }
        return expected;
    }
}
