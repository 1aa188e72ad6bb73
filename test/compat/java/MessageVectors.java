import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * MessageVectors SEED RANDOM-CASES FILE.jsonl.gz: every message of the Kafka on the class path, in every version,
 * filled with edge and random values and written by its own generated class. One JSON object a line: message, version,
 * json, hex. `json` is what the message's JsonConverter writes, with three differences: bytes of records in base64 (the
 * converter leaves them out), longs beyond 2^53 as strings, and unknown tagged fields under "~tags".
 */
public class MessageVectors {
    static final ObjectMapper MAPPER = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    static final JsonNodeFactory NODES = MAPPER.getNodeFactory();
    static final String TAGS = "~tags";
    /** Fields that are 64 bits and not a number to count with. */
    static final List<String> HASHES = List.of("metadataHash");
    static final long EXACT = 1L << 53;

    /** How a message is filled. */
    enum Fill { EMPTY, LOWEST, HIGHEST, RANDOM }

    final Random random;
    final Fill fill;
    final boolean withUnknownTags;
    /** Where nothing random is left, long texts would only make the file long. */
    int longTextsLeft = 1;

    MessageVectors(long seed, Fill fill, boolean withUnknownTags) {
        this.random = new Random(seed);
        this.fill = fill;
        this.withUnknownTags = withUnknownTags;
    }

    public static void main(String[] args) throws Exception {
        long seed = Long.parseLong(args[0]);
        int randomCases = Integer.parseInt(args[1]);
        int lines = 0;
        try (BufferedWriter out = new BufferedWriter(new OutputStreamWriter(
                 new GZIPOutputStream(new FileOutputStream(args[2])) {{ def.setLevel(9); }}, StandardCharsets.US_ASCII))) {
            for (String name : messageClasses()) {
                Class<?> data = Class.forName(name);
                short lowest = data.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
                short highest = data.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
                for (short version = lowest; version <= highest; version++) {
                    for (String line : vectors(data, version, seed, randomCases)) {
                        out.write(line);
                        out.write('\n');
                        lines++;
                    }
                }
            }
        }
        System.out.println(lines + " vectors of seed " + seed);
    }

