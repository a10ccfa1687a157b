import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/**
 * What kafka-member runs, on Kafka Streams, so that one can go on where the other stopped.
 *
 *   java -cp $(kafka classpath) JavaNumbers.java SERVERS APP STATE-DIRECTORY classic|streams counts|windows|joined    until SIGTERM
 */
public class JavaNumbers {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[2]);
        settings.put("group.protocol", arguments[3]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "-1");
        settings.put("auto.offset.reset", "earliest");
        // Every count is told, as Millrace does.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> numbers = builder.stream("numbers", Consumed.with(Serdes.String(), Serdes.String()));
        KStream<String, Long> results = switch (arguments[4]) {
            case "windows" -> byEnding(numbers)
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(20), Duration.ofDays(1)))
                .count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("counts-by-time")
                    .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
                .toStream((windowed, count) -> windowed.key() + "@" + windowed.window().start());
            case "joined" -> {
                KTable<String, Long> once = count(byEnding(numbers), "counts-by-ending");
                KTable<String, Long> again = count(byEnding(numbers), "counts-again");
                yield once.outerJoin(again, (left, right) -> (left == null ? 0 : left) + (right == null ? 0 : right)).toStream();
            }
            default -> count(byEnding(numbers), "counts-by-ending").toStream();
        };
        results.to("counts", Produced.with(Serdes.String(), Serdes.Long()));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(
            CloseOptions.timeout(Duration.ofSeconds(30)).withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP))));
        streams.start();
        while (streams.state().isRunningOrRebalancing() || streams.state() == KafkaStreams.State.CREATED) Thread.sleep(100);
    }

    private static KGroupedStream<String, String> byEnding(KStream<String, String> numbers) {
        return numbers.groupBy((key, number) -> "" + Long.parseLong(number) % 100, Grouped.with(Serdes.String(), Serdes.String()));
    }

    private static KTable<String, Long> count(KGroupedStream<String, String> numbers, String store) {
        return numbers.count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(store)
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()));
    }
}
