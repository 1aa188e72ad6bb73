import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.metadata.MetadataJsonConverters;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * MetadataWriter FILE: appends a batch of metadata records to a log file for each line of standard
 * input, a JSON array of {"type", "version", "data"}. Prints the offset behind the last.
 */
public final class MetadataWriter {
  public static void main(String[] args) throws Exception {
    File file = new File(args[0]);
    ObjectMapper mapper = new ObjectMapper();
    try (FileRecords log = FileRecords.open(file);
        BufferedReader lines = new BufferedReader(
            new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      long nextOffset = 0;
      int epoch = 1;
      for (RecordBatch batch : log.batches()) {
        nextOffset = batch.nextOffset();
        epoch = batch.partitionLeaderEpoch();
      }
      for (String line; (line = lines.readLine()) != null;) {
        List<SimpleRecord> records = new ArrayList<>();
        long now = System.currentTimeMillis();
        for (JsonNode one : mapper.readTree(line)) {
          short version = (short) one.get("version").intValue();
          records.add(new SimpleRecord(now, null, bytes(new ApiMessageAndVersion(
              MetadataJsonConverters.readJson(one.get("data"), (short) one.get("type").intValue(), version),
              version))));
        }
        SimpleRecord[] all = records.toArray(new SimpleRecord[0]);
        log.append(MemoryRecords.withRecords(nextOffset, Compression.NONE, epoch, all));
        nextOffset += all.length;
      }
      log.flush();
      System.out.println(nextOffset);
    }
  }

  private static byte[] bytes(ApiMessageAndVersion record) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(MetadataRecordSerde.INSTANCE.recordSize(record, cache));
    MetadataRecordSerde.INSTANCE.write(record, cache, new ByteBufferAccessor(buffer));
    return buffer.array();
  }
}
