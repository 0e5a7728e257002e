package org.elasticsearch.compute.data;


import java.util.List;

/** A block of Float. */
public interface FloatBlock extends Block {
    float getFloat(int index);

    boolean hasValue(int position, float value);

    @Override
    FloatVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendFloat(float value);

        Builder copyFrom(FloatBlock block, int position);

        Builder copyFrom(FloatBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        FloatBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements FloatBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public float getFloat(int index) {
            return (Float) values.get(index);
        }

        @Override
        public boolean hasValue(int position, float value) {
            return holds(position, value);
        }

        @Override
        public FloatVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<FloatBlock, Filled> implements Builder {
        @Override
        public Filled appendFloat(float value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(FloatBlock block, int position) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(FloatBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        FloatBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
