package org.elasticsearch.compute.expression;

import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.Page;
import org.elasticsearch.compute.operator.DriverContext;
import org.elasticsearch.core.Releasable;

/** Computes a column from others. */
public interface ExpressionEvaluator extends Releasable {
    Block eval(Page page);

    long baseRamBytesUsed();

    /** Makes one. */
    interface Factory {
        ExpressionEvaluator get(DriverContext context);

        default boolean eagerEvalSafeInLazy() {
            return false;
        }
    }
}
