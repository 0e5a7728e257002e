package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** A vector of Long. */
public interface LongVector extends Vector, Releasable {
    long getLong(int index);

    @Override
    LongBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendLong(long value);

        LongVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendLong(long value);

        FixedBuilder appendLong(int position, long value);
    }

    /** The only one, over a block. */
    record Of(LongBlock asBlock) implements LongVector {
        @Override
        public long getLong(int index) {
            return asBlock.getLong(index);
        }

        @Override
        public int getPositionCount() {
            return asBlock.getPositionCount();
        }

        @Override
        public boolean isConstant() {
            return false;
        }

        @Override
        public BlockFactory blockFactory() {
            return BlockFactory.ONLY;
        }

        @Override
        public void incRef() {}

        @Override
        public void close() {}
    }

    /** The only one. */
    record Filled(LongBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendLong(long value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendLong(int position, long value) {
            into.add(value);
            return this;
        }

        @Override
        public LongVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
