import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * ConfigChecks FILE: what Kafka's broker says of settings at its start. Each line of FILE is an object of
 * names and values; each line of the output is `ok`, or the class and the message of what was thrown.
 */
public class ConfigChecks {
  public static void main(String[] args) throws Exception {
    // By reflection: the class path to compile against is that of the tools.
    var config = Class.forName("kafka.server.KafkaConfig").getMethod("fromProps", Properties.class);
    var mapper = new ObjectMapper();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      Properties properties = new Properties();
      JsonNode given = mapper.readTree(line);
      given.fields().forEachRemaining(one -> properties.put(one.getKey(), one.getValue().asText()));
      String said = "ok";
      try {
        config.invoke(null, properties);
      } catch (java.lang.reflect.InvocationTargetException thrown) {
        Throwable cause = thrown.getCause();
        said = cause.getClass().getSimpleName() + ": " + cause.getMessage();
      }
      System.out.println(said.replace("\n", " "));
    }
  }
}