    /** All classes that have a JsonConverter beside them, by name. */
    static TreeSet<String> messageClasses() throws Exception {
        TreeSet<String> names = new TreeSet<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!new File(entry).getName().startsWith("kafka")) continue;
            try (JarFile jar = new JarFile(entry)) {
                jar.stream().map(file -> file.getName()).forEach(file -> {
                    if (file.endsWith("JsonConverter.class") && !file.contains("$")) {
                        names.add(file.replaceAll("JsonConverter.class$", "").replace('/', '.'));
                    }
                });
            }
        }
        return names;
    }

    static List<String> vectors(Class<?> data, short version, long seed, int randomCases) throws Exception {
        Schema schema = ((Schema[]) data.getField("SCHEMAS").get(null))[version];
        List<String> lines = new ArrayList<>();
        long base = seed * 1_000_003 + (data.getName() + version).hashCode();
        lines.add(untouched(data, version));
        for (Fill fill : List.of(Fill.EMPTY, Fill.LOWEST, Fill.HIGHEST)) {
            lines.add(new MessageVectors(base, fill, false).vector(data, schema, version));
        }
        for (int i = 0; i < randomCases; i++) {
            lines.add(random(data, schema, version, base + 31L * (i + 1), i % 2 == 1));
        }
        List<String> distinct = new ArrayList<>();
        for (String line : lines) if (line != null && !distinct.contains(line)) distinct.add(line);
        return distinct;
    }

    /** An unknown tag may be one that a later version knows: the class refuses it, so the dice are thrown again. */
    static String random(Class<?> data, Schema schema, short version, long seed, boolean withUnknownTags) throws Exception {
        while (true) {
            try {
                return new MessageVectors(seed, Fill.RANDOM, withUnknownTags).vector(data, schema, version);
            } catch (InvocationTargetException e) {
                if (!String.valueOf(e.getCause().getMessage()).contains("is not valid for version")) throw e;
                seed++;
            }
        }
    }

    /** The message as its class starts out: every field at its declared default. Null where that cannot be written. */
    static String untouched(Class<?> data, short version) throws Exception {
        Message message = (Message) data.getConstructor().newInstance();
        try {
            return line(message, version, null);
        } catch (InvocationTargetException | NullPointerException | org.apache.kafka.common.errors.UnsupportedVersionException e) {
            return null;
        }
    }

    String vector(Class<?> data, Schema schema, short version) throws Exception {
        ObjectNode input = struct(schema, data, 0);
        Class<?> converter = Class.forName(data.getName() + "JsonConverter");
        Message message = (Message) converter.getMethod("read", JsonNode.class, short.class).invoke(null, input, version);
        setUnknownTags(message, input);
        return line(message, version, input);
    }

    static String line(Message message, short version, ObjectNode input) throws Exception {
        Class<?> data = message.getClass();
        byte[] bytes = bytes(message, version);
        Constructor<?> reader = data.getConstructor(Readable.class, short.class);
        Message back = (Message) reader.newInstance(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
        if (!Arrays.equals(bytes, bytes(back, version))) throw new IllegalStateException(data + " " + version + ": read back");
        Class<?> converter = Class.forName(data.getName() + "JsonConverter");
        JsonNode json = (JsonNode) converter.getMethod("write", data, short.class, boolean.class).invoke(null, message, version, true);
        json = MAPPER.readTree(MAPPER.writeValueAsBytes(json));
        if (input != null) addWhatTheConverterLeavesOut(json, input);
        ObjectNode line = MAPPER.createObjectNode();
        line.put("message", data.getSimpleName().replaceAll("Data$", ""));
        if (data.getSimpleName().equals("QuorumStateData") || data.getSimpleName().equals("DefaultPrincipalData")) {
            line.put("message", data.getSimpleName());
        }
        line.put("version", version);
        line.set("json", withoutBigLongs(json));
        line.put("hex", HexFormat.of().formatHex(bytes));
        return MAPPER.writeValueAsString(line);
    }

    static byte[] bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("size");
        return buffer.array();
    }

    ObjectNode struct(Schema schema, Class<?> data, int depth) throws Exception {
        ObjectNode object = MAPPER.createObjectNode();
        Map<String, java.lang.reflect.Field> members = new HashMap<>();
        for (java.lang.reflect.Field member : data.getDeclaredFields()) {
            if (!Modifier.isStatic(member.getModifiers())) members.put(plain(member.getName()), member);
        }
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                for (Field one : new TreeMap<>(tagged.fields()).values()) {
                    if (fill != Fill.EMPTY && (fill != Fill.RANDOM || random.nextInt(3) > 0)) put(object, one, members, depth);
                }
                if (withUnknownTags && random.nextInt(depth + 1) == 0) object.set(TAGS, unknownTags(tagged));
            } else put(object, field.def, members, depth);
        }
        return object;
    }

    static String plain(String name) {
        return name.replace("_", "").toLowerCase();
    }

    void put(ObjectNode object, Field field, Map<String, java.lang.reflect.Field> members, int depth) throws Exception {
        java.lang.reflect.Field member = members.get(plain(field.name));
        object.set(member.getName(), value(field.type, member.getName(), member.getGenericType(), depth));
    }

    JsonNode value(Type type, String name, java.lang.reflect.Type member, int depth) throws Exception {
        if (type.isNullable() && (fill == Fill.EMPTY || fill == Fill.LOWEST || fill == Fill.RANDOM && random.nextInt(4) == 0)) {
            return NullNode.instance;
        }
        if (type.isArray()) {
            ArrayNode array = NODES.arrayNode();
            int most = depth < 2 ? 3 : 2;
            int size = fill == Fill.EMPTY ? 0 : fill == Fill.LOWEST ? 1 : fill == Fill.HIGHEST ? 2 : random.nextInt(most + 1);
            java.lang.reflect.Type element = elementOf(member);
            for (int i = 0; i < size; i++) array.add(value(type.arrayElementType().get(), name, element, depth + 1));
            return array;
        }
        if (type instanceof Schema schema) return struct(schema, (Class<?>) member, depth + 1);
        String kind = ((Type.DocumentedType) type).typeName().replace("COMPACT_", "").replace("NULLABLE_", "");
        switch (kind) {
            case "BOOLEAN": return NODES.booleanNode(fill == Fill.HIGHEST || fill == Fill.RANDOM && random.nextBoolean());
            case "INT8": return NODES.numberNode((int) number(Byte.MIN_VALUE, Byte.MAX_VALUE));
            case "INT16": return NODES.numberNode((int) number(Short.MIN_VALUE, Short.MAX_VALUE));
            case "UINT16": return NODES.numberNode((int) number(0, 0xffff));
            case "INT32": return NODES.numberNode((int) number(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "UINT32", "UNSIGNED_INT32": return NODES.numberNode(number(0, 0xffffffffL));
            case "INT64": return NODES.numberNode(int64(HASHES.contains(name)));
            case "FLOAT64": return NODES.numberNode(float64());
            case "STRING": return NODES.textNode(text());
            case "UUID": return NODES.textNode(uuid().toString());
            case "BYTES", "RECORDS": return NODES.binaryNode(bytes());
            default: throw new IllegalStateException("a type that is not known: " + kind);
        }
    }

    static java.lang.reflect.Type elementOf(java.lang.reflect.Type member) {
        if (member instanceof ParameterizedType list) return list.getActualTypeArguments()[0];
        return ((ParameterizedType) ((Class<?>) member).getGenericSuperclass()).getActualTypeArguments()[0];
    }

    long number(long min, long max) {
        switch (fill) {
            case EMPTY: return 0;
            case LOWEST: return min;
            case HIGHEST: return max;
            default: return switch (random.nextInt(6)) {
                case 0 -> Math.max(min, -1);
                case 1 -> random.nextBoolean() ? min : max;
                case 2 -> random.nextInt(100);
                default -> min + random.nextLong(max - min + 1);
            };
        }
    }

    long int64(boolean anyBits) {
        if (fill == Fill.LOWEST) return Long.MIN_VALUE;
        if (fill == Fill.HIGHEST) return Long.MAX_VALUE;
        if (fill == Fill.EMPTY) return 0;
        if (anyBits) return random.nextLong();
        long[] edges = {-1, EXACT, -EXACT, EXACT - 1, 1L << 32, (1L << 32) - 1, 1L << 31, -(1L << 31) - 1, -(1L << 32)};
        return switch (random.nextInt(4)) {
            case 0 -> edges[random.nextInt(edges.length)];
            case 1 -> random.nextInt(1000);
            default -> random.nextLong(2 * EXACT + 1) - EXACT;
        };
    }

    double float64() {
        if (fill == Fill.EMPTY) return 0;
        if (fill == Fill.LOWEST) return -Double.MAX_VALUE;
        if (fill == Fill.HIGHEST) return Double.MAX_VALUE;
        double[] edges = {-0.0, Double.MIN_VALUE, 1, -1, 0.1, 1e300};
        return random.nextBoolean() ? edges[random.nextInt(edges.length)] : random.nextGaussian() * 1e6;
    }

    String text() {
        String[] some = {"a", "topic-1", "\u00e9\u00df", "\u65e5\u672c\u8a9e", "\ud83d\udc1b", "\u0000", "\ufeffbom", "tab\t\"quote\"\\", "\u007f\u0080\u07ff\u0800\uffff"};
        switch (fill) {
            case EMPTY, LOWEST: return "";
            case HIGHEST: return longTextsLeft-- > 0 ? "\ud83d\udc1b\u00e9x".repeat(50) : "\uffff";
            default:
                if (random.nextInt(40) == 0 && longTextsLeft-- > 0) return "y".repeat(100 + random.nextInt(200));
                return random.nextInt(8) == 0 ? "" : some[random.nextInt(some.length)] + (random.nextBoolean() ? "" : random.nextInt(1000));
        }
    }

    Uuid uuid() {
        if (fill == Fill.EMPTY) return Uuid.ZERO_UUID;
        if (fill == Fill.LOWEST) return new Uuid(Long.MIN_VALUE, 0);
        if (fill == Fill.HIGHEST) return new Uuid(-1, -1);
        return random.nextInt(6) == 0 ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
    }

    byte[] bytes() {
        if (fill == Fill.EMPTY || fill == Fill.LOWEST) return new byte[0];
        byte[] bytes = new byte[fill == Fill.HIGHEST ? 130 : random.nextInt(20)];
        if (fill == Fill.HIGHEST) Arrays.fill(bytes, (byte) 0xff);
        else random.nextBytes(bytes);
        return bytes;
    }

    /** Tagged fields of a release to come: any numbers that this one does not use, also between those that it does. */
    ArrayNode unknownTags(TaggedFields tagged) {
        TreeSet<Integer> numbers = new TreeSet<>();
        for (int i = 1 + random.nextInt(2); i > 0; i--) numbers.add(random.nextBoolean() ? random.nextInt(12) : random.nextInt(40_000));
        numbers.removeAll(tagged.fields().keySet());
        ArrayNode array = NODES.arrayNode();
        for (int tag : numbers) {
            byte[] bytes = new byte[random.nextInt(8) == 0 ? 200 : random.nextInt(6)];
            random.nextBytes(bytes);
            array.add(NODES.arrayNode().add(tag).add(HexFormat.of().formatHex(bytes)));
        }
        return array;
    }

    static void setUnknownTags(Message message, JsonNode input) throws Exception {
        for (Iterator<String> names = input.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            JsonNode value = input.get(name);
            if (name.equals(TAGS)) {
                for (JsonNode one : value) {
                    byte[] bytes = HexFormat.of().parseHex(one.get(1).asText());
                    message.unknownTaggedFields().add(new RawTaggedField(one.get(0).asInt(), bytes));
                }
            } else if (value.isObject()) {
                setUnknownTags((Message) message.getClass().getMethod(name).invoke(message), value);
            } else if (value.isArray() && !value.isEmpty() && value.get(0).isObject()) {
                int i = 0;
                for (Object one : (Iterable<?>) message.getClass().getMethod(name).invoke(message)) setUnknownTags((Message) one, value.get(i++));
            }
        }
    }

    static void addWhatTheConverterLeavesOut(JsonNode output, JsonNode input) throws Exception {
        for (int i = 0; input.isArray() && i < input.size(); i++) addWhatTheConverterLeavesOut(output.get(i), input.get(i));
        for (Iterator<String> names = input.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            JsonNode was = input.get(name);
            JsonNode is = output.get(name);
            if (name.equals(TAGS)) ((ObjectNode) output).set(name, was);
            else if (is != null && was.isBinary() && is.asText().isEmpty()) ((ObjectNode) output).put(name, was.binaryValue());
            else if (is != null) addWhatTheConverterLeavesOut(is, was);
        }
    }

    /** Programs that read numbers of JSON as doubles would not see the difference of two big ones. */
    static JsonNode withoutBigLongs(JsonNode node) {
        if (node.isIntegralNumber() && Math.abs((double) node.asLong()) > EXACT) return NODES.textNode(node.asText());
        if (node.isArray()) {
            ArrayNode array = NODES.arrayNode();
            for (JsonNode one : node) array.add(withoutBigLongs(one));
            return array;
        }
        if (!node.isObject()) return node;
        ObjectNode object = NODES.objectNode();
        node.fieldNames().forEachRemaining(name -> object.set(name, withoutBigLongs(node.get(name))));
        return object;
    }
}
