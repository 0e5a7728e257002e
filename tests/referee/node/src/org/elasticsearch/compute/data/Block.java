package org.elasticsearch.compute.data;


import org.elasticsearch.core.RefCounted;
import org.elasticsearch.core.Releasable;

/**
 * The values of one column, several or none at each position. The vendor's interface of that name is not published;
 * this has the methods of it that scalar functions call, in our own words, and so have those beside it.
 */
public interface Block extends RefCounted, Releasable {
    boolean areAllValuesNull();

    Vector asVector();

    BlockFactory blockFactory();

    boolean doesHaveMultivaluedFields();

    Block filter(boolean mayHaveNulls, int... positions);

    int getFirstValueIndex(int position);

    int getPositionCount();

    int getTotalValueCount();

    int getValueCount(int position);

    boolean isNull(int position);

    boolean mayHaveMultivaluedFields();

    boolean mayHaveNulls();

    boolean mvSortedAscending();

    /** Makes a block, position by position. */
    interface Builder extends Releasable {
        Builder appendNull();

        Builder beginPositionEntry();

        Builder endPositionEntry();

        Builder copyFrom(Block block, int from, int to);

        Block build();
    }
}
