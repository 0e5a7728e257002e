package org.elasticsearch.xpack.core.esql;

import org.elasticsearch.common.util.FeatureFlag;

/** What a release switches off. */
public final class EsqlFeatureFlags {
    public static final FeatureFlag ESQL_EXTERNAL_DATASOURCES_FEATURE_FLAG = new FeatureFlag("referee_external");

    private EsqlFeatureFlags() {}
}
