package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.LongBlock;

/** Sorts the values of each position. */
public record MultivalueDedupeLong(LongBlock block) {
    public LongBlock sortToBlock(BlockFactory factory, boolean ascending) {
        return (LongBlock) BlockUtils.sorted(block, ascending, false);
    }
}
