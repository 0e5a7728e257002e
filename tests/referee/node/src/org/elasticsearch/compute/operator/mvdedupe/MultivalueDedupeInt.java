package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.IntBlock;

/** Sorts the values of each position. */
public record MultivalueDedupeInt(IntBlock block) {
    public IntBlock sortToBlock(BlockFactory factory, boolean ascending) {
        return (IntBlock) BlockUtils.sorted(block, ascending, false);
    }
}
