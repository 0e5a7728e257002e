package org.elasticsearch.compute.data;


import org.apache.lucene.util.BytesRef;
import org.elasticsearch.common.util.BigArrays;

/** Makes blocks; it counts no memory. */
public final class BlockFactory {
    static final BlockFactory ONLY = new BlockFactory();

    private BlockFactory() {}

    public static BlockFactoryBuilder builder(BigArrays arrays) {
        return new BlockFactoryBuilder();
    }

    static BlockFactory only() {
        return ONLY;
    }

    /** A block without values, which stands for one of any type. */
    public Block newConstantNullBlock(int positions) {
        return new NullBlock(positions);
    }

    public BytesRefVector.Builder newBytesRefVectorBuilder(int positions) {
        return new BytesRefVector.Filled(new BytesRefBlock.Filled());
    }

    public BooleanBlock.Builder newBooleanBlockBuilder(int positions) {
        return new BooleanBlock.Filled();
    }

    public BooleanVector.FixedBuilder newBooleanVectorFixedBuilder(int positions) {
        return new BooleanVector.Filled(new BooleanBlock.Filled());
    }

    public BooleanBlock newConstantBooleanBlockWith(boolean value, int positions) {
        BooleanBlock.Filled filled = new BooleanBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendBoolean(value);
        }
        return filled.build();
    }

    public BytesRefBlock.Builder newBytesRefBlockBuilder(int positions) {
        return new BytesRefBlock.Filled();
    }

    public BytesRefVector.FixedBuilder newBytesRefVectorFixedBuilder(int positions) {
        return new BytesRefVector.Filled(new BytesRefBlock.Filled());
    }

    public BytesRefBlock newConstantBytesRefBlockWith(BytesRef value, int positions) {
        BytesRefBlock.Filled filled = new BytesRefBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendBytesRef(value);
        }
        return filled.build();
    }

    public DoubleBlock.Builder newDoubleBlockBuilder(int positions) {
        return new DoubleBlock.Filled();
    }

    public DoubleVector.FixedBuilder newDoubleVectorFixedBuilder(int positions) {
        return new DoubleVector.Filled(new DoubleBlock.Filled());
    }

    public DoubleBlock newConstantDoubleBlockWith(double value, int positions) {
        DoubleBlock.Filled filled = new DoubleBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendDouble(value);
        }
        return filled.build();
    }

    public IntBlock.Builder newIntBlockBuilder(int positions) {
        return new IntBlock.Filled();
    }

    public IntVector.FixedBuilder newIntVectorFixedBuilder(int positions) {
        return new IntVector.Filled(new IntBlock.Filled());
    }

    public IntBlock newConstantIntBlockWith(int value, int positions) {
        IntBlock.Filled filled = new IntBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendInt(value);
        }
        return filled.build();
    }

    public LongBlock.Builder newLongBlockBuilder(int positions) {
        return new LongBlock.Filled();
    }

    public LongVector.FixedBuilder newLongVectorFixedBuilder(int positions) {
        return new LongVector.Filled(new LongBlock.Filled());
    }

    public LongBlock newConstantLongBlockWith(long value, int positions) {
        LongBlock.Filled filled = new LongBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendLong(value);
        }
        return filled.build();
    }

    public FloatBlock.Builder newFloatBlockBuilder(int positions) {
        return new FloatBlock.Filled();
    }

    public FloatVector.FixedBuilder newFloatVectorFixedBuilder(int positions) {
        return new FloatVector.Filled(new FloatBlock.Filled());
    }

    public FloatBlock newConstantFloatBlockWith(float value, int positions) {
        FloatBlock.Filled filled = new FloatBlock.Filled();
        for (int i = 0; i < positions; i++) {
            filled.appendFloat(value);
        }
        return filled.build();
    }
}
