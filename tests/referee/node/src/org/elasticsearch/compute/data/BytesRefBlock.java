package org.elasticsearch.compute.data;


import org.apache.lucene.util.BytesRef;
import java.util.List;

/** A block of BytesRef. */
public interface BytesRefBlock extends Block {
    BytesRef getBytesRef(int index, BytesRef scratch);

    boolean hasValue(int position, BytesRef value, BytesRef scratch);

    @Override
    BytesRefVector asVector();

    /** Makes one. */
    interface Builder extends Block.Builder {
        Builder appendBytesRef(BytesRef value);

        Builder copyFrom(BytesRefBlock block, int position, BytesRef scratch);

        Builder copyFrom(BytesRefBlock block, int from, int to);

        @Override
        Builder appendNull();

        @Override
        Builder beginPositionEntry();

        @Override
        Builder endPositionEntry();

        @Override
        BytesRefBlock build();
    }

    /** The only one. */
    final class Of extends Cells implements BytesRefBlock {
        Of(List<Object> values, int[] starts) {
            super(values, starts);
        }

        @Override
        public BytesRef getBytesRef(int index, BytesRef scratch) {
            BytesRef held = (BytesRef) values.get(index);
            scratch.bytes = held.bytes;
            scratch.offset = held.offset;
            scratch.length = held.length;
            return scratch; // the caller may change it
        }

        @Override
        public boolean hasValue(int position, BytesRef value, BytesRef scratch) {
            return holds(position, value);
        }

        @Override
        public BytesRefVector asVector() {
            return null; // so the vendor's code reads it position by position
        }

        @Override
        Cells.Filler<?, ?> filler() {
            return new Filled();
        }
    }

    /** The only one. */
    final class Filled extends Cells.Filler<BytesRefBlock, Filled> implements Builder {
        @Override
        public Filled appendBytesRef(BytesRef value) {
            add(value);
            return this;
        }

        @Override
        public Filled copyFrom(BytesRefBlock block, int position, BytesRef scratch) {
            copy(block, position);
            return this;
        }

        @Override
        public Filled copyFrom(BytesRefBlock block, int from, int to) {
            copy(block, from, to);
            return this;
        }

        @Override
        BytesRefBlock made(List<Object> values, int[] starts) {
            return new Of(values, starts);
        }
    }
}
