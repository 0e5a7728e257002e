package org.elasticsearch.compute.operator;

import org.elasticsearch.core.TimeValue;

/** What moves pages between operators; only a setting of it is read here. */
public final class Driver {
    public static final TimeValue DEFAULT_STATUS_INTERVAL = TimeValue.timeValueSeconds(1);

    private Driver() {}
}
