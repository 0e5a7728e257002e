package org.elasticsearch.xpack.esql.core;

/** What the errors of the grammar extend, and no published artifact has; the parser is not loaded without it. */
public abstract class QlClientException extends RuntimeException {
    protected QlClientException(String message, Object... arguments) {
        super(message);
    }

    protected QlClientException(Throwable cause, String message, Object... arguments) {
        super(message, cause);
    }

    protected QlClientException(String message, Throwable cause) {
        super(message, cause);
    }
}
