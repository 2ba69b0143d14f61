/* SPDX-License-Identifier: MIT */
/* Revocation of a verified chain. Hard: whoever is not known to be good is not let in. */
#include "cert_chain_inner.h"

static struct cert_chain_finding unknown(const struct crl_said *said, const X509 *certificate,
                                         const X509 *issuer)
{
    char who[CERTIFICATE_WHO_SIZE], by[CERTIFICATE_WHO_SIZE];

    certificate_who(certificate, who);
    certificate_who(issuer, by);
    if (said->answer == CRL_OLD)
        return cert_chain_say(
            CERT_CHAIN_UNKNOWN, "revocation",
            "the revocation list of %s is not current, so whether %s is revoked is "
            "not known",
            by, who);
    return cert_chain_say(CERT_CHAIN_UNKNOWN, "revocation",
                          "there is no revocation list for %s: its issuer %s %s", who, by,
                          said->why != NULL ? said->why : "has none");
}

struct cert_chain_finding cert_chain_check_revoked(const struct cert_chain_input *input,
                                                   struct cert_chain_result *result)
{
    enum revocation mode = input->rules->revocation;
    int last = sk_X509_num(result->certificates) - 1; /* the anchor */
    struct cert_chain_finding finding = cert_chain_good();
    char who[CERTIFICATE_WHO_SIZE];

    result->lists_until_s = INT64_MAX;
    for (int i = 0; i < last && mode != REVOCATION_OFF; i++) {
        bool may_be_unknown = mode == REVOCATION_SOFT || input->crl_count == 0 ||
                              (i == 0 && input->rules->asks_responder);
        X509 *certificate = sk_X509_value(result->certificates, i);
        X509 *issuer = sk_X509_value(result->certificates, i + 1);
        struct crl_said said =
            crl_ask(input->crls, input->crl_count, certificate, issuer, input->now_s);

        if (said.answer == CRL_REVOKED) {
            certificate_who(certificate, who);
            return cert_chain_refuse("revoked", "%s is revoked by its issuer's list", who);
        }
        if (said.answer != CRL_GOOD && !may_be_unknown && finding.verdict == CERT_CHAIN_GOOD)
            finding = unknown(&said, certificate, issuer);
        if (said.answer == CRL_GOOD && !may_be_unknown && said.until_s < result->lists_until_s)
            result->lists_until_s = said.until_s;
    }
    return finding;
}
