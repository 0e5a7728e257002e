package org.elasticsearch.license;

/** Named in a signature; no function that is asked here depends on a licence. */
public final class XPackLicenseState {
    private XPackLicenseState() {}
}
