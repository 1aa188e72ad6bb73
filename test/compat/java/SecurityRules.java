import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.security.ssl.SslPrincipalMapper;

/** Reads a case a line, its parts in base64, and answers each with a line of base64. */
public class SecurityRules {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            for (int i = 1; i < parts.length; i++) {
                byte[] bytes = Base64.getDecoder().decode(parts[i]);
                parts[i] = new String(bytes, parts[0].equals("subject") ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
            }
            String answer;
            try {
                answer = answerTo(parts);
            } catch (Exception e) {
                answer = "!" + (e instanceof IllegalArgumentException ? e.getMessage() : e.getClass().getSimpleName());
            }
            System.out.println(Base64.getEncoder().encodeToString(answer.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static String answerTo(String[] parts) throws Exception {
        switch (parts[0]) {
            case "map":
                return SslPrincipalMapper.fromRules(parts[1]).getName(parts[2]);
            case "jaas": {
                Map<String, Object> configs = Map.of("plain.sasl.jaas.config", new Password(parts[1]));
                JaasContext context = JaasContext.loadServerContext(new ListenerName("x"), "PLAIN", configs);
                AppConfigurationEntry entry = context.configurationEntries().get(0);
                return entry.getLoginModuleName() + new TreeMap<>(entry.getOptions());
            }
            case "subject": {
                byte[] der = parts[1].getBytes(StandardCharsets.ISO_8859_1);
                CertificateFactory factory = CertificateFactory.getInstance("X.509");
                X509Certificate certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
                return certificate.getSubjectX500Principal().getName();
            }
            default:
                throw new IllegalStateException(parts[0]);
        }
    }
}
