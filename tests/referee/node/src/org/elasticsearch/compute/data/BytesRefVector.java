package org.elasticsearch.compute.data;


import org.apache.lucene.util.BytesRef;
import org.elasticsearch.core.Releasable;

/** A vector of BytesRef. */
public interface BytesRefVector extends Vector, Releasable {
    BytesRef getBytesRef(int index, BytesRef scratch);

    @Override
    BytesRefBlock asBlock();

    BlockFactory blockFactory();

    void incRef();

    /** Makes one, value by value. */
    interface Builder extends Releasable {
        Builder appendBytesRef(BytesRef value);

        BytesRefVector build();
    }

    /** Makes one of known length; values come in order. */
    interface FixedBuilder extends Builder {
        @Override
        FixedBuilder appendBytesRef(BytesRef value);

        FixedBuilder appendBytesRef(int position, BytesRef value);
    }

    /** The only one, over a block. */
    record Of(BytesRefBlock asBlock) implements BytesRefVector {
        @Override
        public BytesRef getBytesRef(int index, BytesRef scratch) {
            return asBlock.getBytesRef(index, scratch);
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
    record Filled(BytesRefBlock.Filled into) implements FixedBuilder {
        @Override
        public Filled appendBytesRef(BytesRef value) {
            into.add(value);
            return this;
        }

        @Override
        public Filled appendBytesRef(int position, BytesRef value) {
            into.add(value);
            return this;
        }

        @Override
        public BytesRefVector build() {
            return new Of(into.build());
        }

        @Override
        public void close() {}
    }
}
