package org.elasticsearch.xpack.core.inference.chunking;

/** Names that the function CHUNK, which nobody asks here, reads when all functions are listed. */
public enum ChunkingSettingsOptions {
    STRATEGY,
    MAX_CHUNK_SIZE,
    OVERLAP,
    SENTENCE_OVERLAP,
    SEPARATOR_GROUP,
    SEPARATORS
}
