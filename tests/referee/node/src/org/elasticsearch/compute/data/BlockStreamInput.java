package org.elasticsearch.compute.data;

import org.elasticsearch.common.io.stream.StreamInput;

/** Named in signatures only; nothing is read from another node here. */
public abstract class BlockStreamInput extends StreamInput {}
