package kafka.server.share;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.internals.ShareAcquireMode;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ReadShareGroupStateResponseData;
import org.apache.kafka.common.message.WriteShareGroupStateResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Timer;
import org.apache.kafka.coordinator.group.modern.share.ShareGroupConfigProvider;
import org.apache.kafka.server.share.acknowledge.ShareAcknowledgementBatch;
import org.apache.kafka.server.share.dlq.ShareGroupDLQManager;
import org.apache.kafka.server.share.dlq.ShareGroupDLQRecordParameter;
import org.apache.kafka.server.share.fetch.InFlightBatch;
import org.apache.kafka.server.share.fetch.InFlightState;
import org.apache.kafka.server.share.fetch.ShareAcquiredRecords;
import org.apache.kafka.server.share.persister.DeleteShareGroupStateParameters;
import org.apache.kafka.server.share.persister.DeleteShareGroupStateResult;
import org.apache.kafka.server.share.persister.InitializeShareGroupStateParameters;
import org.apache.kafka.server.share.persister.InitializeShareGroupStateResult;
import org.apache.kafka.server.share.persister.Persister;
import org.apache.kafka.server.share.persister.ReadShareGroupStateParameters;
import org.apache.kafka.server.share.persister.ReadShareGroupStateResult;
import org.apache.kafka.server.share.persister.ReadShareGroupStateSummaryParameters;
import org.apache.kafka.server.share.persister.ReadShareGroupStateSummaryResult;
import org.apache.kafka.server.share.persister.WriteShareGroupStateParameters;
import org.apache.kafka.server.share.persister.WriteShareGroupStateResult;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.storage.log.FetchPartitionData;
import org.apache.kafka.server.util.timer.TimerTask;
import org.apache.kafka.server.util.timer.TimerTaskEntry;

/**
 * SharePartitions: what Kafka's SharePartition makes of commands, one a line on standard input; each is answered with
 * a line: its result and the partition's state. The clock, the timer, the share coordinator and the dead letter queue
 * do what the commands `time`, `store` and `dead` say; what they cause is stored at once. A partition is `stuck` if its
 * start offset stands in a gap behind a split batch: from then on storing a change throws.
 */
public class SharePartitions {
    static final Uuid TOPIC = new Uuid(1, 2);
    static long nowMs;
    static SharePartition partition;
    static int attemptsMax;
    static int recordsMax;
    static int lockMs;
    static boolean mayRenew;
    static boolean hasDeadLetters;
    static String loaded;
    static final List<Due> timers = new ArrayList<>();
    static final Deque<CompletableFuture<WriteShareGroupStateResult>> writes = new ArrayDeque<>();
    static final Deque<CompletableFuture<Void>> dead = new ArrayDeque<>();

