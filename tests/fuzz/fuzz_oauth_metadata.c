/* SPDX-License-Identifier: MIT */
/* A discovery document from a server that lies: what is taken names its issuer, and its URLs are URLs. */
#include "fuzz.h"
#include "oauth_metadata.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[OAUTH_WHY_SIZE] = "";
    struct oauth_metadata *metadata =
        oauth_metadata_read(paa_bytes_of(data, size), STR("https://id.example.com"), why);
    struct buf url;

    HOLDS((metadata == NULL) == (why[0] != '\0') || metadata != NULL);
    if (metadata == NULL)
        return 0;
    HOLDS(paa_str_eq(metadata->issuer, "https://id.example.com"));
    for (size_t i = 0; i < OAUTH_ENDPOINTS; i++) {
        struct paa_str plain = oauth_endpoint_of(metadata, (enum oauth_endpoint)i, false);
        struct paa_str shown = oauth_endpoint_of(metadata, (enum oauth_endpoint)i, true);

        HOLDS(plain.data == NULL || oauth_url_valid(plain, false));
        HOLDS(shown.data == NULL || oauth_url_valid(shown, false));
    }
    buf_init(&url, OAUTH_URL_MAX + 64);
    for (int kind = 0; kind < OAUTH_WELL_KNOWN_COUNT; kind++) {
        buf_clear(&url);
        oauth_well_known_url(metadata->issuer, (enum oauth_well_known)kind, &url);
        HOLDS(!url.failed && oauth_url_valid(buf_str(&url), true));
    }
    buf_free(&url);
    oauth_metadata_free(metadata);
    return 0;
}
