package org.elasticsearch.xpack.kql.query;

import org.elasticsearch.xcontent.ParseField;

/** Names that the function KQL reads when all functions are listed; another plugin of the node has the real class. */
public final class KqlQueryBuilder {
    public static final ParseField CASE_INSENSITIVE_FIELD = new ParseField("case_insensitive");
    public static final ParseField TIME_ZONE_FIELD = new ParseField("time_zone");
    public static final ParseField DEFAULT_FIELD_FIELD = new ParseField("default_field");

    private KqlQueryBuilder() {}
}
