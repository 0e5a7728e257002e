package org.elasticsearch.xpack.esql.core.util;

import java.math.BigInteger;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.lucene.document.InetAddressPoint;
import org.apache.lucene.util.BytesRef;
import org.elasticsearch.common.network.InetAddresses;
import org.elasticsearch.xpack.esql.core.InvalidArgumentException;

/**
 * What the vendor's class of this name does to texts, in our own words, as it is not published: numbers are read as
 * Java reads them, and addresses as the server does. What depends on it is our reading, not the vendor's answer.
 */
public final class StringUtils {
    private static final BigInteger MOST = BigInteger.ONE.shiftLeft(64);

    private StringUtils() {}

    public static double parseDouble(String text) {
        double number;
        try {
            number = Double.parseDouble(text);
        } catch (NumberFormatException none) {
            throw new InvalidArgumentException(none, "Cannot parse number [{}]", text);
        }
        if (Double.isFinite(number)) {
            return number;
        }
        throw new InvalidArgumentException("[{}] is no finite number", text);
    }

    public static long parseLong(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException none) {
            throw new InvalidArgumentException("Cannot parse number [{}]", text);
        }
    }

    /** Returns an Integer or a Long; beyond, a BigInteger if it would be an unsigned_long. */
    public static Number parseIntegral(String text) {
        BigInteger number;
        try {
            number = new BigInteger(text);
        } catch (NumberFormatException none) {
            throw new InvalidArgumentException(none, "Cannot parse number [{}]", text);
        }
        if (number.bitLength() < Integer.SIZE) {
            return number.intValue();
        }
        if (number.bitLength() < Long.SIZE) {
            return number.longValue();
        }
        if (number.signum() > 0 && number.compareTo(MOST) < 0) {
            return number;
        }
        throw new InvalidArgumentException("Number [{}] is too large", text);
    }

    public static BytesRef parseIP(String text) {
        return new BytesRef(InetAddressPoint.encode(InetAddresses.forString(text)));
    }

    public static boolean isInteger(String text) {
        return text.trim().chars().allMatch(Character::isDigit);
    }

    public static List<String> findSimilar(String name, Iterable<String> names) {
        return List.of();
    }

    public static String ordinal(int position) {
        return position + ".";
    }

    /** Returns an expression of Java for a pattern of LIKE; a backslash may stand before a star, a mark or itself. */
    public static String wildcardToJavaPattern(String pattern, char escape) {
        StringBuilder expression = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char one = pattern.charAt(i);
            if (one == escape) {
                i++;
                if (i == pattern.length() || "*?".indexOf(pattern.charAt(i)) < 0 && pattern.charAt(i) != escape) {
                    throw new InvalidArgumentException("an escape stands before [*], [?] and itself only");
                }
                expression.append(Pattern.quote(pattern.substring(i, i + 1)));
            } else if (one == '*' || one == '?') {
                expression.append(one == '*' ? ".*" : ".");
            } else {
                expression.append(Pattern.quote(String.valueOf(one)));
            }
        }
        return expression.toString();
    }

    /** Returns a pattern that matches just this text. */
    public static String escapeWildcardLiteral(String text) {
        return text.replaceAll("[*?\\\\]", "\\\\$0");
    }
}
