package org.elasticsearch.compute.operator;

/** The place of a query that a warning is about. */
public interface WarningSourceLocation {
    int lineNumber();

    int columnNumber();

    String viewName();

    String text();
}
