import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * KeyedLoad BOOTSTRAP TOPIC FROM TO KEYS: records FROM up to TO, in order, to partition 0 of the topic. Record n has one of so
 * many keys, one in fifty is a tombstone; every broker is given the same.
 */
public class KeyedLoad {
    public static void main(String[] args) throws Exception {
        long to = Long.parseLong(args[3]);
        long keys = Long.parseLong(args[4]);
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", args[0]);
        config.put("acks", "all");
        config.put("enable.idempotence", "true");
        config.put("linger.ms", "20");
        AtomicReference<Exception> failure = new AtomicReference<>();
        long now = System.currentTimeMillis();
        try (KafkaProducer<String, String> producer =
                 new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (long n = Long.parseLong(args[2]); n < to; n++) {
                String key = "key-" + n * 7919 % 1_000_003 % keys;
                String value = n % 50 == 7 ? null : "value of record number " + n + " ".repeat((int) (n % 97));
                producer.send(new ProducerRecord<>(args[1], 0, now, key, value), (metadata, error) -> {
                    if (error != null) failure.set(error);
                });
            }
        }
        if (failure.get() != null) throw failure.get();
    }
}
