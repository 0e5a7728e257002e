package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** A vector of Float. */
public interface FloatVector extends Vector, Releasable {
    float getFloat(int index);

    @Override
    FloatBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendFloat(float value);

        FloatVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendFloat(float value);

        FixedBuilder appendFloat(int position, float value);
    }

    /** The only one, over a block. */
    record Of(FloatBlock asBlock) implements FloatVector {
        @Override
        public float getFloat(int index) {
            return asBlock.getFloat(index);
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
    record Filled(FloatBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendFloat(float value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendFloat(int position, float value) {
            into.add(value);
            return this;
        }

        @Override
        public FloatVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
