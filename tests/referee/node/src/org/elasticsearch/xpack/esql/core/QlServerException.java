package org.elasticsearch.xpack.esql.core;

/** Something is wrong with the product rather than the query. */
public class QlServerException extends QlClientException {
    public QlServerException(String message, Object... arguments) {
        super(message, arguments);
    }

    public QlServerException(Throwable cause, String message, Object... arguments) {
        super(cause, message, arguments);
    }
}
