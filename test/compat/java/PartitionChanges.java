import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.apache.kafka.common.Uuid;

/**
 * PartitionChanges FILE: what Kafka's PartitionChangeBuilder makes of changes. Each line of FILE is a partition and
 * its change; each line of the output is the record as JSON, or null. By reflection: the class path to compile against
 * has an older release.
 */
public class PartitionChanges {
  static final String CONTROLLER = "org.apache.kafka.controller.";
  static final ObjectMapper MAPPER = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    for (String line : Files.readAllLines(Path.of(args[0]))) System.out.println(change(MAPPER.readTree(line)));
  }

  static String change(JsonNode given) throws Exception {
    JsonNode state = given.get("partition");
    Object builder = call(Class.forName("org.apache.kafka.metadata.PartitionRegistration$Builder").getConstructor().newInstance());
    call(builder, "setReplicas", array(state, "replicas"));
    call(builder, "setIsr", array(state, "isr"));
    call(builder, "setElr", array(state, "eligibleLeaderReplicas"));
    call(builder, "setLastKnownElr", array(state, "lastKnownElr"));
    call(builder, "setRemovingReplicas", array(state, "removingReplicas"));
    call(builder, "setAddingReplicas", array(state, "addingReplicas"));
    List<Uuid> directories = new ArrayList<>();
    state.get("directories").forEach(one -> directories.add(Uuid.fromString(one.asText())));
    call(builder, "setDirectories", (Object) directories.toArray(new Uuid[0]));
    call(builder, "setLeader", state.get("leader").asInt());
    call(builder, "setLeaderEpoch", state.get("leaderEpoch").asInt());
    call(builder, "setPartitionEpoch", state.get("partitionEpoch").asInt());
    call(builder, "setLeaderRecoveryState", recovery(state.get("leaderRecoveryState").asInt()));
    Object partition = call(builder, "build");

    Set<Integer> alive = new HashSet<>(list(given.get("alive")));
    IntPredicate mayLead = alive::contains;
    boolean hasElr = given.get("hasElr").asBoolean();
    Object change = Arrays.stream(Class.forName(CONTROLLER + "PartitionChangeBuilder").getConstructors())
        .filter(one -> one.getParameterCount() == 7).findFirst().orElseThrow()
        .newInstance(partition, Uuid.fromString(given.get("topicId").asText()), 3, mayLead,
            version(given.get("isShrinkAnEpoch").asBoolean()), given.get("minIsr").asInt(), hasElr);
    JsonNode target = given.get("target");
    if (target.has("isr")) call(change, "setTargetIsr", list(target.get("isr")));
    if (target.has("replicas")) call(change, "setTargetReplicas", list(target.get("replicas")));
    if (target.has("removing")) call(change, "setTargetRemoving", list(target.get("removing")));
    if (target.has("adding")) call(change, "setTargetAdding", list(target.get("adding")));
    if (target.has("leaderRecoveryState")) {
      call(change, "setTargetLeaderRecoveryState", recovery(target.get("leaderRecoveryState").asInt()));
    }
    if (target.has("uncleanShutdown")) {
      call(change, "setUncleanShutdownReplicas", List.of(target.get("uncleanShutdown").asInt()));
    }
    if (target.has("election")) {
      Class<?> elections = Class.forName(CONTROLLER + "PartitionChangeBuilder$Election");
      String name = target.get("election").asText().toUpperCase();
      call(change, "setElection", elections.getMethod("valueOf", String.class).invoke(null, name));
    }
    for (JsonNode pair : target.get("directories")) {
      call(change, "setDirectory", pair.get(0).asInt(), Uuid.fromString(pair.get(1).asText()));
    }
    Class<?> provider = Class.forName("org.apache.kafka.metadata.placement.DefaultDirProvider");
    JsonNode defaults = given.get("defaults");
    call(change, "setDefaultDirProvider", java.lang.reflect.Proxy.newProxyInstance(provider.getClassLoader(),
        new Class<?>[] {provider}, (proxy, method, of) -> Uuid.fromString(defaults.get(String.valueOf(of[0])).asText())));
    Optional<?> built = (Optional<?>) call(change, "build");
    if (built.isEmpty()) return "null";
    Object record = call(built.get(), "message");
    Class<?> converter = Class.forName("org.apache.kafka.common.metadata.PartitionChangeRecordJsonConverter");
    return converter.getMethod("write", record.getClass(), short.class).invoke(null, record, (short) 2).toString();
  }

  static Object call(Object on) {
    return on;
  }

  static Object call(Object on, String name, Object... args) throws Exception {
    for (Method method : on.getClass().getDeclaredMethods()) {
      if (!method.getName().equals(name) || method.getParameterCount() != args.length) continue;
      method.setAccessible(true);
      return method.invoke(on, args);
    }
    throw new NoSuchMethodException(name);
  }

  static Object recovery(int code) throws Exception {
    return Class.forName("org.apache.kafka.metadata.LeaderRecoveryState").getMethod("of", byte.class).invoke(null, (byte) code);
  }

  static Object version(boolean isOld) throws Exception {
    Class<?> versions = Class.forName("org.apache.kafka.server.common.MetadataVersion");
    if (isOld) return versions.getMethod("fromVersionString", String.class, boolean.class).invoke(null, "3.5-IV2", true);
    return versions.getMethod("latestProduction").invoke(null);
  }

  static int[] array(JsonNode from, String name) {
    return list(from.get(name)).stream().mapToInt(one -> one).toArray();
  }

  static List<Integer> list(JsonNode of) {
    List<Integer> all = new ArrayList<>();
    of.forEach(one -> all.add(one.asInt()));
    return all;
  }
}
