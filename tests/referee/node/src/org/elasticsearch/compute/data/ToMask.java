package org.elasticsearch.compute.data;


import org.elasticsearch.core.Releasable;

/** Which positions of a block of booleans are true. */
public record ToMask(BooleanVector mask, boolean hadMultivaluedFields) implements Releasable {
    @Override
    public void close() {}
}
