import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * TelemetryClient BOOTSTRAP TOPIC CLIENT_ID: a producer and a consumer at work until a line comes on
 * standard input. They push their metrics by themselves (KIP-714). Prints their client instance ids.
 */
public final class TelemetryClient {
  public static void main(String[] args) throws Exception {
    String topic = args[1];
    Map<String, Object> common = Map.of("bootstrap.servers", args[0], "client.id", args[2]);
    try (KafkaProducer<String, String> producer =
            new KafkaProducer<>(common, new StringSerializer(), new StringSerializer());
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
            with(common, Map.of("group.id", args[2], "auto.offset.reset", "earliest")),
            new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      producer.send(new ProducerRecord<>(topic, "first")).get();
      System.out.println("producer " + producer.clientInstanceId(Duration.ofSeconds(20)));
      System.out.println("consumer " + idOf(consumer));
      while (System.in.available() == 0) {
        producer.send(new ProducerRecord<>(topic, "again")).get();
        consumer.poll(Duration.ofMillis(50));
      }
    }
    System.out.println("closed");
  }

  /** A classic consumer talks to brokers only while it polls: waiting in clientInstanceId alone asks nobody. */
  private static Uuid idOf(KafkaConsumer<String, String> consumer) {
    long deadlineMs = System.currentTimeMillis() + 20_000;
    while (true) {
      consumer.poll(Duration.ofMillis(50));
      try {
        Uuid id = consumer.clientInstanceId(Duration.ofMillis(1));
        if (id != null) return id;
      } catch (RuntimeException notYet) {
        if (System.currentTimeMillis() > deadlineMs) throw notYet;
      }
      if (System.currentTimeMillis() > deadlineMs) throw new IllegalStateException("no client instance id");
    }
  }

  private static Map<String, Object> with(Map<String, Object> some, Map<String, Object> more) {
    Map<String, Object> all = new java.util.HashMap<>(some);
    all.putAll(more);
    return all;
  }
}
