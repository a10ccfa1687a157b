import CRocksDB

/// How RocksDB is tuned: for point reads and short scans over keys that begin with a store's number, within a fixed memory budget.
///
/// There is no prefix extractor: all keys of a store share the first four bytes, so a filter on them would never rule anything out, and scans across prefixes would need special care.
final class RocksDBSettings {
    let options = rocksdb_options_create()
    private let table = rocksdb_block_based_options_create()
    private let cache: OpaquePointer?

    init(memoryBudget: Int, compression: Int) {
        let budget = max(memoryBudget, 8 << 20)
        let writeBudget = budget / 3
        // RocksDB would split the cache into shards of half a megabyte, where the filter of one large file does not fit: it would be read and checked anew for every key.
        let cacheOptions = rocksdb_lru_cache_options_create()
        rocksdb_lru_cache_options_set_capacity(cacheOptions, budget - writeBudget)
        rocksdb_lru_cache_options_set_num_shard_bits(cacheOptions, 1)
        cache = rocksdb_cache_create_lru_opts(cacheOptions)
        rocksdb_lru_cache_options_destroy(cacheOptions)
        setTable()
        setMemory(writeBudget)
        setCompaction(writeBudget, compression)
        setHousekeeping()
    }

    deinit {
        rocksdb_options_destroy(options)
        rocksdb_block_based_options_destroy(table)
        rocksdb_cache_destroy(cache)
    }

    private func setTable() {
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
        // Otherwise index and filter blocks are memory beside the budget, growing with the data.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        rocksdb_block_based_options_set_format_version(table, TableFooter.version)
        let binarySearchAndHash: Int32 = 1
        rocksdb_block_based_options_set_data_block_index_type(table, binarySearchAndHash)
        rocksdb_options_set_block_based_table_factory(options, table)
    }

    /// The C interface cannot charge write buffers to the cache, so they have a bound of their own.
    private func setMemory(_ writeBudget: Int) {
        rocksdb_options_set_db_write_buffer_size(options, writeBudget)
        rocksdb_options_set_write_buffer_size(options, min(64 << 20, writeBudget / 2))
        rocksdb_options_set_max_write_buffer_number(options, 4)
        // Streams ask for many keys that are not there yet.
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.02)
        rocksdb_options_set_memtable_whole_key_filtering(options, 1)
    }

    private func setCompaction(_ writeBudget: Int, _ compression: Int) {
        rocksdb_options_set_compression(options, Int32(compression))
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        rocksdb_options_set_target_file_size_base(options, UInt64(min(64 << 20, writeBudget / 2)))
        rocksdb_options_set_max_background_jobs(options, 2)
        rocksdb_options_set_bytes_per_sync(options, 1 << 20)
    }

    private func setHousekeeping() {
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_paranoid_checks(options, 1)
        rocksdb_options_set_max_open_files(options, 512)
        rocksdb_options_set_keep_log_file_num(options, 2)
        rocksdb_options_set_max_log_file_size(options, 1 << 20)
        let warnings: Int32 = 2
        rocksdb_options_set_info_log_level(options, warnings)
        rocksdb_options_set_stats_dump_period_sec(options, 0)
    }
}
