/* SPDX-License-Identifier: MIT */
#include "cert_chain_inner.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { SECURITY_LEVEL = 2 }; /* 112 bits; what is ours to say is said before */

/* ---- form and strength --------------------------------------------------------------------------- */

static bool is_readable(X509 *certificate)
{
    return X509_check_purpose(certificate, -1, 0) == 1 &&
           (X509_get_extension_flags(certificate) & EXFLAG_INVALID) == 0;
}

/* The leaf's own signature is looked at here, where no signature was computed yet; that of others once it is known that
 * they count. */
static struct cert_chain_finding check_strength(X509 *certificate, bool is_leaf)
{
    const char *weakness = key_weakness(X509_get0_pubkey(certificate));
    const char *reason = "weak-key";
    char who[CERTIFICATE_WHO_SIZE];

    if (weakness == NULL && is_leaf) {
        weakness = signature_weakness(certificate);
        reason = "weak-signature";
    }
    if (weakness == NULL && is_readable(certificate))
        return cert_chain_good();
    certificate_who(certificate, who);
    return weakness != NULL
               ? cert_chain_refuse(reason, "%s %s", who, weakness)
               : cert_chain_refuse("encoding", "%s has an extension that cannot be read", who);
}

/* *ret_others: what came behind the leaf. */
static struct cert_chain_finding read_presented(const struct presented *presented, X509 **ret_leaf,
                                                STACK_OF(X509) * ret_others)
{
    struct cert_chain_finding finding = cert_chain_good();

    for (size_t i = 0; i < presented->count && finding.verdict == CERT_CHAIN_GOOD; i++) {
        X509 *certificate = certificate_read(presented->der[i]);

        if (certificate == NULL)
            return cert_chain_refuse("encoding",
                                     "certificate %zu of what was presented is no DER certificate",
                                     i + 1);
        finding = check_strength(certificate, i == 0);
        if (i == 0)
            *ret_leaf = certificate;
        else if (sk_X509_push(ret_others, certificate) <= 0) {
            X509_free(certificate);
            return cert_chain_say(CERT_CHAIN_FAULT, "memory",
                                  "no memory is left to read certificates");
        }
    }
    if (finding.verdict == CERT_CHAIN_GOOD && *ret_leaf == NULL)
        return cert_chain_refuse("encoding", "no certificate was presented");
    return finding;
}

/* ---- the chain ----------------------------------------------------------------------------------- */

/* Policies count only where a CA asks for one, and then any will do (RFC 5280 6.1.1). */
static bool heed_policies(X509_VERIFY_PARAM *param)
{
    return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_POLICY_CHECK) == 1 &&
           X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)) == 1;
}

static bool prepare(X509_STORE_CTX *context, const struct cert_chain_input *input, X509 *leaf,
                    STACK_OF(X509) * others)
{
    X509_VERIFY_PARAM *param;

    if (X509_STORE_CTX_init(context, input->anchors->store, leaf, others) != 1 ||
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) != 1)
        return false;
    param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)input->now_s);
    X509_VERIFY_PARAM_set_depth(param, input->rules->depth);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    /* name constraints are about common names too, whatever other names there are */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT);
    return heed_policies(param) &&
           (input->rules->pin_count ==
                0 || /* an intermediate may be an anchor where leaves are pinned */
            X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1);
}

/* The anchor's own signature says nothing. */
static struct cert_chain_finding check_signatures(STACK_OF(X509) * chain)
{
    char who[CERTIFICATE_WHO_SIZE];

    for (int i = 1; i + 1 < sk_X509_num(chain); i++) {
        const char *weakness = signature_weakness(sk_X509_value(chain, i));

        if (weakness == NULL)
            continue;
        certificate_who(sk_X509_value(chain, i), who);
        return cert_chain_refuse("weak-signature", "%s %s", who, weakness);
    }
    return cert_chain_good();
}

static struct cert_chain_finding build(const struct cert_chain_input *input,
                                       STACK_OF(X509) * others, struct cert_chain_result *result)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    struct cert_chain_finding finding;

    if (context == NULL || !prepare(context, input, result->leaf, others))
        finding =
            cert_chain_say(CERT_CHAIN_FAULT, "libcrypto", "libcrypto could not verify a chain");
    else if (X509_verify_cert(context) != 1)
        finding = cert_chain_error(context);
    else {
        result->certificates = X509_STORE_CTX_get1_chain(context);
        finding =
            result->certificates != NULL
                ? check_signatures(result->certificates)
                : cert_chain_say(CERT_CHAIN_FAULT, "memory", "no memory is left to verify a chain");
    }
    X509_STORE_CTX_free(context);
    return finding;
}

/* Of the policy's intermediates only the pointers are copied. */
static struct cert_chain_finding build_with_ours(const struct cert_chain_input *input,
                                                 STACK_OF(X509) * others,
                                                 struct cert_chain_result *result)
{
    STACK_OF(X509) * both;
    struct cert_chain_finding finding;

    if (input->intermediates == NULL)
        return build(input, others, result);
    both = sk_X509_dup(others);
    for (int i = 0; both != NULL && i < sk_X509_num(input->intermediates->certificates); i++)
        if (sk_X509_push(both, sk_X509_value(input->intermediates->certificates, i)) <= 0) {
            sk_X509_free(both);
            both = NULL;
        }
    if (both == NULL)
        return cert_chain_say(CERT_CHAIN_FAULT, "memory", "no memory is left to verify a chain");
    finding = build(input, both, result);
    sk_X509_free(both);
    return finding;
}

/* ---- the leaf ------------------------------------------------------------------------------------ */

static struct cert_chain_finding check_leaf(X509 *leaf)
{
    char who[CERTIFICATE_WHO_SIZE];

