package org.elasticsearch.compute.operator;

import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.BytesRef;
import org.elasticsearch.common.breaker.CircuitBreaker;
import org.elasticsearch.core.Releasable;

/** Puts bytes together; it counts no memory. */
public final class BreakingBytesRefBuilder implements Releasable {
    private final BytesRef bytes = new BytesRef();

    public BreakingBytesRefBuilder(CircuitBreaker breaker, String label) {}

    public BreakingBytesRefBuilder(CircuitBreaker breaker, String label, int capacity) {
        grow(capacity);
    }

    public void append(byte one) {
        grow(bytes.length + 1);
        bytes.bytes[bytes.length++] = one;
    }

    public void append(byte[] some, int from, int count) {
        grow(bytes.length + count);
        System.arraycopy(some, from, bytes.bytes, bytes.length, count);
        bytes.length += count;
    }

    public void append(BytesRef some) {
        append(some.bytes, some.offset, some.length);
    }

    public byte[] bytes() {
        return bytes.bytes;
    }

    public BytesRef bytesRefView() {
        return bytes;
    }

    public void clear() {
        bytes.length = 0;
    }

    public void grow(int capacity) {
        bytes.bytes = ArrayUtil.grow(bytes.bytes, capacity);
    }

    public int length() {
        return bytes.length;
    }

    public void setLength(int length) {
        bytes.length = length;
    }

    @Override
    public void close() {}
}
