package org.elasticsearch.compute.expression;

import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.Page;
import org.elasticsearch.compute.operator.DriverContext;

/** Gives a column as it is. */
public record LoadFromPageEvaluator(int channel) implements ExpressionEvaluator {
    @Override
    public Block eval(Page page) {
        return page.getBlock(channel);
    }

    @Override
    public long baseRamBytesUsed() {
        return 0;
    }

    @Override
    public void close() {}

    /** Makes one. */
    public record Factory(int channel) implements ExpressionEvaluator.Factory {
        @Override
        public ExpressionEvaluator get(DriverContext context) {
            return new LoadFromPageEvaluator(channel);
        }
    }
}
