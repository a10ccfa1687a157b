import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/**
 * The other side of BrokerDirectoryTests: what Kafka's own clients write to a broker and read from it, as lines of text.
 *
 *   java -cp $(kafka classpath) Probe.java SERVERS fill            writes topics of all kinds
 *   java -cp $(kafka classpath) Probe.java SERVERS read TOPIC ...  prints every committed record
 *   java -cp $(kafka classpath) Probe.java SERVERS append TOPIC .. appends a few records, also in transactions, then as read
 */
public class Probe {
    static final long START = 2_000_000_000_000L;
    static String servers;

    public static void main(String[] arguments) throws Exception {
        servers = arguments[0];
        List<String> topics = Arrays.asList(arguments).subList(2, arguments.length);
        switch (arguments[1]) {
            case "fill" -> fill();
            case "append" -> append(topics);
            default -> {}
        }
        if (arguments[1].equals("fill")) topics = List.of("kinds", "bank", "table", "keys");
        for (String topic : topics) print(topic);
        System.out.println("done");
        System.out.flush();
        // The clients' threads need not end first.
        Runtime.getRuntime().halt(0);
    }

    static KafkaProducer<String, String> producer(String... settings) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.put("linger.ms", "1000");
        for (int i = 0; i < settings.length; i += 2) properties.put(settings[i], settings[i + 1]);
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    static ProducerRecord<String, String> record(String topic, Integer partition, long time, String key, String value) {
        return new ProducerRecord<>(topic, partition, START + time, key, value);
    }

