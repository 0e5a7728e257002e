package org.elasticsearch.compute.data;

/** Types of blocks. */
public enum ElementType {
    BOOLEAN,
    INT,
    LONG,
    FLOAT,
    DOUBLE,
    NULL,
    BYTES_REF,
    DOC,
    COMPOSITE,
    UNKNOWN,
    AGGREGATE_METRIC_DOUBLE,
    EXPONENTIAL_HISTOGRAM,
    TDIGEST,
    LONG_RANGE;

    public Block.Builder newBlockBuilder(int positions, BlockFactory factory) {
        return switch (this) {
            case BOOLEAN -> new BooleanBlock.Filled();
            case INT -> new IntBlock.Filled();
            case LONG -> new LongBlock.Filled();
            case FLOAT -> new FloatBlock.Filled();
            case DOUBLE -> new DoubleBlock.Filled();
            case BYTES_REF -> new BytesRefBlock.Filled();
            case NULL -> new NullBlock(0).filler();
            default -> throw new UnsupportedOperationException(name());
        };
    }
}
