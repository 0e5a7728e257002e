package org.elasticsearch.compute.expression;

import java.util.function.BiFunction;
import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.Page;

/** What computes a constant. */
public final class ConstantEvaluators {
    public static final ExpressionEvaluator.Factory CONSTANT_NULL_FACTORY = of(BlockFactory::newConstantNullBlock);
    public static final ExpressionEvaluator.Factory CONSTANT_TRUE_FACTORY =
            of((factory, positions) -> factory.newConstantBooleanBlockWith(true, positions));
    public static final ExpressionEvaluator.Factory CONSTANT_FALSE_FACTORY =
            of((factory, positions) -> factory.newConstantBooleanBlockWith(false, positions));

    private ConstantEvaluators() {}

    private static ExpressionEvaluator.Factory of(BiFunction<BlockFactory, Integer, Block> make) {
        return context -> new ExpressionEvaluator() {
            @Override
            public Block eval(Page page) {
                return make.apply(context.blockFactory(), page.getPositionCount());
            }

            @Override
            public long baseRamBytesUsed() {
                return 0;
            }

            @Override
            public void close() {}
        };
    }
}
