package org.elasticsearch.compute.operator.mvdedupe;

import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BlockUtils;
import org.elasticsearch.compute.data.BytesRefBlock;

/** Sorts the values of each position. */
public record MultivalueDedupeBytesRef(BytesRefBlock block) {
    public BytesRefBlock sortToBlock(BlockFactory factory, boolean ascending) {
        return (BytesRefBlock) BlockUtils.sorted(block, ascending, false);
    }
}
