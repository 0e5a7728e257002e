package org.elasticsearch.xpack.esql.core.util;

import java.math.BigInteger;

/**
 * What the vendor's class of this name does to numbers, in our own words, as it is not published: results must be
 * finite. An unsigned_long is a long that is less by 2^63.
 */
public final class NumericUtils {
    public static final long ZERO_AS_UNSIGNED_LONG = Long.MIN_VALUE;
    public static final long ONE_AS_UNSIGNED_LONG = Long.MIN_VALUE + 1;

    private NumericUtils() {}

    public static double asFiniteNumber(double number) {
        if (Double.isFinite(number)) {
            return number;
        }
        throw new ArithmeticException("not a finite double number: " + number);
    }

    public static boolean isUnsignedLong(BigInteger number) {
        return number.signum() >= 0 && number.bitLength() <= Long.SIZE;
    }

    public static long asLongUnsigned(BigInteger number) {
        return number.longValue() ^ Long.MIN_VALUE;
    }

    public static long asLongUnsigned(long number) {
        return number ^ Long.MIN_VALUE;
    }

    public static Number unsignedLongAsNumber(long held) {
        return held < 0 ? (Number) (held ^ Long.MIN_VALUE) : unsignedLongAsBigInteger(held);
    }

    public static BigInteger unsignedLongAsBigInteger(long held) {
        return BigInteger.valueOf(held).subtract(BigInteger.valueOf(Long.MIN_VALUE));
    }
}