    record Due(long atMs, TimerTask task) {}

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String result;
            try {
                result = run(line.split(" ", -1));
            } catch (Throwable error) {
                result = nameOf(error);
            }
            System.out.println(result + " " + state());
        }
    }

    static String run(String[] words) throws Exception {
        switch (words[0]) {
            case "new": return create(words);
            case "acquire": return acquire(words);
            case "acknowledge": return ended(partition.acknowledge(words[1], acknowledgements(words[2])));
            case "release": return ended(partition.releaseAcquiredRecords(words[1]));
            case "start":
                // As its callers do, who have looked before.
                if (Long.parseLong(words[1]) > partition.startOffset()) partition.updateCacheAndOffsets(Long.parseLong(words[1]));
                return "ok";
            case "store":
                if (writes.isEmpty()) return "none";
                writes.removeFirst().complete(stored(words[1].equals("ok") ? Errors.NONE : Errors.COORDINATOR_NOT_AVAILABLE));
                return "ok";
            case "dead":
                if (dead.isEmpty()) return "none";
                int before = writes.size();
                while (!dead.isEmpty()) dead.removeFirst().complete(null);
                while (writes.size() > before) writes.removeLast().complete(stored(Errors.NONE));
                return "ok";
            case "time":
                advance(Long.parseLong(words[1]));
                return "ok";
            default: throw new IllegalArgumentException(words[0]);
        }
    }

    static String create(String[] words) throws Exception {
        attemptsMax = Integer.parseInt(words[1]);
        recordsMax = Integer.parseInt(words[2]);
        lockMs = Integer.parseInt(words[3]);
        mayRenew = words[4].equals("1");
        hasDeadLetters = words[5].equals("1");
        loaded = words[6] + " " + words[7];
        nowMs = 0;
        timers.clear();
        writes.clear();
        dead.clear();
        TopicIdPartition at = new TopicIdPartition(TOPIC, 0, "t");
        partition = new SharePartition("g", at, 0, recordsMax, attemptsMax, lockMs, new Timers(), new Clock(), new Store(), null,
            key -> { }, new Settings(), null, () -> hasDeadLetters, new DeadLetters());
        return ended(partition.maybeInitialize());
    }

    static String acquire(String[] words) {
        String member = words[1];
        long fetchOffset = Long.parseLong(words[2]);
        ShareAcquireMode mode = words[3].equals("1") ? ShareAcquireMode.RECORD_LIMIT : ShareAcquireMode.BATCH_OPTIMIZED;
        List<FetchResponseData.AbortedTransaction> aborted = new ArrayList<>();
        for (String one : parts(words[7])) {
            String[] pair = one.split(",");
            aborted.add(new FetchResponseData.AbortedTransaction().setProducerId(Long.parseLong(pair[0])).setFirstOffset(Long.parseLong(pair[1])));
        }
        FetchPartitionData data = new FetchPartitionData(Errors.NONE, 1_000_000, 0, records(words[6]), Optional.empty(),
            OptionalLong.empty(), Optional.of(aborted), OptionalInt.empty(), false);
        ShareAcquiredRecords acquired = partition.acquire(member, mode, Integer.parseInt(words[5]), Integer.parseInt(words[4]),
            fetchOffset, data, aborted.isEmpty() ? FetchIsolation.HIGH_WATERMARK : FetchIsolation.TXN_COMMITTED);
        StringBuilder text = new StringBuilder("acquired");
        acquired.acquiredRecords().forEach(one ->
            text.append(':').append(one.firstOffset()).append('-').append(one.lastOffset()).append('x').append(one.deliveryCount()));
        return text.toString();
    }

    static List<String> parts(String text) {
        return text.isEmpty() ? List.of() : Arrays.asList(text.split(";"));
    }

    /** Batches as FIRST,LAST,PRODUCER,KIND; the kind is `plain`, `transactional` or `abort`, which is a marker. */
    static MemoryRecords records(String text) {
        List<ByteBuffer> all = new ArrayList<>();
        for (String one : parts(text)) {
            String[] fields = one.split(",");
            long first = Long.parseLong(fields[0]);
            long last = Long.parseLong(fields[1]);
            long producer = Long.parseLong(fields[2]);
            if (fields[3].equals("abort")) {
                all.add(MemoryRecords.withEndTransactionMarker(first, 0, 0, producer, (short) 0,
                    new EndTransactionMarker(ControlRecordType.ABORT, 0)).buffer());
                continue;
            }
            MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1024), RecordBatch.CURRENT_MAGIC_VALUE,
                Compression.NONE, TimestampType.CREATE_TIME, first, 0, producer, (short) (producer < 0 ? -1 : 0), producer < 0 ? -1 : 0,
                fields[3].equals("transactional"), 0);
            for (long offset = first; offset <= last; offset++) builder.appendWithOffset(offset, 0, null, new byte[1]);
            all.add(builder.build().buffer());
        }
        ByteBuffer joined = ByteBuffer.allocate(all.stream().mapToInt(ByteBuffer::remaining).sum());
        all.forEach(joined::put);
        joined.flip();
        return MemoryRecords.readableRecords(joined);
    }

    static List<ShareAcknowledgementBatch> acknowledgements(String text) {
        List<ShareAcknowledgementBatch> batches = new ArrayList<>();
        for (String one : parts(text)) {
            String[] fields = one.split(",");
            List<Byte> types = new ArrayList<>();
            for (int i = 2; i < fields.length; i++) types.add(Byte.parseByte(fields[i]));
            batches.add(new ShareAcknowledgementBatch(Long.parseLong(fields[0]), Long.parseLong(fields[1]), types));
        }
        return batches;
    }

    static String ended(CompletableFuture<Void> future) {
        if (!future.isDone()) return "pending";
        if (!future.isCompletedExceptionally()) return "ok";
        try {
            future.join();
            return "ok";
        } catch (Throwable error) {
            return nameOf(error.getCause() == null ? error : error.getCause());
        }
    }

    static String nameOf(Throwable error) {
        return error.getClass().getSimpleName() + "(" + String.valueOf(error.getMessage()).replace(' ', '_') + ")";
    }

    static void advance(long byMs) {
        nowMs += byMs;
        List<Due> due = new ArrayList<>(timers.stream().filter(one -> one.atMs <= nowMs).toList());
        due.sort(Comparator.comparingLong(Due::atMs));
        timers.removeIf(one -> one.atMs <= nowMs);
        int before = writes.size();
        for (Due one : due) if (!one.task.isCancelled()) one.task.run();
        // The writes of ended locks; their order is that of the timer.
        while (writes.size() > before) writes.removeLast().complete(stored(Errors.NONE));
    }

    static WriteShareGroupStateResult stored(Errors error) {
        return WriteShareGroupStateResult.from(new WriteShareGroupStateResponseData().setResults(List.of(
            new WriteShareGroupStateResponseData.WriteStateResult().setTopicId(TOPIC).setPartitions(List.of(
                new WriteShareGroupStateResponseData.PartitionResult().setPartition(0).setErrorCode(error.code()))))));
    }

    static String state() {
        if (partition == null) return "";
        StringBuilder text = new StringBuilder();
        text.append(partition.startOffset()).append('-').append(partition.endOffset());
        text.append(" terminal ").append(partition.deliveryCompleteCount());
        if (partition.partitionState() == SharePartition.SharePartitionState.ACTIVE) {
            text.append(" next ").append(partition.nextFetchOffset()).append(partition.canAcquireRecords() ? " free" : " full");
        }
        for (InFlightBatch batch : partition.cachedState().values()) {
            text.append(" [").append(batch.firstOffset()).append('-').append(batch.lastOffset());
            if (batch.offsetState() == null) {
                text.append(' ').append(batch.batchState().id).append('x').append(batch.batchDeliveryCount()).append(batch.batchMemberId());
                text.append(batch.batchHasOngoingStateTransition() ? "~" : "");
            } else {
                for (InFlightState one : batch.offsetState().values()) {
                    text.append(' ').append(one.state().id).append('x').append(one.deliveryCount()).append(one.memberId());
                    text.append(one.hasOngoingStateTransition() ? "~" : "");
                }
            }
            text.append(']');
        }
        Map.Entry<Long, InFlightBatch> floor = partition.cachedState().floorEntry(partition.startOffset());
        boolean isStuck = floor != null && floor.getValue().offsetState() != null && floor.getValue().lastOffset() < partition.startOffset();
        return text.append(isStuck ? " stuck" : "").toString();
    }

    static class Timers implements org.apache.kafka.server.util.timer.Timer {
        public void add(TimerTask task) {
            // A task counts as cancelled unless it has an entry.
            new TimerTaskEntry(task, nowMs + task.delayMs);
            timers.add(new Due(nowMs + task.delayMs, task));
        }
        public boolean advanceClock(long timeoutMs) { return false; }
        public int size() { return timers.size(); }
        public void close() { }
    }

    static class Clock implements Time {
        public long milliseconds() { return nowMs; }
        public long hiResClockMs() { return nowMs; }
        public long nanoseconds() { return nowMs * 1_000_000; }
        public void sleep(long ms) { nowMs += ms; }
        public void waitObject(Object obj, Supplier<Boolean> condition, long deadlineMs) { }
        public Timer timer(long timeoutMs) { return Time.SYSTEM.timer(timeoutMs); }
    }

    static class Settings extends ShareGroupConfigProvider {
        Settings() { super(null); }
        public int recordLockDurationMsOrDefault(String groupId, int defaultValue) { return lockMs; }
        public int deliveryCountLimitOrDefault(String groupId, int defaultValue) { return attemptsMax; }
        public int partitionMaxRecordLocksOrDefault(String groupId, int defaultValue) { return recordsMax; }
        public boolean isRenewAcknowledgeEnabled(String groupId) { return mayRenew; }
        public Optional<String> errorsDLQTopicName(String groupId) { return hasDeadLetters ? Optional.of("dlq") : Optional.empty(); }
    }

    static class DeadLetters implements ShareGroupDLQManager {
        public CompletableFuture<Void> enqueue(ShareGroupDLQRecordParameter parameter) {
            dead.addLast(new CompletableFuture<>());
            return dead.peekLast();
        }
        public void stop() { }
    }

    static class Store implements Persister {
        public CompletableFuture<ReadShareGroupStateResult> readState(ReadShareGroupStateParameters parameters) {
            String[] words = loaded.split(" ", -1);
            List<ReadShareGroupStateResponseData.StateBatch> batches = new ArrayList<>();
            for (String one : parts(words[1])) {
                String[] fields = one.split(",");
                batches.add(new ReadShareGroupStateResponseData.StateBatch().setFirstOffset(Long.parseLong(fields[0]))
                    .setLastOffset(Long.parseLong(fields[1])).setDeliveryState(Byte.parseByte(fields[2])).setDeliveryCount(Short.parseShort(fields[3])));
            }
            return CompletableFuture.completedFuture(ReadShareGroupStateResult.from(new ReadShareGroupStateResponseData().setResults(List.of(
                new ReadShareGroupStateResponseData.ReadStateResult().setTopicId(TOPIC).setPartitions(List.of(
                    new ReadShareGroupStateResponseData.PartitionResult().setPartition(0).setStartOffset(Long.parseLong(words[0]))
                        .setStateEpoch(3).setStateBatches(batches)))))));
        }
        public CompletableFuture<WriteShareGroupStateResult> writeState(WriteShareGroupStateParameters parameters) {
            writes.addLast(new CompletableFuture<>());
            return writes.peekLast();
        }
        public CompletableFuture<InitializeShareGroupStateResult> initializeState(InitializeShareGroupStateParameters parameters) { return null; }
        public CompletableFuture<DeleteShareGroupStateResult> deleteState(DeleteShareGroupStateParameters parameters) { return null; }
        public CompletableFuture<ReadShareGroupStateSummaryResult> readSummary(ReadShareGroupStateSummaryParameters parameters) { return null; }
        public void stop() { }
    }
}
