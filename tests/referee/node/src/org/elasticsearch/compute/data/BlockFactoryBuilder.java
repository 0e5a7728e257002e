package org.elasticsearch.compute.data;


import org.elasticsearch.common.breaker.CircuitBreaker;

/** Makes the one that makes blocks. */
public final class BlockFactoryBuilder {
    public BlockFactoryBuilder breaker(CircuitBreaker breaker) {
        return this;
    }

    public BlockFactory build() {
        return BlockFactory.only();
    }
}
