package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.BooleanBlock;

/** Sorts the values of each position. */
public record MultivalueDedupeBoolean(BooleanBlock block) {
    public BooleanBlock sortToBlock(BlockFactory factory, boolean ascending) {
        return (BooleanBlock) BlockUtils.sorted(block, ascending, false);
    }
}
