import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.ArrayList;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * FixedBatches BOOTSTRAP TOPIC CODEC BATCHES RECORDS: the same batches in every run, to the byte. One flush makes
 * one batch; keys, values, headers and timestamps follow from the index. Not idempotent, for a producer id would differ.
 */
public class FixedBatches {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("compression.type", args[2]);
        config.put("enable.idempotence", "false");
        config.put("acks", "all");
        config.put("linger.ms", "60000");
        config.put("batch.size", String.valueOf(4 << 20));
        config.put("max.request.size", String.valueOf(4 << 20));
        int batches = Integer.parseInt(args[3]);
        int records = Integer.parseInt(args[4]);
        long timestamp = 1_700_000_000_000L;
        try (KafkaProducer<byte[], byte[]> producer =
                 new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            int index = 0;
            for (int batch = 0; batch < batches; batch++) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (int i = 0; i < records; i++, index++) {
                    byte[] key = index % 7 == 0 ? null : bytes("key-" + index);
                    byte[] value = index % 11 == 0 ? null : bytes(("value " + index + " ").repeat(1 + index % 13));
                    RecordHeaders headers = new RecordHeaders();
                    if (index % 5 == 0) headers.add(new RecordHeader("h" + index % 3, index % 2 == 0 ? null : bytes("v")));
                    timestamp += index % 4 == 0 ? -5 : 20;
                    sent.add(producer.send(new ProducerRecord<>(args[1], 0, timestamp, key, value, headers)));
                }
                producer.flush();
                for (Future<RecordMetadata> one : sent) one.get();
            }
            System.out.println(index + " records in " + batches + " batches");
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
