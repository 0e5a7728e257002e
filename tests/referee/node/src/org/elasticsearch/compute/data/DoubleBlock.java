package org.elasticsearch.compute.data;


import java.util.List;

/** A block of Double. */
public interface DoubleBlock extends Block {
    double getDouble(int index);

    boolean hasValue(int position, double value);

    @Override
    DoubleVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendDouble(double value);

        Builder copyFrom(DoubleBlock block, int position);

        Builder copyFrom(DoubleBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        DoubleBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements DoubleBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public double getDouble(int index) {
            return (Double) values.get(index);
        }

        @Override
        public boolean hasValue(int position, double value) {
            return holds(position, value);
        }

        @Override
        public DoubleVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<DoubleBlock, Filled> implements Builder {
        @Override
        public Filled appendDouble(double value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(DoubleBlock block, int position) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(DoubleBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        DoubleBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
