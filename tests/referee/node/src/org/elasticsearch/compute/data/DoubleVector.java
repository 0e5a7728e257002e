package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** A vector of Double. */
public interface DoubleVector extends Vector, Releasable {
    double getDouble(int index);

    @Override
    DoubleBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendDouble(double value);

        DoubleVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendDouble(double value);

        FixedBuilder appendDouble(int position, double value);
    }

    /** The only one, over a block. */
    record Of(DoubleBlock asBlock) implements DoubleVector {
        @Override
        public double getDouble(int index) {
            return asBlock.getDouble(index);
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
    record Filled(DoubleBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendDouble(double value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendDouble(int position, double value) {
            into.add(value);
            return this;
        }

        @Override
        public DoubleVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