    if (X509_check_ca(leaf) == 0)
        return cert_chain_good();
    certificate_who(leaf, who);
    return cert_chain_refuse("ca-as-leaf", "%s is a CA, and CAs are no clients (basicConstraints)",
                             who);
}

static struct cert_chain_finding check_pins(const struct cert_chain_rules *rules, bool has_anchors,
                                            struct cert_chain_result *result)
{
    char who[CERTIFICATE_WHO_SIZE];

    for (size_t i = 0; i < rules->pin_count; i++)
        if (pin_is_of(&rules->pins[i], &result->digests)) {
            result->pinned = rules->pins[i].kind;
            return cert_chain_good();
        }
    if (rules->pin_count == 0)
        return has_anchors
                   ? cert_chain_good()
                   : cert_chain_refuse("unknown-issuer", "nothing vouches for any certificate");
    certificate_who(result->leaf, who);
    return cert_chain_refuse("pin", "%s is none of the option `pins`", who);
}

/* With pins alone: whoever signed it, the operator named it. What it says of itself must still hold. */
static struct cert_chain_finding check_alone(X509 *leaf, const struct cert_chain_result *result,
                                             int64_t now_s)
{
    char who[CERTIFICATE_WHO_SIZE];

    certificate_who(leaf, who);
    if (now_s >= result->not_after_s)
        return cert_chain_refuse("expired", "%s has expired", who);
    if (now_s < result->not_before_s)
        return cert_chain_refuse("not-yet-valid", "%s is not valid yet", who);
    if ((X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) ==
        0) /* all bits, if it does not say */
        return cert_chain_refuse("purpose",
                                 "%s is not for client authentication (extendedKeyUsage)", who);
    if ((X509_get_extension_flags(leaf) & EXFLAG_CRITICAL) != 0)
        return cert_chain_refuse("critical", "%s has a critical extension that is not known", who);
    return cert_chain_good();
}

/* An anchor that is itself the leaf has no issuer to ask. */
static struct cert_chain_finding prepare_question(const struct cert_chain_rules *rules,
                                                  struct cert_chain_result *result)
{
    if (!rules->asks_responder)
        return cert_chain_good();
    if (sk_X509_num(result->certificates) < 2)
        return cert_chain_refuse("revocation", "an anchor cannot be a client where OCSP is asked");
    return ocsp_question_of(result->leaf, sk_X509_value(result->certificates, 1), rules->ocsp_url,
                            &result->question)
               ? cert_chain_good()
               : cert_chain_say(CERT_CHAIN_FAULT, "memory",
                                "no question for an OCSP responder can be made");
}

/* ---- all of it ----------------------------------------------------------------------------------- */

/* False: a time that cannot be read. */
static bool read_times(struct cert_chain_result *result)
{
    int count = result->certificates != NULL ? sk_X509_num(result->certificates) : 0;
    int64_t from_s, until_s;

    result->not_before_s = INT64_MIN;
    result->not_after_s = INT64_MAX;
    for (int i = 0; i == 0 || i < count; i++) {
        const X509 *certificate = i == 0 ? result->leaf : sk_X509_value(result->certificates, i);

        if (!time_of(X509_get0_notBefore(certificate), &from_s) ||
            !time_of(X509_get0_notAfter(certificate), &until_s))
            return false;
        if (from_s > result->not_before_s)
            result->not_before_s = from_s;
        if (until_s < result->not_after_s)
            result->not_after_s = until_s;
    }
    return true;
}

static struct cert_chain_finding judge(const struct presented *presented,
                                       const struct cert_chain_input *input,
                                       STACK_OF(X509) * others, struct cert_chain_result *result)
{
    struct cert_chain_finding finding = read_presented(presented, &result->leaf, others);

    if (finding.verdict != CERT_CHAIN_GOOD)
        return finding;
    if (!pin_subject_of(presented->der[0], result->leaf, &result->digests))
        return cert_chain_say(CERT_CHAIN_FAULT, "libcrypto",
                              "SHA-256 is not available from libcrypto");
    finding = check_pins(input->rules, input->anchors != NULL, result);
    if (finding.verdict == CERT_CHAIN_GOOD && input->anchors != NULL)
        finding = check_leaf(result->leaf);
    if (finding.verdict == CERT_CHAIN_GOOD && input->anchors != NULL)
        finding = build_with_ours(input, others, result);
    if (finding.verdict != CERT_CHAIN_GOOD)
        return finding;
    if (!read_times(result))
        return cert_chain_refuse("encoding", "a certificate has a validity that cannot be read");
    if (input->anchors == NULL)
        return check_alone(result->leaf, result, input->now_s);
    finding = cert_chain_check_revoked(input, result);
    return finding.verdict == CERT_CHAIN_GOOD ? prepare_question(input->rules, result) : finding;
}

void cert_chain_done(struct cert_chain_result *result)
{
    X509_free(result->leaf);
    sk_X509_pop_free(result->certificates, X509_free);
    free(result->question.data);
    result->question = (struct ocsp_question){ NULL, 0 };
    result->leaf = NULL;
    result->certificates = NULL;
}

struct cert_chain_finding cert_chain_verify(const struct presented *presented,
                                            const struct cert_chain_input *input,
                                            struct cert_chain_result *ret_result)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    struct cert_chain_finding finding;

    memset(ret_result, 0, sizeof *ret_result);
    ret_result->lists_until_s = INT64_MAX;
    ERR_set_mark();
    finding = others != NULL ? judge(presented, input, others, ret_result)
                             : cert_chain_say(CERT_CHAIN_FAULT, "memory",
                                              "no memory is left to verify a chain");
    sk_X509_pop_free(others, X509_free);
    ERR_pop_to_mark();
    return finding;
}
