package org.elasticsearch.compute.data;

import java.util.List;
import org.apache.lucene.util.BytesRef;

/** A block of nulls, which may stand for one of any type. */
final class NullBlock extends Cells
        implements BooleanBlock, BytesRefBlock, DoubleBlock, IntBlock, LongBlock, FloatBlock {
    NullBlock(int positions) {
        super(List.of(), new int[positions + 1]);
    }

    @Override
    public NullVector asVector() {
        return null;
    }

    @Override
    public ToMask toMask() {
        Block none = BlockFactory.ONLY.newConstantBooleanBlockWith(false, getPositionCount());
        return new ToMask(new BooleanVector.Of((BooleanBlock) none), false);
    }

    @Override
    public boolean getBoolean(int index) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, boolean value) {
        return false;
    }

    @Override
    public BytesRef getBytesRef(int index, BytesRef scratch) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, BytesRef value, BytesRef scratch) {
        return false;
    }

    @Override
    public double getDouble(int index) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, double value) {
        return false;
    }

    @Override
    public int getInt(int index) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, int value) {
        return false;
    }

    @Override
    public long getLong(int index) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, long value) {
        return false;
    }

    @Override
    public float getFloat(int index) {
        throw new IllegalStateException("null has no value");
    }

    @Override
    public boolean hasValue(int position, float value) {
        return false;
    }

    @Override
    Filler<?, ?> filler() {
        return new Nulls();
    }

    private static final class Nulls extends Filler<NullBlock, Nulls> {
        @Override
        NullBlock made(List<Object> all, int[] where) {
            return new NullBlock(where.length - 1);
        }
    }

    /** The type of a vector of nulls; there is none. */
    abstract static class NullVector
            implements BooleanVector, BytesRefVector, DoubleVector, IntVector, LongVector, FloatVector {
        @Override
        public abstract NullBlock asBlock();
    }
}
