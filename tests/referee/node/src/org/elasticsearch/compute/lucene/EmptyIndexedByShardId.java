package org.elasticsearch.compute.lucene;

/** Nothing of no shard. */
public final class EmptyIndexedByShardId {
    private EmptyIndexedByShardId() {}

    public static <T> IndexedByShardId<T> instance() {
        return new IndexedByShardId<>() {};
    }
}
