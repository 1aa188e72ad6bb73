import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Scanner;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Many members of one group in one process. Commands on stdin: "join N", "leave N" (the newest),
 * "stall N" (member N stops polling once it has something), "wake N" (first of all it commits
 * again what it had). Says what happens in lines of "member what topic-partition[@offset] ...":
 * assigned, revoked, lost, read, commits, then committed or refused; stalls, left. The line comes
 * before whatever the event brings about.
 */
public final class Members {
  private static final byte[] NEW_LINE = {'\n'};
  private final Properties properties;
  private final String topics;
  private final boolean isNew;
  private final List<Member> members = new ArrayList<>();

  private Members(Properties properties, String topics, boolean isNew) {
    this.properties = properties;
    this.topics = topics;
    this.isNew = isNew;
  }

  /** Arguments: bootstrap, expression of topics, then consumer settings as KEY=VALUE. */
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "earliest");
    for (int i = 2; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      properties.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    boolean isNew = "consumer".equals(properties.get("group.protocol"));
    Members all = new Members(properties, args[1], isNew);
    Scanner commands = new Scanner(System.in);
    while (commands.hasNext()) all.obey(commands.next(), commands.nextInt());
    all.leave(all.members.size());
  }

  private void obey(String command, int number) throws InterruptedException {
    switch (command) {
      case "join" -> {
        for (int i = 0; i < number; i++) {
          Member member = new Member(members.size());
          members.add(member);
          member.start();
        }
      }
      case "leave" -> leave(number);
      case "stall" -> members.get(number).isStalled = true;
      case "wake" -> members.get(number).isStalled = false;
      default -> throw new IllegalArgumentException(command);
    }
  }

  private void leave(int count) throws InterruptedException {
    List<Member> leaving = new ArrayList<>(members.subList(members.size() - count, members.size()));
    for (Member member : leaving) member.isLeaving = true;
    for (Member member : leaving) member.join();
    members.removeAll(leaving);
  }

  private static synchronized void say(int member, String what, Collection<String> where) {
    String line = member + " " + what + " " + String.join(" ", where);
    byte[] bytes = line.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    System.out.write(bytes, 0, bytes.length);
    System.out.write(NEW_LINE, 0, 1);
    System.out.flush();
  }

  private final class Member extends Thread implements ConsumerRebalanceListener {
    private final int number;
    volatile boolean isLeaving;
    volatile boolean isStalled;
    /** What is read and not committed, of what it has still. */
    private final Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();

    Member(int number) {
      this.number = number;
    }

    @Override
    public void run() {
      Properties mine = new Properties();
      mine.putAll(properties);
      // Static members (KIP-345) are told apart by their place in this process.
      Object prefix = mine.remove("group.instance.prefix");
      if (prefix != null) mine.put("group.instance.id", prefix + "-" + number);
      try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(mine)) {
        if (isNew) consumer.subscribe(new SubscriptionPattern(topics), this);
        else consumer.subscribe(Pattern.compile(topics), this);
        while (!isLeaving) {
          try {
            if (isStalled && !consumer.assignment().isEmpty()) stall(consumer);
            read(consumer, consumer.poll(Duration.ofMillis(200)));
          } catch (org.apache.kafka.common.KafkaException error) {
            // Thrown out of the group on a busy machine: the next poll joins again.
            say(number, "refused", List.of(error.getClass().getSimpleName()));
          }
        }
      } catch (Exception error) {
        error.printStackTrace();
        say(number, "failed", List.of(error.getClass().getSimpleName()));
      }
      say(number, "left", List.of());
    }

    private void read(KafkaConsumer<byte[], byte[]> consumer, ConsumerRecords<byte[], byte[]> got) {
      for (TopicPartition partition : got.partitions()) {
        var records = got.records(partition);
        next.put(partition, new OffsetAndMetadata(records.get(records.size() - 1).offset() + 1));
        say(number, "read", List.of(partition + "@" + records.get(0).offset() + "+" + records.size()));
      }
      // What was refused is tried again.
      if (!next.isEmpty()) commit(consumer);
    }

    private void commit(KafkaConsumer<byte[], byte[]> consumer) {
      List<String> what = next.entrySet().stream()
          .map(one -> one.getKey() + "@" + one.getValue().offset()).collect(Collectors.toList());
      say(number, "commits", what);
      try {
        consumer.commitSync(next);
        say(number, "committed", what);
        next.clear();
      } catch (org.apache.kafka.common.KafkaException error) {
        say(number, "refused", List.of(error.getClass().getSimpleName()));
      }
    }

    /** Nothing tells it before its next poll that it was put out: its commit goes to the broker. */
    private void stall(KafkaConsumer<byte[], byte[]> consumer) throws InterruptedException {
      consumer.committed(consumer.assignment()).forEach((partition, committed) ->
          next.putIfAbsent(partition, committed == null ? new OffsetAndMetadata(0) : committed));
      say(number, "stalls", names(next.keySet()));
      while (isStalled) Thread.sleep(20);
      commit(consumer);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      say(number, "assigned", names(partitions));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      say(number, "revoked", names(partitions));
      next.keySet().removeAll(partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      say(number, "lost", names(partitions));
      next.keySet().removeAll(partitions);
    }

    private List<String> names(Collection<TopicPartition> partitions) {
      return partitions.stream().map(TopicPartition::toString).collect(Collectors.toList());
    }
  }
}
