import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Uuid;

/**
 * What an Admin call came to, as one line: everything that the result's public methods give, futures
 * waited for. Ids, times, offsets of the metadata log and sizes of disks are replaced by a word.
 */
final class AdminShown {
  private static final int DEPTH_MAX = 12;
  /** Methods whose values are a broker's own. */
  private static final Set<String> OWN = Set.of(
      "highWatermark", "leaderEpoch", "logEndOffset", "lastFetchTimestamp", "lastCaughtUpTimestamp",
      "totalBytes", "usableBytes", "discardableBytes", "lastTimestamp", "producerId", "transactionStartTimeMs",
      "finalizedFeaturesEpoch", "metrics", "clusterId", "replicaDirectoryId", "size");
  private static final Set<String> SKIPPED = Set.of("hashCode", "toString", "getClass", "notify", "notifyAll", "wait", "clone");
  /** Shown by their own words, which say everything. */
  private static final Set<String> TOLD = Set.of("TopicPartition", "TopicPartitionReplica", "ConfigResource", "ClientQuotaEntity",
      "AclBinding", "AclBindingFilter", "Node", "MetricName", "GroupProtocol");

  /** @param given the call's arguments: results are asked by what is in them, too. */
  String of(Callable<?> call, List<Object> given) {
    try {
      Object result = call.call();
      if (result == null) return "void";
      if (result instanceof Admin made) {
        made.close();
        return "made";
      }
      if (result instanceof Map<?, ?>) return "a map";
      if (!result.getClass().getSimpleName().endsWith("Result")) return value(result, false, 0);
      Set<Object> keys = new LinkedHashSet<>();
      for (Object one : given) gather(one, keys);
      return bean(result, keys, 0);
    } catch (Exception error) {
      return error(error);
    }
  }

  private void gather(Object given, Set<Object> keys) {
    if (given instanceof Map<?, ?> map) keys.addAll(map.keySet());
    else if (given instanceof Collection<?> all) for (Object one : all) gather(one, keys);
    else if (given instanceof NewTopic topic) keys.add(topic.name());
    else keys.add(given);
  }

  private String bean(Object of, Set<Object> keys, int depth) {
    return Arrays.stream(of.getClass().getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()) && !SKIPPED.contains(method.getName()))
        .filter(method -> method.getReturnType() != void.class && !method.isBridge())
        .sorted(Comparator.comparing(Method::toString))
        .flatMap(method -> {
          if (method.getParameterCount() == 0) return List.of(method.getName() + "=" + got(method, of, depth)).stream();
          if (method.getParameterCount() > 1 || method.getName().equals("equals")) return List.<String>of().stream();
          return keys.stream().filter(key -> method.getParameterTypes()[0].isInstance(key)).sorted(Comparator.comparing(Object::toString))
              .map(key -> method.getName() + "(" + value(key, false, depth + 1) + ")=" + got(method, of, depth, key));
        }).collect(Collectors.joining(", ", "{", "}"));
  }

  private String got(Method method, Object of, int depth, Object... args) {
    if (OWN.contains(method.getName())) return "OWN";
    try {
      method.setAccessible(true);
      Object value = method.invoke(of, args);
      if (method.getName().equals("documentation")) return value == null || value.equals("") ? "none" : "some";
      return value(value, method.getReturnType() == List.class, depth + 1);
    } catch (Exception error) {
      return error(error);
    }
  }

  private String value(Object value, boolean isOrdered, int depth) {
    if (depth > DEPTH_MAX) return "...";
    if (value == null) return "null";
    if (value instanceof Uuid id) return id.equals(Uuid.ZERO_UUID) ? "ZERO" : "ID";
    if (value instanceof byte[] bytes) return bytes.length + " bytes";
    if (value instanceof KafkaFuture<?> future) return future(future, depth);
    if (value instanceof Throwable error) return error(error);
    if (value instanceof Optional<?> one) return one.isPresent() ? value(one.get(), false, depth) : "empty";
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream().map(one -> value(one.getKey(), false, depth + 1) + ": " + value(one.getValue(), false, depth + 1))
          .sorted().collect(Collectors.joining("; ", "[", "]"));
    }
    if (value instanceof Collection<?> all) {
      List<String> shown = all.stream().map(one -> value(one, false, depth + 1)).toList();
      return (isOrdered ? shown : shown.stream().sorted().toList()).stream().collect(Collectors.joining("; ", "[", "]"));
    }
    Class<?> type = value.getClass();
    boolean isPlain = value instanceof Enum<?> || value instanceof OptionalInt || value instanceof OptionalLong
        || !type.getName().startsWith("org.apache.kafka") || TOLD.contains(type.getSimpleName());
    return isPlain ? plain(value.toString()) : bean(value, Set.of(), depth + 1);
  }

  private String future(KafkaFuture<?> future, int depth) {
    try {
      return value(future.get(40, TimeUnit.SECONDS), false, depth);
    } catch (Exception error) {
      return error(error);
    }
  }

  private String error(Throwable error) {
    Throwable cause = error;
    while ((cause instanceof ExecutionException || cause instanceof InvocationTargetException) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return "!" + cause.getClass().getSimpleName() + ": " + plain(String.valueOf(cause.getMessage()));
  }

  private String plain(String text) {
    return text.replaceAll("\\s+", " ");
  }
}
