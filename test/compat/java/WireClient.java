import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Sends single requests, written and read by Kafka's own classes, and says what was answered. A line
 * of input is ID, CONNECTION, HOST:PORT, API, VERSION, JSON with tabs between; each connection is
 * made on first use and answers in order. A line of output is ID, then `=` and the response as JSON,
 * or `!` and what went wrong.
 */
public class WireClient {
  static final ObjectMapper MAPPER = new ObjectMapper();
  static final Map<String, Connection> CONNECTIONS = new ConcurrentHashMap<>();
  static final PrintStream OUT = System.out;

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line; (line = in.readLine()) != null; ) {
      String[] part = line.split("\t", 6);
      if (part.length == 3 && part[2].equals("close")) {
        Connection gone = CONNECTIONS.remove(part[1]);
        if (gone != null) gone.close();
        say(part[0], "=", "{}");
        continue;
      }
      CONNECTIONS.computeIfAbsent(part[1], name -> new Connection(part[2]))
          .ask(part[0], part[3], Short.parseShort(part[4]), part[5]);
    }
    System.exit(0);
  }

  static synchronized void say(String id, String mark, String text) {
    OUT.println(id + "\t" + mark + text.replace('\n', ' '));
    OUT.flush();
  }

  static class Connection {
    final String address;
    final ExecutorService turns = Executors.newSingleThreadExecutor();
    Socket socket;
    int correlation;

    Connection(String address) {
      this.address = address;
    }

    void ask(String id, String api, short version, String json) {
      turns.submit(() -> {
        try {
          say(id, "=", MAPPER.writeValueAsString(send(api, version, MAPPER.readTree(json))));
        } catch (Throwable e) {
          Throwable cause = e.getCause() == null ? e : e.getCause();
          say(id, "!", cause.toString());
        }
      });
    }

    JsonNode send(String name, short version, JsonNode json) throws Exception {
      ApiKeys api = null;
      for (ApiKeys key : ApiKeys.values()) if (key.name.equals(name)) api = key;
      Object request = converter(name, "Request", "read", JsonNode.class).invoke(null, json, version);
      RequestHeader header = new RequestHeader(api, version, "wire", correlation++);
      ByteBuffer bytes = RequestUtils.serialize(
          header.data(), header.headerVersion(), (ApiMessage) request, version);
      if (socket == null) {
        String[] at = address.split(":");
        socket = new Socket(at[0], Integer.parseInt(at[1]));
        socket.setTcpNoDelay(true);
      }
      OutputStream out = socket.getOutputStream();
      ByteBuffer frame = ByteBuffer.allocate(4 + bytes.remaining());
      frame.putInt(bytes.remaining()).put(bytes);
      out.write(frame.array());
      out.flush();
      DataInputStream in = new DataInputStream(socket.getInputStream());
      byte[] answer = new byte[in.readInt()];
      in.readFully(answer);
      ByteBuffer rest = ByteBuffer.wrap(answer);
      ResponseHeader.parse(rest, api.responseHeaderVersion(version));
      ApiMessage response = ApiMessageType.fromApiKey(api.id).newResponse();
      response.read(new ByteBufferAccessor(rest), version);
      if (rest.hasRemaining()) throw new IllegalStateException(rest.remaining() + " bytes too many");
      Class<?> data = Class.forName("org.apache.kafka.common.message." + name + "ResponseData");
      return (JsonNode) converter(name, "Response", "write", data).invoke(null, response, version);
    }

    void close() {
      turns.shutdownNow();
      try {
        if (socket != null) socket.close();
      } catch (Exception e) {
        // It is gone either way.
      }
    }
  }

  static Method converter(String api, String kind, String verb, Class<?> from) throws Exception {
    return Class.forName("org.apache.kafka.common.message." + api + kind + "DataJsonConverter")
        .getMethod(verb, from, short.class);
  }
}
