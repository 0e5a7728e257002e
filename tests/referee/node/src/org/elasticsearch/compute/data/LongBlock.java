package org.elasticsearch.compute.data;


import java.util.List;

/** A block of Long. */
public interface LongBlock extends Block {
    long getLong(int index);

    boolean hasValue(int position, long value);

    @Override
    LongVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendLong(long value);

        Builder copyFrom(LongBlock block, int position);

        Builder copyFrom(LongBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        LongBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements LongBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public long getLong(int index) {
            return (Long) values.get(index);
        }

        @Override
        public boolean hasValue(int position, long value) {
            return holds(position, value);
        }

        @Override
        public LongVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<LongBlock, Filled> implements Builder {
        @Override
        public Filled appendLong(long value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(LongBlock block, int position) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(LongBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        LongBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
