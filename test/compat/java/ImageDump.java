import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.FileLogInputStream;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.loader.MetadataBatchLoader;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.metadata.SupportedConfigChecker;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.fault.FaultHandler;

/**
 * ImageDump each|OFFSET FILE...: the MetadataImage after the records of these files of
 * __cluster_metadata-0, snapshots and logs in their order, as JSON of all its fields. With "each" a
 * line for each image that a broker with one record a batch publishes, else one line for the last
 * image not behind an offset.
 */
public final class ImageDump {
  private static final LeaderAndEpoch nobody = LeaderAndEpoch.UNKNOWN;
  private static final FaultHandler faults = (message, cause) -> {
    throw new RuntimeException(message, cause);
  };
  private static final PrintStream out = new PrintStream(System.out, false);
  private static MetadataImage last = MetadataImage.EMPTY;
  private static SupportedConfigChecker configs;

  public static void main(String[] args) throws Exception {
    boolean each = args[0].equals("each");
    long until = each ? Long.MAX_VALUE : Long.parseLong(args[0]);
    configs = (SupportedConfigChecker) Class
        .forName("org.apache.kafka.server.config.DefaultSupportedConfigChecker")
        .getConstructor().newInstance();
    MetadataBatchLoader loader = newLoader(image -> {
      boolean isLater = image.offset() > last.offset();
      last = image;
      if (each && isLater) out.println(shown(image));
    });
    loader.resetToImage(last);
    for (String name : Arrays.copyOfRange(args, 1, args.length)) {
      try (FileRecords records = FileRecords.open(new File(name))) {
        if (name.endsWith(".checkpoint")) {
          last = snapshot(new File(name).getName(), records);
          loader.resetToImage(last);
          if (each) out.println(shown(last));
        } else {
          for (FileLogInputStream.FileChannelRecordBatch batch : records.batches()) {
            if (batch.lastOffset() > last.offset()) load(loader, batch, until);
          }
        }
      }
    }
    if (!each) out.println(shown(last));
    out.flush();
  }

  /** Passes the records of a batch on, one at a time. */
  private static void load(MetadataBatchLoader loader, FileLogInputStream.FileChannelRecordBatch batch, long until) {
    for (Record record : batch) {
      if (record.offset() > until) return;
      Batch<ApiMessageAndVersion> one = batch.isControlBatch()
          ? Batch.control(record.offset(), batch.partitionLeaderEpoch(), record.timestamp(), 1,
              java.util.Collections.nCopies(1, null))
          : Batch.data(record.offset(), batch.partitionLeaderEpoch(), record.timestamp(), 1,
              List.of(read(record)));
      loader.loadBatch(one, nobody);
      loader.maybeFlushBatches(nobody, true);
    }
  }

  private static MetadataImage snapshot(String name, FileRecords records) {
    long endOffset = Long.parseLong(name.substring(0, 20));
    int epoch = Integer.parseInt(name.substring(21, 31));
    MetadataDelta delta = new MetadataDelta.Builder().setImage(last)
        .setSupportedConfigChecker(configs).build();
    for (FileLogInputStream.FileChannelRecordBatch batch : records.batches()) {
      if (batch.isControlBatch()) continue;
      for (Record record : batch) delta.replay(read(record).message());
    }
    delta.finishSnapshot();
    return delta.apply(new MetadataProvenance(endOffset - 1, epoch, 0, true));
  }

  private static ApiMessageAndVersion read(Record record) {
    return MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(record.value()), record.valueSize());
  }

  private interface Published {
    void take(MetadataImage image);
  }

  /** LogContext is in another package in each release. */
  private static MetadataBatchLoader newLoader(Published published) throws Exception {
    MetadataBatchLoader.MetadataUpdater updater = (delta, image, manifest) -> published.take(image);
    Constructor<?> constructor = MetadataBatchLoader.class.getConstructors()[0];
    Object logContext = constructor.getParameterTypes()[0].getConstructor(String.class).newInstance("");
    return (MetadataBatchLoader) constructor.newInstance(logContext, Time.SYSTEM, faults, updater, configs);
  }

  /** All fields of an object, whatever its class, as JSON. */
  private static String shown(Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) return String.valueOf(value);
    if (value instanceof Optional<?> optional) return shown(optional.orElse(null));
    if (value instanceof MetadataVersion version) return shown(version.featureLevel());
    if (value instanceof Enum<?> one) return quoted(one.name());
    if (value instanceof String || value instanceof Uuid) return quoted(value.toString());
    if (value instanceof byte[] bytes) return quoted(Base64.getEncoder().encodeToString(bytes));
    if (value instanceof Map<?, ?> map) {
      Map<String, String> sorted = new TreeMap<>();
      map.forEach((key, one) -> {
        String text = shown(key);
        sorted.put(text.startsWith("\"") ? text : quoted(text), shown(one));
      });
      return object(sorted);
    }
    StringBuilder text = new StringBuilder("[");
    if (value instanceof Collection<?> all) {
      for (Object one : all) text.append(text.length() > 1 ? "," : "").append(shown(one));
      return text.append("]").toString();
    }
    if (value.getClass().isArray()) {
      for (int i = 0; i < Array.getLength(value); i++) {
        text.append(i > 0 ? "," : "").append(shown(Array.get(value, i)));
      }
      return text.append("]").toString();
    }
    return fields(value);
  }

  private static String fields(Object value) {
    Map<String, String> sorted = new TreeMap<>();
    for (Class<?> type = value.getClass(); type != Object.class; type = type.getSuperclass()) {
      if (!type.getName().startsWith("org.apache.kafka.") && type != java.lang.Record.class) {
        throw new IllegalArgumentException("no rule for " + type);
      }
      for (Field field : type.getDeclaredFields()) {
        if (Modifier.isStatic(field.getModifiers())) continue;
        try {
          field.setAccessible(true);
          sorted.put(quoted(field.getName()), shown(field.get(value)));
        } catch (IllegalAccessException cause) {
          throw new IllegalStateException(cause);
        }
      }
    }
    return object(sorted);
  }

  private static String object(Map<String, String> sorted) {
    StringBuilder text = new StringBuilder("{");
    sorted.forEach((key, one) -> text.append(text.length() > 1 ? "," : "").append(key).append(":").append(one));
    return text.append("}").toString();
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') quoted.append('\\').append(c);
      else if (c < ' ') quoted.append(String.format("\\u%04x", (int) c));
      else quoted.append(c);
    }
    return quoted.append('"').toString();
  }
}
