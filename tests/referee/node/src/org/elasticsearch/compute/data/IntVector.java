package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** A vector of Int. */
public interface IntVector extends Vector, Releasable {
    int getInt(int index);

    @Override
    IntBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendInt(int value);

        IntVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendInt(int value);

        FixedBuilder appendInt(int position, int value);
    }

    /** The only one, over a block. */
    record Of(IntBlock asBlock) implements IntVector {
        @Override
        public int getInt(int index) {
            return asBlock.getInt(index);
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
    record Filled(IntBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendInt(int value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendInt(int position, int value) {
            into.add(value);
            return this;
        }

        @Override
        public IntVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
