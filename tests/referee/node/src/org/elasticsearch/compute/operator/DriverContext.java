package org.elasticsearch.compute.operator;

import org.elasticsearch.common.breaker.CircuitBreaker;
import org.elasticsearch.common.breaker.NoopCircuitBreaker;
import org.elasticsearch.common.util.BigArrays;
import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.LocalCircuitBreaker;

/** What evaluators share while they run. */
public final class DriverContext {
    private final BlockFactory blocks;

    public DriverContext(BigArrays arrays, BlockFactory blocks, LocalCircuitBreaker.SizeSettings settings) {
        this.blocks = blocks;
    }

    public BlockFactory blockFactory() {
        return blocks;
    }

    public CircuitBreaker breaker() {
        return new NoopCircuitBreaker("referee");
    }

    public BigArrays bigArrays() {
        return BigArrays.NON_RECYCLING_INSTANCE;
    }

    public void checkForEarlyTermination() {}

    public WarningsMode warningsMode() {
        return WarningsMode.COLLECT;
    }

    /** Whether warnings are kept. */
    public enum WarningsMode {
        COLLECT,
        IGNORE
    }
}
