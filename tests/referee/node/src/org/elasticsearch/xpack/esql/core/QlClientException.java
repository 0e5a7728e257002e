package org.elasticsearch.xpack.esql.core;

import org.elasticsearch.common.logging.LoggerMessageFormat;

/** What the errors of the grammar extend, and no published artifact has; the parser is not loaded without it. */
public abstract class QlClientException extends RuntimeException {
    protected QlClientException(String message, Object... arguments) {
        super(LoggerMessageFormat.format(message, arguments));
    }

    protected QlClientException(Throwable cause, String message, Object... arguments) {
        super(LoggerMessageFormat.format(message, arguments), cause);
    }

    protected QlClientException(String message, Throwable cause) {
        super(message, cause);
    }
}
