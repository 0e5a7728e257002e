package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** A vector of Boolean. */
public interface BooleanVector extends Vector, Releasable {
    boolean getBoolean(int index);

    @Override
    BooleanBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendBoolean(boolean value);

        BooleanVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendBoolean(boolean value);

        FixedBuilder appendBoolean(int position, boolean value);
    }

    /** The only one, over a block. */
    record Of(BooleanBlock asBlock) implements BooleanVector {
        @Override
        public boolean getBoolean(int index) {
            return asBlock.getBoolean(index);
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
    record Filled(BooleanBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendBoolean(boolean value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendBoolean(int position, boolean value) {
            into.add(value);
            return this;
        }

        @Override
        public BooleanVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
