import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.server.telemetry.ClientTelemetry;
import org.apache.kafka.server.telemetry.ClientTelemetryReceiver;

/** Where Apache Kafka has one among its metric.reporters, it offers client telemetry; this one drops what comes. */
public final class TelemetryReceiver implements MetricsReporter, ClientTelemetry {
  @Override
  public ClientTelemetryReceiver clientReceiver() {
    return (context, payload) -> {};
  }

  @Override
  public void init(List<KafkaMetric> metrics) {}

  @Override
  public void metricChange(KafkaMetric metric) {}

  @Override
  public void metricRemoval(KafkaMetric metric) {}

  @Override
  public void close() {}

  @Override
  public void configure(Map<String, ?> configs) {}
}
