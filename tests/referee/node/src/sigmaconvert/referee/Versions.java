package sigmaconvert.referee;

import org.elasticsearch.TransportVersion;

/** Versions by name, for classes of a later release than the server's. */
public final class Versions {
    private Versions() {}

    /** Returns the version of that name; the server's own stands for those that it does not know. */
    public static TransportVersion fromName(String name) {
        try {
            return TransportVersion.fromName(name);
        } catch (IllegalStateException later) {
            return TransportVersion.current();
        }
    }
}
