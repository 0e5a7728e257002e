package org.elasticsearch.xpack.esql.core;

/** Something is wrong with the product rather than the query. */
public class QlIllegalArgumentException extends QlServerException {
    public QlIllegalArgumentException(String message, Object... arguments) {
        super(message, arguments);
    }

    public QlIllegalArgumentException(Throwable cause, String message, Object... arguments) {
        super(cause, message, arguments);
    }

    public QlIllegalArgumentException(String message) {
        super(message, new Object[0]);
    }

    public QlIllegalArgumentException(String message, Throwable cause) {
        super(cause, message);
    }

    public QlIllegalArgumentException(String message, Throwable cause, boolean suppression, boolean trace) {
        super(cause, message);
    }

    public QlIllegalArgumentException(Throwable cause) {
        super(cause, cause.getMessage());
    }
}
