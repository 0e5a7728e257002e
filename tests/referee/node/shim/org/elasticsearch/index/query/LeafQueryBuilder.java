package org.elasticsearch.index.query;

import java.io.IOException;
import org.elasticsearch.common.io.stream.StreamInput;

/** The one class that KQL of 9.4 extends and the server of 9.3 has not: a query with no queries inside. */
public abstract class LeafQueryBuilder<Q extends AbstractQueryBuilder<Q>> extends AbstractQueryBuilder<Q> {
    protected LeafQueryBuilder() {}

    protected LeafQueryBuilder(StreamInput in) throws IOException {
        super(in);
    }
}
