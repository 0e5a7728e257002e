package org.elasticsearch.compute.data;


/** Named in a signature only. */
public final class LocalCircuitBreaker {
    private LocalCircuitBreaker() {}

    /** Named in a signature only. */
    public record SizeSettings(int reserve, int most) {}
}
