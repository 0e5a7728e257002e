package org.elasticsearch.xpack.esql.core;

/** An argument has a value that cannot be used. */
public class InvalidArgumentException extends QlClientException {
    public InvalidArgumentException(String message, Object... arguments) {
        super(message, arguments);
    }

    public InvalidArgumentException(Throwable cause, String message, Object... arguments) {
        super(cause, message, arguments);
    }
}
