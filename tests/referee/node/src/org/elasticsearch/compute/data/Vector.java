package org.elasticsearch.compute.data;


/** A column with one value at each position. */
public interface Vector {
    Block asBlock();

    int getPositionCount();

    boolean isConstant();
}
