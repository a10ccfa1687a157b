// `.bigEndian` is the serde of every integer type, so it does not say which one. These do, for places where nothing else tells the type:
// `.keyValue("counts", key: .string, value: .int64)`.

extension Serde where Value == Int {
    /// 8 bytes, big-endian, on every platform. Kafka: `Serdes.Long()`.
    @inlinable public static var int: Serde<Int> { .bigEndian }
}

extension Serde where Value == Int64 {
    /// 8 bytes, big-endian. Kafka: `Serdes.Long()`.
    @inlinable public static var int64: Serde<Int64> { .bigEndian }
}

extension Serde where Value == Int32 {
    /// 4 bytes, big-endian. Kafka: `Serdes.Integer()`.
    @inlinable public static var int32: Serde<Int32> { .bigEndian }
}

extension Serde where Value == Int16 {
    /// 2 bytes, big-endian. Kafka: `Serdes.Short()`.
    @inlinable public static var int16: Serde<Int16> { .bigEndian }
}

extension Serde where Value == Double {
    /// The bits of the number, 8 bytes, big-endian. Kafka: `Serdes.Double()`.
    public static var double: Serde<Double> { Double.serde }
}

extension Serde where Value == Float {
    /// The bits of the number, 4 bytes, big-endian. Kafka: `Serdes.Float()`.
    public static var float: Serde<Float> { Float.serde }
}

extension Serde where Value == Bool {
    /// One byte, 1 or 0; any other is an error. Kafka: `Serdes.Boolean()`.
    public static var bool: Serde<Bool> { Bool.serde }
}
