import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * AdminCalls BOOTSTRAP: every method of Admin, in all its forms, with fixed arguments. A line a call:
 * method, what it is about, parameters' types, what came of it (AdminShown), separated by tabs.
 * Methods that were never called are lines that start with "missed".
 */
public final class AdminCalls {
  private static final Set<String> called = new LinkedHashSet<>();
  private static final AdminShown shown = new AdminShown();
  private static Admin admin;
  private static String bootstrap;
  private static String about = "";
  private static int settles = 1;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", bootstrap, "client.id", "admin-calls",
        "default.api.timeout.ms", 20_000, "request.timeout.ms", 10_000);
    Properties properties = new Properties();
    properties.putAll(settings);
    admin = Admin.create(settings);
    call("create", settings);
    call("create", properties);
    admin.createTopics(List.of(new NewTopic("settle", 1, (short) 1))).all().get();
    settle();
    cluster();
    topics();
    configs();
    records();
    users();
    consumerGroups();
    transactions();
    partitions();
    otherGroups();
    quorum();
    Admin other = admin;
    admin = Admin.create(settings);
    call("close");
    call("close", Duration.ofSeconds(5));
    other.close();
    for (Method method : Admin.class.getMethods()) {
      if (!called.contains(signature(method))) System.out.println("missed " + signature(method));
    }
    System.out.flush();
    System.exit(0);
  }

  private static void cluster() {
    call("describeCluster");
    call("describeCluster", new DescribeClusterOptions().includeAuthorizedOperations(true).includeFencedBrokers(true));
    call("describeFeatures");
    call("describeFeatures", new DescribeFeaturesOptions().nodeId(1));
    call("metrics");
    KafkaMetric metric = (KafkaMetric) admin.metrics().values().iterator().next();
    call("registerMetricForSubscription", metric);
    call("unregisterMetricFromSubscription", metric);
    call("clientInstanceId", Duration.ofSeconds(5));
  }

  private static void topics() throws Exception {
    call("createTopics", List.of(
        new NewTopic("a", 3, (short) 1).configs(Map.of("retention.ms", "100000")),
        new NewTopic("b", Optional.empty(), Optional.empty()),
        new NewTopic("assigned", Map.of(0, List.of(1), 1, List.of(1))),
        new NewTopic("nowhere", Map.of(0, List.of(9))),
        new NewTopic("three", 1, (short) 3), new NewTopic("none", 0, (short) 1),
        new NewTopic("bad/name", 1, (short) 1), new NewTopic("x.y", 1, (short) 1)));
    settle();
    call("createTopics", List.of(new NewTopic("x_y", 1, (short) 1),
        new NewTopic("bogus", 1, (short) 1).configs(Map.of("no.such", "1")),
        new NewTopic("wrong", 1, (short) 1).configs(Map.of("retention.ms", "soon"))));
    call("createTopics", List.of(new NewTopic("only", 2, (short) 1)), new CreateTopicsOptions().validateOnly(true));
    call("listTopics");
    call("describeTopics", List.of("a", "b", "assigned", "absent"));
    call("describeTopics", TopicCollection.ofTopicNames(List.of("a")));
    call("describeTopics", TopicCollection.ofTopicIds(List.of(idOf("a"), new Uuid(7, 7))));
    call("describeTopics", List.of("a", "assigned"),
        new DescribeTopicsOptions().includeAuthorizedOperations(true).partitionSizeLimitPerResponse(2));
    call("createPartitions", Map.of("b", NewPartitions.increaseTo(3), "a", NewPartitions.increaseTo(2),
        "absent", NewPartitions.increaseTo(2), "assigned", NewPartitions.increaseTo(3, List.of(List.of(1)))));
    call("createPartitions", Map.of("b", NewPartitions.increaseTo(9)), new CreatePartitionsOptions().validateOnly(true));
    settle();
    call("describeTopics", List.of("b"));
    call("deleteTopics", List.of("x.y", "absent"));
    call("deleteTopics", TopicCollection.ofTopicNames(List.of("assigned")));
    call("deleteTopics", TopicCollection.ofTopicIds(List.of(idOf("b"), new Uuid(7, 7))));
    settle();
    call("listTopics", new ListTopicsOptions().listInternal(true));
  }

  private static void configs() throws Exception {
    ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "a");
    ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
    ConfigResource brokers = new ConfigResource(ConfigResource.Type.BROKER, "");
    ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, "g");
    ConfigResource metrics = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m");
    ConfigResource logger = new ConfigResource(ConfigResource.Type.BROKER_LOGGER, "1");
    call("describeConfigs", List.of(topic, new ConfigResource(ConfigResource.Type.TOPIC, "absent")));
    call("incrementalAlterConfigs", Map.of(
        topic, List.of(op("cleanup.policy", "compact", OpType.APPEND), op("segment.bytes", "2000000", OpType.SET)),
        brokers, List.of(op("log.retention.ms", "777777", OpType.SET)),
        group, List.of(op("consumer.session.timeout.ms", "50000", OpType.SET)),
        metrics, List.of(op("interval.ms", "1000", OpType.SET), op("metrics", "org.apache", OpType.SET))));
    call("incrementalAlterConfigs", Map.of(topic, List.of(op("retention.ms", "soon", OpType.SET))));
    call("incrementalAlterConfigs", Map.of(broker, List.of(op("node.id", "7", OpType.SET))));
    call("incrementalAlterConfigs", Map.of(topic, List.of(op("retention.ms", "5", OpType.SET))),
        new AlterConfigsOptions().validateOnly(true));
    settle();
    about = "documented";
    call("describeConfigs", List.of(topic, brokers, group, metrics),
        new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true));
    about = "of a broker";
    call("describeConfigs", List.of(broker), new DescribeConfigsOptions().includeSynonyms(true));
    about = "of loggers";
    call("incrementalAlterConfigs", Map.of(logger, List.of(op("no.such.logger", "DEBUG", OpType.SET))));
    call("describeConfigs", List.of(logger));
    about = "";
    call("listConfigResources");
    call("listConfigResources", Set.of(ConfigResource.Type.GROUP, ConfigResource.Type.BROKER), new ListConfigResourcesOptions());
    call("listClientMetricsResources");
    call("incrementalAlterConfigs", Map.of(topic, List.of(op("cleanup.policy", null, OpType.DELETE),
        op("segment.bytes", null, OpType.DELETE)), brokers, List.of(op("log.retention.ms", null, OpType.DELETE))));
    settle();
  }

  private static void records() throws Exception {
    try (KafkaProducer<String, String> producer = producer(null)) {
      for (int i = 0; i < 20; i++) {
        producer.send(new ProducerRecord<>("a", i % 2, 1_700_000_000_000L + (i == 6 ? 99 : i), "k", "v" + i));
      }
    }
    TopicPartition zero = new TopicPartition("a", 0);
    TopicPartition one = new TopicPartition("a", 1);
    TopicPartition two = new TopicPartition("a", 2);
    List<OffsetSpec> specs = List.of(OffsetSpec.latest(), OffsetSpec.earliest(), OffsetSpec.maxTimestamp(),
        OffsetSpec.forTimestamp(1_700_000_000_005L), OffsetSpec.forTimestamp(1_800_000_000_000L),
        OffsetSpec.earliestLocal(), OffsetSpec.latestTiered(), OffsetSpec.earliestPendingUpload());
    for (OffsetSpec spec : specs) call("listOffsets", Map.of(zero, spec, one, spec, two, spec));
    call("listOffsets", Map.of(zero, OffsetSpec.latest()), new ListOffsetsOptions(IsolationLevel.READ_COMMITTED));
    call("deleteRecords", Map.of(zero, RecordsToDelete.beforeOffset(4), one, RecordsToDelete.beforeOffset(99),
        two, RecordsToDelete.beforeOffset(-1)));
    call("listOffsets", Map.of(zero, OffsetSpec.earliest()));
    call("describeLogDirs", List.of(1));
    call("describeReplicaLogDirs", List.of(new TopicPartitionReplica("a", 0, 1), new TopicPartitionReplica("absent", 0, 1)));
    call("alterReplicaLogDirs", Map.of(new TopicPartitionReplica("a", 0, 1), "/no/such/dir",
        new TopicPartitionReplica("absent", 0, 1), "/no/such/dir"));
    call("describeProducers", List.of(zero, one));
    call("describeProducers", List.of(zero), new DescribeProducersOptions().brokerId(1));
  }

  private static void users() {
    AclBinding acl = new AclBinding(new ResourcePattern(ResourceType.TOPIC, "a", PatternType.LITERAL),
        new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
    call("createAcls", List.of(acl));
    call("describeAcls", AclBindingFilter.ANY);
    call("deleteAcls", List.of(acl.toFilter(), AclBindingFilter.ANY));
    call("createDelegationToken");
    call("renewDelegationToken", new byte[] {1, 2});
    call("expireDelegationToken", new byte[] {1, 2});
    call("describeDelegationToken");
    Map<String, String> names = new HashMap<>(Map.of("user", "u"));
    names.put("client-id", null);
    ClientQuotaEntity pair = new ClientQuotaEntity(names);
    ClientQuotaEntity ip = new ClientQuotaEntity(Map.of("ip", "10.0.0.1"));
    call("alterClientQuotas", List.of(
        new ClientQuotaAlteration(pair, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.5))),
        new ClientQuotaAlteration(ip, List.of(new ClientQuotaAlteration.Op("connection_creation_rate", 10.0))),
        new ClientQuotaAlteration(new ClientQuotaEntity(Map.of("user", "v")), List.of(new ClientQuotaAlteration.Op("no_such", 1.0))),
        new ClientQuotaAlteration(new ClientQuotaEntity(Map.of("user", "w")), List.of(new ClientQuotaAlteration.Op("producer_byte_rate", -1.0)))));
    settle();
    call("describeClientQuotas", ClientQuotaFilter.all());
    call("describeClientQuotas", ClientQuotaFilter.containsOnly(List.of(ClientQuotaFilterComponent.ofEntity("ip", "10.0.0.1"))));
    call("describeClientQuotas", ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofDefaultEntity("client-id"))));
    ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 8192);
    call("alterUserScramCredentials", List.of(new UserScramCredentialUpsertion("alice", info, "secret"),
        new UserScramCredentialUpsertion("bob", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 1), "x"),
        new UserScramCredentialDeletion("carol", ScramMechanism.SCRAM_SHA_512)));
    settle();
    call("describeUserScramCredentials");
    call("describeUserScramCredentials", List.of("alice", "nobody"));
  }

  private static void consumerGroups() throws Exception {
    Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(
        new TopicPartition("a", 0), new OffsetAndMetadata(5, "five"), new TopicPartition("a", 1), new OffsetAndMetadata(6));
    until(() -> {
      try {
        admin.alterConsumerGroupOffsets("first", offsets).all().get();
        return true;
      } catch (Exception error) {
        return false;
      }
    });
    call("alterConsumerGroupOffsets", "stored", offsets);
    call("alterConsumerGroupOffsets", "stored", Map.of(new TopicPartition("absent", 0), new OffsetAndMetadata(1)));
    try (KafkaConsumer<String, String> classic = member("classic", "classic");
         KafkaConsumer<String, String> modern = member("modern", "consumer")) {
      for (KafkaConsumer<String, String> one : List.of(classic, modern)) {
        one.subscribe(List.of("a"));
        until(() -> !one.poll(Duration.ofMillis(50)).isEmpty() || !one.assignment().isEmpty());
      }
      until(() -> {
        classic.poll(Duration.ofMillis(10));
        modern.poll(Duration.ofMillis(10));
        try {
          return admin.describeConsumerGroups(List.of("classic", "modern")).all().get().values().stream()
              .allMatch(one -> one.groupState() == GroupState.STABLE);
        } catch (Exception error) {
          return false;
        }
      });
      modern.commitSync(Map.of(new TopicPartition("a", 2), new OffsetAndMetadata(0)));
      call("describeConsumerGroups", List.of("classic", "modern", "stored", "absent"));
      call("describeConsumerGroups", List.of("modern"), new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true));
      call("describeClassicGroups", List.of("classic", "modern", "absent"));
      call("listConsumerGroups");
      call("listConsumerGroups", new ListConsumerGroupsOptions().inGroupStates(Set.of(GroupState.STABLE)));
      call("listGroups");
      call("listGroups", new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER)));
      call("listGroups", new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY)));
      call("alterConsumerGroupOffsets", "classic", offsets);
      call("alterConsumerGroupOffsets", "modern", offsets);
      call("deleteConsumerGroups", List.of("classic", "modern"));
      call("deleteConsumerGroupOffsets", "modern", Set.of(new TopicPartition("a", 2)));
      call("removeMembersFromConsumerGroup", "classic",
          new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("nobody"))));
      call("removeMembersFromConsumerGroup", "classic", new RemoveMembersFromConsumerGroupOptions());
    }
    call("removeMembersFromConsumerGroup", "absent", new RemoveMembersFromConsumerGroupOptions());
    call("listConsumerGroupOffsets", "stored");
    call("listConsumerGroupOffsets", "absent");
    ListConsumerGroupOffsetsSpec spec = new ListConsumerGroupOffsetsSpec().topicPartitions(
        List.of(new TopicPartition("a", 0), new TopicPartition("a", 2)));
    call("listConsumerGroupOffsets", Map.of("stored", spec, "modern", new ListConsumerGroupOffsetsSpec()));
    call("deleteConsumerGroupOffsets", "stored", Set.of(new TopicPartition("a", 0), new TopicPartition("absent", 0)));
    call("deleteConsumerGroupOffsets", "absent", Set.of(new TopicPartition("a", 0)));
    call("deleteConsumerGroups", List.of("stored", "absent"));
  }

  private static void transactions() throws Exception {
    TopicPartition zero = new TopicPartition("a", 0);
    try (KafkaProducer<String, String> producer = producer("t1")) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("a", 0, 1_700_000_000_500L, "k", "open")).get();
      call("listTransactions");
      call("listTransactions", new ListTransactionsOptions().filterStates(Set.of(TransactionState.ONGOING)));
      call("listTransactions", new ListTransactionsOptions().filterProducerIds(Set.of(123456L)));
      call("listTransactions", new ListTransactionsOptions().filterOnTransactionalIdPattern("t.*"));
      call("listTransactions", new ListTransactionsOptions().filterOnTransactionalIdPattern("("));
      call("describeTransactions", List.of("t1", "absent"));
      call("describeProducers", List.of(zero));
      ProducerState open = admin.describeProducers(List.of(zero)).partitionResult(zero).get().activeProducers()
          .stream().filter(one -> one.currentTransactionStartOffset().isPresent()).findFirst().get();
      call("abortTransaction", new AbortTransactionSpec(zero, open.producerId() + 1000, (short) 0, 0));
      call("abortTransaction", new AbortTransactionSpec(zero, open.producerId(), (short) -1, 0));
      call("abortTransaction", new AbortTransactionSpec(zero, open.producerId(), (short) open.producerEpoch(), 0));
      call("listOffsets", Map.of(zero, OffsetSpec.latest()), new ListOffsetsOptions(IsolationLevel.READ_COMMITTED));
      call("fenceProducers", List.of("t1", "t2"));
      producer.close(Duration.ZERO);
    }
    try (KafkaProducer<String, String> producer = producer("t3")) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("a", 1, 1_700_000_000_600L, "k", "open")).get();
      call("forceTerminateTransaction", "t3");
      call("forceTerminateTransaction", "never");
      producer.close(Duration.ZERO);
    }
    call("describeTransactions", List.of("t2"));
  }

  private static void partitions() {
    TopicPartition zero = new TopicPartition("a", 0);
    TopicPartition none = new TopicPartition("absent", 0);
    call("electLeaders", ElectionType.PREFERRED, Set.of(zero, none));
    call("electLeaders", ElectionType.UNCLEAN, Set.of(zero, none));
    call("alterPartitionReassignments", Map.of(zero, Optional.of(new NewPartitionReassignment(List.of(9))),
        none, Optional.of(new NewPartitionReassignment(List.of(1)))));
    call("alterPartitionReassignments", Map.of(zero, Optional.of(new NewPartitionReassignment(List.of(1)))));
    call("alterPartitionReassignments", Map.of(zero, Optional.empty(), none, Optional.empty()));
    call("alterPartitionReassignments", Map.of(zero, Optional.of(new NewPartitionReassignment(List.of(1)))),
        new AlterPartitionReassignmentsOptions().allowReplicationFactorChange(false));
    call("listPartitionReassignments");
    call("listPartitionReassignments", Set.of(zero, none));
    call("listPartitionReassignments", Optional.of(Set.of(zero)), new ListPartitionReassignmentsOptions());
  }

  private static void otherGroups() {
    Set<TopicPartition> zero = Set.of(new TopicPartition("a", 0));
    call("describeShareGroups", List.of("share"));
    call("listShareGroupOffsets", Map.of("share", new ListShareGroupOffsetsSpec()));
    call("alterShareGroupOffsets", "share", Map.of(new TopicPartition("a", 0), 3L));
    call("deleteShareGroupOffsets", "share", Set.of("a"));
    call("deleteShareGroups", List.of("share"));
    call("describeStreamsGroups", List.of("streams"));
    call("alterStreamsGroupOffsets", "streams", Map.of(new TopicPartition("a", 0), new OffsetAndMetadata(3)));
    call("listStreamsGroupOffsets", Map.of("streams", new ListStreamsGroupOffsetsSpec()));
    call("deleteStreamsGroupOffsets", "streams", zero);
    call("deleteStreamsGroups", List.of("streams"));
  }

  private static void quorum() {
    call("describeMetadataQuorum");
    call("unregisterBroker", 9);
    Set<RaftVoterEndpoint> endpoints = Set.of(new RaftVoterEndpoint("CONTROLLER", "127.0.0.1", 19093));
    call("addRaftVoter", 5, new Uuid(7, 7), endpoints);
    call("addRaftVoter", 5, new Uuid(7, 7), endpoints, new AddRaftVoterOptions().setClusterId(Optional.of("another")));
    call("removeRaftVoter", 5, new Uuid(7, 7));
    call("updateFeatures", Map.of("no.such", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)));
    call("updateFeatures", Map.of("share.version", new FeatureUpdate((short) 9, FeatureUpdate.UpgradeType.UPGRADE)));
    call("updateFeatures", Map.of("streams.version", new FeatureUpdate((short) 0, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)),
        new UpdateFeaturesOptions().validateOnly(true));
    call("updateFeatures", Map.of("streams.version", new FeatureUpdate((short) 0, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)));
  }

  /** Calls every form of a method that takes these arguments: as they are, and with options of default values after them. */
  private static void call(String name, Object... args) {
    Arrays.stream(Admin.class.getMethods()).filter(method -> method.getName().equals(name))
        .sorted(Comparator.comparing(AdminCalls::signature)).forEach(method -> {
          Class<?>[] types = method.getParameterTypes();
          List<Object> given = new ArrayList<>(Arrays.stream(args).map(AdminCalls::inOrder).toList());
          if (types.length == args.length + 1 && types[args.length].getSimpleName().endsWith("Options")) {
            given.add(plainOptions(types[args.length]));
          }
          if (types.length != given.size()) return;
          for (int i = 0; i < types.length; i++) {
            if (!(types[i] == int.class ? Integer.class : types[i]).isInstance(given.get(i))) return;
          }
          called.add(signature(method));
          String result = shown.of(() -> method.invoke(Modifier.isStatic(method.getModifiers()) ? null : admin, given.toArray()),
              given);
          System.out.println(String.join("\t", name, about, signature(method), result));
        });
  }

  /** The order of Map.of and Set.of changes from process to process. */
  private static Object inOrder(Object given) {
    if (given instanceof Map<?, ?> map) {
      Map<Object, Object> sorted = new LinkedHashMap<>();
      map.entrySet().stream().sorted(Comparator.comparing(one -> one.getKey().toString()))
          .forEach(one -> sorted.put(one.getKey(), one.getValue()));
      return given instanceof Properties ? given : sorted;
    }
    if (!(given instanceof Set<?> set)) return given;
    return new LinkedHashSet<>(set.stream().sorted(Comparator.comparing(Object::toString)).toList());
  }

  private static Object plainOptions(Class<?> type) {
    try {
      return type.getConstructor().newInstance();
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException(type.getName(), error);
    }
  }

  private static String signature(Method method) {
    List<String> types = Arrays.stream(method.getParameterTypes()).map(Class::getSimpleName).toList();
    return method.getName() + "(" + String.join(", ", types) + ")";
  }

  /** Waits until the broker has taken in all metadata that there is by now: metadata comes in order. */
  private static void settle() {
    settles++;
    until(() -> {
      try {
        if (admin.describeTopics(List.of("settle")).allTopicNames().get().get("settle").partitions().size() == settles) return true;
        admin.createPartitions(Map.of("settle", NewPartitions.increaseTo(settles))).all().get();
      } catch (Exception error) {
        // not there yet, or asked twice
      }
      return false;
    });
  }

  private static void until(BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadlineNs) throw new IllegalStateException("it never came to be");
      Thread.onSpinWait();
    }
  }

  private static Uuid idOf(String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
  }

  private static AlterConfigOp op(String name, String value, OpType type) {
    return new AlterConfigOp(new ConfigEntry(name, value), type);
  }

  private static KafkaProducer<String, String> producer(String transactionalId) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    if (transactionalId != null) config.put("transactional.id", transactionalId);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }

  private static KafkaConsumer<String, String> member(String group, String protocol) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("group.id", group);
    config.put("client.id", "member");
    config.put("group.protocol", protocol);
    config.put("enable.auto.commit", "false");
    config.put("auto.offset.reset", "latest");
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }
}
