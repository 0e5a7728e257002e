package org.elasticsearch.compute.data;


import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.util.BytesRef;

/** A block of any type: the values in one list, and where those of each position begin. */
abstract class Cells implements Block {
    final List<Object> values;
    final int[] starts;

    Cells(List<Object> values, int[] starts) {
        this.values = values;
        this.starts = starts;
    }

    @Override
    public boolean areAllValuesNull() {
        return values.isEmpty();
    }

    @Override
    public BlockFactory blockFactory() {
        return BlockFactory.ONLY;
    }

    @Override
    public boolean doesHaveMultivaluedFields() {
        for (int position = 0; position < getPositionCount(); position++) {
            if (getValueCount(position) > 1) {
                return true;
            }
        }
        return false;
    }

    @Override
    public Block filter(boolean mayHaveNulls, int... positions) {
        Filler<?, ?> filler = filler();
        for (int position : positions) {
            filler.copy(this, position);
        }
        return filler.build();
    }

    abstract Filler<?, ?> filler();

    @Override
    public int getFirstValueIndex(int position) {
        return starts[position];
    }

    @Override
    public int getPositionCount() {
        return starts.length - 1;
    }

    @Override
    public int getTotalValueCount() {
        return values.size();
    }

    @Override
    public int getValueCount(int position) {
        return starts[position + 1] - starts[position];
    }

    @Override
    public boolean isNull(int position) {
        return getValueCount(position) == 0;
    }

    @Override
    public boolean mayHaveMultivaluedFields() {
        return doesHaveMultivaluedFields();
    }

    @Override
    public boolean mayHaveNulls() {
        return true;
    }

    @Override
    public boolean mvSortedAscending() {
        return false;
    }

    boolean holds(int position, Object value) {
        return values.subList(starts[position], starts[position + 1]).contains(value);
    }

    @Override
    public void close() {}

    @Override
    public void incRef() {}

    @Override
    public boolean tryIncRef() {
        return true;
    }

    @Override
    public boolean decRef() {
        return false;
    }

    @Override
    public boolean hasReferences() {
        return true;
    }

    /** Fills a block of any type; S is the class itself, which each step gives back. */
    abstract static class Filler<B extends Block, S extends Filler<B, S>> implements Block.Builder {
        private final List<Object> values = new ArrayList<>();
        private final List<Integer> starts = new ArrayList<>(List.of(0));
        private boolean open;

        void add(Object value) {
            values.add(value instanceof BytesRef bytes ? BytesRef.deepCopyOf(bytes) : value);
            if (!open) {
                starts.add(values.size());
            }
        }

        @Override
        public S appendNull() {
            starts.add(values.size());
            return self();
        }

        @Override
        public S beginPositionEntry() {
            open = true;
            return self();
        }

        @Override
        public S endPositionEntry() {
            open = false;
            starts.add(values.size());
            return self();
        }

        @Override
        public S copyFrom(Block block, int from, int to) {
            copy(block, from, to);
            return self();
        }

        @SuppressWarnings("unchecked")
        private S self() {
            return (S) this;
        }

        void copy(Block block, int position) {
            Cells cells = (Cells) block;
            values.addAll(cells.values.subList(cells.starts[position], cells.starts[position + 1]));
            starts.add(values.size());
        }

        void copy(Block block, int from, int to) {
            for (int position = from; position < to; position++) {
                copy(block, position);
            }
        }

        abstract B made(List<Object> all, int[] where);

        @Override
        public B build() {
            return made(List.copyOf(values), starts.stream().mapToInt(Integer::intValue).toArray());
        }

        @Override
        public void close() {}
    }
}