    static void fill() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.BROKER, ""), List.of(
                new AlterConfigOp(new ConfigEntry("log.cleaner.backoff.ms", "100"), AlterConfigOp.OpType.SET)))).all().get();
            // Times grow by more than this from batch to batch, so that each begins a segment.
            // They lie behind the present, so that the present time of a transaction's marker does not delay that.
            Map<String, String> rolling = Map.of("segment.ms", "5000", "message.timestamp.after.max.ms", "" + Long.MAX_VALUE);
            Map<String, String> table = new HashMap<>(rolling);
            table.putAll(Map.of("cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.01"));
            admin.createTopics(List.of(
                new NewTopic("kinds", 2, (short) 1).configs(rolling), new NewTopic("bank", 1, (short) 1).configs(rolling),
                new NewTopic("table", 1, (short) 1).configs(table), new NewTopic("keys", 7, (short) 1).configs(rolling),
                new NewTopic("ours", 1, (short) 1).configs(rolling), new NewTopic("cleaned", 1, (short) 1).configs(rolling))).all().get();
            fillKinds();
            fillBank();
            fillTable();
            fillKeys();
            admin.deleteRecords(Map.of(new TopicPartition("kinds", 1), RecordsToDelete.beforeOffset(9))).all().get();
        }
        awaitCompaction();
    }

    static void fillKinds() throws Exception {
        long time = 0;
        for (int round = 0; round < 2; round++)
            for (String compression : List.of("none", "gzip", "snappy", "lz4", "zstd"))
                try (KafkaProducer<String, String> producer = producer("compression.type", compression)) {
                    for (int i = 0; i < 20; i++) {
                        ProducerRecord<String, String> record = record(
                            "kinds", i % 2, time + i, i % 5 == 0 ? null : "key" + i, i % 7 == 0 ? null : compression.repeat(i + 1));
                        if (i % 3 == 0) {
                            record.headers().add("round", ("" + round).getBytes(StandardCharsets.UTF_8));
                            record.headers().add(new RecordHeader("none", (byte[]) null));
                        }
                        producer.send(record);
                    }
                    time += 4000;
                }
    }

    /** Transactions that commit, abort, lie side by side, span segments, and one that never ends. */
    static void fillBank() throws Exception {
        KafkaProducer<String, String> first = producer("transactional.id", "first", "linger.ms", "0");
        KafkaProducer<String, String> second = producer("transactional.id", "second", "linger.ms", "0");
        KafkaProducer<String, String> plain = producer("linger.ms", "0");
        first.initTransactions();
        second.initTransactions();
        for (int round = 0; round < 6; round++) {
            first.beginTransaction();
            second.beginTransaction();
            for (int step = 0; step < 3; step++) {
                long time = (round * 3 + step) * 3000L;
                first.send(record("bank", 0, time, "first", round + "." + step)).get();
                second.send(record("bank", 0, time, "second", round + "." + step)).get();
                plain.send(record("bank", 0, time, "plain", round + "." + step)).get();
            }
            if (round % 3 == 1) first.abortTransaction(); else first.commitTransaction();
            if (round % 3 == 2) second.commitTransaction(); else second.abortTransaction();
        }
        plain.send(record("bank", 0, 70_000, "plain", "before the end")).get();
        second.beginTransaction();
        second.send(record("bank", 0, 70_001, "second", "never ended")).get();
        plain.send(record("bank", 0, 70_002, "plain", "behind it")).get();
    }

    static void fillTable() throws Exception {
        try (KafkaProducer<String, String> producer = producer("compression.type", "lz4")) {
            for (int i = 0; i < 300; i++) {
                producer.send(record("table", 0, i * 100L, "key" + i % 20, i % 60 > 55 ? null : "value" + i));
                if (i % 50 == 49) producer.flush();
            }
        }
    }

    static void fillKeys() throws Exception {
        Random random = new Random(7);
        try (KafkaProducer<String, String> producer = producer()) {
            for (int i = 0; i < 300; i++) {
                StringBuilder key = new StringBuilder();
                for (int letters = i % 23; letters > 0; letters--) key.append((char) (random.nextBoolean() ? 'a' + random.nextInt(26) : 0xE0 + random.nextInt(0x1000)));
                producer.send(record("keys", null, i, key.toString(), "" + i));
            }
        }
    }

    static void awaitCompaction() throws Exception {
        int last = 0;
        for (int tries = 0; tries < 60; tries++) {
            int count = read("table").size();
            if (count < 150 && count == last) return;
            last = count;
            Thread.sleep(500);
        }
        throw new IllegalStateException("the table was not compacted");
    }

    static void append(List<String> topics) throws Exception {
        try (KafkaProducer<String, String> plain = producer("linger.ms", "0");
             KafkaProducer<String, String> transactional = producer("linger.ms", "0", "transactional.id", "appender")) {
            transactional.initTransactions();
            for (String topic : topics) {
                for (int i = 0; i < 3; i++) plain.send(record(topic, 0, 90_000 + i, "more" + i, "plain")).get();
                transactional.beginTransaction();
                transactional.send(record(topic, 0, 90_010, "aborted", "aborted")).get();
                transactional.abortTransaction();
                transactional.beginTransaction();
                transactional.send(record(topic, 0, 90_020, "committed", "committed")).get();
                transactional.commitTransaction();
            }
        }
    }

    static List<ConsumerRecord<byte[], byte[]>> read(String topic) {
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", servers, "isolation.level", "read_committed", "auto.offset.reset", "none", "check.crcs", "true");
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                 new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).collect(Collectors.toList());
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p)))
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) found.add(record);
        }
        return found;
    }

    static void print(String topic) {
        StringBuilder text = new StringBuilder();
        for (ConsumerRecord<byte[], byte[]> r : read(topic)) {
            text.append(topic).append(' ').append(r.partition()).append(' ').append(r.offset()).append(' ').append(r.timestamp());
            text.append(' ').append(hex(r.key())).append(' ').append(hex(r.value()));
            for (var h : r.headers()) text.append(' ').append(h.key()).append('=').append(hex(h.value()));
            text.append('\n');
        }
        System.out.print(text);
    }

    static String hex(byte[] bytes) {
        return bytes == null ? "null" : "x" + HexFormat.of().formatHex(bytes);
    }
}
