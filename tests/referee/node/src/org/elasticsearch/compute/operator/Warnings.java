package org.elasticsearch.compute.operator;

import java.util.ArrayList;
import java.util.List;

/** Keeps the warnings of the thread. */
public final class Warnings {
    public static final Warnings NOOP_WARNINGS = new Warnings();
    private static final ThreadLocal<List<String>> SAID = ThreadLocal.withInitial(ArrayList::new);

    private Warnings() {}

    /** Returns what was said since the last call. */
    public static List<String> taken() {
        List<String> said = List.copyOf(SAID.get());
        SAID.get().clear();
        return said;
    }

    public static Warnings createWarnings(DriverContext.WarningsMode mode, WarningSourceLocation place) {
        return new Warnings();
    }

    public static Warnings createWarningsTreatedAsFalse(
            DriverContext.WarningsMode mode, WarningSourceLocation place) {
        return new Warnings();
    }

    public static Warnings createWarningsTreatedAsNull(DriverContext.WarningsMode mode, WarningSourceLocation place) {
        return new Warnings();
    }

    public void registerException(Exception problem) {
        registerException(problem.getClass(), problem.getMessage());
    }

    public void registerException(Class<? extends Exception> type, String message) {
        SAID.get().add(type.getSimpleName() + ": " + message);
    }
}
