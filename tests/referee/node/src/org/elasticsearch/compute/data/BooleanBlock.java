package org.elasticsearch.compute.data;


import java.util.List;

/** A block of Boolean. */
public interface BooleanBlock extends Block {
    boolean getBoolean(int index);

    boolean hasValue(int position, boolean value);

    ToMask toMask();

    @Override
    BooleanVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendBoolean(boolean value);

        Builder copyFrom(BooleanBlock block, int position);

        Builder copyFrom(BooleanBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        BooleanBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements BooleanBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public boolean getBoolean(int index) {
            return (Boolean) values.get(index);
        }

        @Override
        public boolean hasValue(int position, boolean value) {
            return holds(position, value);
        }

        @Override
        public ToMask toMask() {
            Filled mask = new Filled();
            for (int position = 0; position < getPositionCount(); position++) {
                mask.appendBoolean(getValueCount(position) == 1 && getBoolean(getFirstValueIndex(position)));
            }
            return new ToMask(new BooleanVector.Of(mask.build()), doesHaveMultivaluedFields());
        }

        @Override
        public BooleanVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<BooleanBlock, Filled> implements Builder {
        @Override
        public Filled appendBoolean(boolean value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(BooleanBlock block, int position) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(BooleanBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        BooleanBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
