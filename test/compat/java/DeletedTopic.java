import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Counts what a consumer fetches of a topic that it was assigned and that is gone: BOOTSTRAP MILLISECONDS. */
public final class DeletedTopic {
    public static void main(String[] args) throws Exception {
        Map<String, Object> common = Map.of("bootstrap.servers", args[0]);
        Properties properties = new Properties();
        properties.putAll(common);
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        String topic = "deleted-while-read";
        try (Admin admin = Admin.create(common);
                var consumer = new KafkaConsumer<byte[], byte[]>(properties)) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            while (fetches(consumer) < 2) consumer.poll(Duration.ofMillis(100));
            admin.deleteTopics(List.of(topic)).all().get();
            while (!admin.listTopics().names().get().isEmpty()) consumer.poll(Duration.ofMillis(10));
            double before = fetches(consumer);
            long end = System.nanoTime() + Long.parseLong(args[1]) * 1_000_000;
            while (System.nanoTime() < end) consumer.poll(Duration.ofMillis(100));
            System.out.println("fetches " + (long) (fetches(consumer) - before));
        }
    }

    private static double fetches(KafkaConsumer<byte[], byte[]> consumer) {
        return consumer.metrics().values().stream()
            .filter(one -> one.metricName().name().equals("fetch-total"))
            .filter(one -> one.metricName().group().equals("consumer-fetch-manager-metrics"))
            .mapToDouble(one -> (Double) one.metricValue())
            .sum();
    }
}
