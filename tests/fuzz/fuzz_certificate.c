/* SPDX-License-Identifier: MIT */
/* A certificate as a stranger presents it, judged by its pin, and each way to name it: what is taken has a subject in
 * visible ASCII, and libcrypto's errors stay inside. */
#include "cert_chain.h"
#include "fuzz.h"
#include "identity.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { NOW_S = 1767225600 };

static void check_text(const char *text)
{
    HOLDS(text[0] != '\0');
    for (; *text != '\0'; text++)
        HOLDS(*text >= ' ' && *text <= '~');
}

static void name_in_each_way(const struct cert_chain_result *chain)
{
    for (enum identity identity = IDENTITY_SPIFFE; identity <= IDENTITY_PIN; identity++) {
        struct identity_rules rules = { .identity = identity, .trust_domain = STR("example.com") };
        struct identified who;
        struct cert_chain_finding finding = identity_of(chain, &rules, &who);

        if (finding.verdict == CERT_CHAIN_GOOD)
            check_text(who.subject);
        else
            HOLDS(finding.reason != NULL && finding.sentence[0] != '\0' && who.subject == NULL);
        identity_done(&who);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct presented presented = { .count = 0 };
    struct pin pin = { .kind = PIN_CERTIFICATE };
    struct cert_chain_rules rules = { .pins = &pin, .pin_count = 1 };
    struct cert_chain_input input = { .rules = &rules, .now_s = NOW_S };
    struct cert_chain_result chain;
    struct cert_chain_finding finding;

    if (presented_add(&presented, paa_bytes_of(data, size)) != NULL)
        return 0;
    HOLDS(EVP_Digest(data, size, pin.digest, NULL, EVP_sha256(), NULL) == 1);
    finding = cert_chain_verify(&presented, &input, &chain);
    HOLDS(finding.verdict == CERT_CHAIN_GOOD ||
          (finding.reason != NULL && finding.sentence[0] != '\0'));
    if (chain.leaf != NULL)
        name_in_each_way(&chain);
    cert_chain_done(&chain);
    HOLDS(ERR_peek_error() == 0);
    return 0;
}
