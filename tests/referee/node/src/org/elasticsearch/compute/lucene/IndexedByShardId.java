package org.elasticsearch.compute.lucene;

/** What belongs to each shard; there are none here. */
public interface IndexedByShardId<T> {}
