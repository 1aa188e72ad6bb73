import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/** BatchReader: a batch in hex a line, and for each a line: how many records its reader found, or why it found none. */
public class BatchReader {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(read(HexFormat.of().parseHex(line.trim())));
        }
    }

    static String read(byte[] bytes) {
        try {
            int records = 0;
            CRC32 sum = new CRC32();
            for (RecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
                batch.ensureValid();
                for (Record record : batch) {
                    records++;
                    if (record.key() != null) sum.update(record.key());
                    if (record.value() != null) sum.update(record.value());
                    record.headers();
                }
            }
            return "read " + records + " " + sum.getValue();
        } catch (Throwable error) {
            return "failed " + error.getClass().getSimpleName() + ": " + String.valueOf(error.getMessage()).replace('\n', ' ');
        }
    }
}
