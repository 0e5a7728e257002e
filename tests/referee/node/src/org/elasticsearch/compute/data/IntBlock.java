package org.elasticsearch.compute.data;


import java.util.List;

/** A block of Int. */
public interface IntBlock extends Block {
    int getInt(int index);

    boolean hasValue(int position, int value);

    @Override
    IntVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendInt(int value);

        Builder copyFrom(IntBlock block, int position);

        Builder copyFrom(IntBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        IntBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements IntBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public int getInt(int index) {
            return (Integer) values.get(index);
        }

        @Override
        public boolean hasValue(int position, int value) {
            return holds(position, value);
        }

        @Override
        public IntVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<IntBlock, Filled> implements Builder {
        @Override
        public Filled appendInt(int value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(IntBlock block, int position) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(IntBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        IntBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
