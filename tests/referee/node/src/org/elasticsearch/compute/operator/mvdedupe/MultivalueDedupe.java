package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.ElementType;
import org.elasticsearch.compute.data.Page;
import org.elasticsearch.compute.expression.ExpressionEvaluator;

/** Leaves each value of a position once. */
public final class MultivalueDedupe {
    private MultivalueDedupe() {}

    public static ExpressionEvaluator.Factory evaluator(ElementType type, ExpressionEvaluator.Factory values) {
        return context -> new ExpressionEvaluator() {
            @Override
            public Block eval(Page page) {
                return BlockUtils.sorted(values.get(context).eval(page), true, true);
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
