import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler;
import software.amazon.msk.auth.iam.internals.AWS4SignedPayloadGenerator;
import software.amazon.msk.auth.iam.internals.AuthenticationRequestParams;

public class Record {
  static final String KEY = "AKIAIOSFODNN7EXAMPLE";
  static final String SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  static final String TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//+token==";

  public static void main(String[] args) throws Exception {
    message("b-1.demo.abc.c2.kafka.us-east-1.amazonaws.com", AwsBasicCredentials.create(KEY, SECRET));
    message("localhost", AwsSessionCredentials.create(KEY, SECRET, TOKEN));
    System.setProperty("aws.accessKeyId", KEY);
    System.setProperty("aws.secretAccessKey", SECRET);
    token();
    System.setProperty("aws.sessionToken", TOKEN);
    token();
  }

  static void message(String host, AwsCredentials credentials) throws Exception {
    var params = AuthenticationRequestParams.create(host, credentials, "aws-msk-iam-auth");
    var message = new String(new AWS4SignedPayloadGenerator().signedPayload(params));
    var date = new ObjectMapper().readTree(message).get("x-amz-date").asText();
    var format = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    var signedAtMs = ZonedDateTime.parse(date, format).toInstant().toEpochMilli();
    print("AWS_MSK_IAM", signedAtMs + 900_000, message);
  }

  static void token() throws Exception {
    var handler = new IAMOAuthBearerLoginCallbackHandler();
    var flag = AppConfigurationEntry.LoginModuleControlFlag.REQUIRED;
    handler.configure(
        Map.of(), "OAUTHBEARER", List.of(new AppConfigurationEntry("login", flag, Map.of())));
    var callback = new OAuthBearerTokenCallback();
    handler.handle(new Callback[] {callback});
    print("OAUTHBEARER", callback.token().lifetimeMs(), callback.token().value());
  }

  static void print(String mechanism, long expiresAtMs, String message) throws Exception {
    var line = new LinkedHashMap<String, Object>();
    line.put("signer", "aws-msk-iam-auth 2.3.0");
    line.put("mechanism", mechanism);
    line.put("expiresAtMs", expiresAtMs);
    line.put("message", message);
    System.out.println(new ObjectMapper().writeValueAsString(line));
  }
}
