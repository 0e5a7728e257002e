package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.DoubleBlock;

/** Sorts the values of each position. */
public record MultivalueDedupeDouble(DoubleBlock block) {
    public DoubleBlock sortToBlock(BlockFactory factory, boolean ascending) {
        return (DoubleBlock) BlockUtils.sorted(block, ascending, false);
    }
}
