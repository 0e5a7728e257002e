package org.elasticsearch.compute.data;


/** Blocks of one length, column by column. */
public final class Page {
    private final int positions;
    private final Block[] blocks;

    public Page(int positions, Block... blocks) {
        this.positions = positions;
        this.blocks = blocks;
    }

    public Page(Block... blocks) {
        this(blocks[0].getPositionCount(), blocks);
    }

    @SuppressWarnings("unchecked")
    public <B extends Block> B getBlock(int index) {
        return (B) blocks[index];
    }

    public int getBlockCount() {
        return blocks.length;
    }

    public int getPositionCount() {
        return positions;
    }

    public void releaseBlocks() {}
}
