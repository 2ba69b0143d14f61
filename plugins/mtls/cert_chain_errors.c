/* SPDX-License-Identifier: MIT */
/* Why a chain is not good, in a word for counters and a sentence for operators. */
#include "cert_chain_inner.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- saying why ---------------------------------------------------------------------------------- */

PAA_PRINTF(3, 0)
static struct cert_chain_finding say(enum cert_chain_verdict verdict, const char *reason,
                                     const char *format, va_list arguments)
{
    struct cert_chain_finding finding = { .verdict = verdict, .reason = reason };

    (void)vsnprintf(finding.sentence, sizeof finding.sentence, format, arguments);
    return finding;
}

struct cert_chain_finding cert_chain_say(enum cert_chain_verdict verdict, const char *reason,
                                         const char *format, ...)
{
    struct cert_chain_finding finding;
    va_list arguments;

    va_start(arguments, format);
    finding = say(verdict, reason, format, arguments);
    va_end(arguments);
    return finding;
}

struct cert_chain_finding cert_chain_refuse(const char *reason, const char *format, ...)
{
    struct cert_chain_finding finding;
    va_list arguments;

    va_start(arguments, format);
    finding = say(CERT_CHAIN_REFUSED, reason, format, arguments);
    va_end(arguments);
    return finding;
}

/* ---- what X509_verify_cert says ------------------------------------------------------------------- */

struct meaning {
    int error;
    const char *reason;
    const char *sentence; /* behind the certificate's name */
};

static const struct meaning meanings[] = {
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "unknown-issuer", NULL },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown-issuer", NULL },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown-issuer", NULL },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "unknown-issuer",
      "signed itself, and is no anchor of `trust`" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown-issuer",
      "signed itself, and is no anchor of `trust`" },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, "signature",
      "holds a signature that its issuer did not make" },
    { X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, "signature",
      "holds a signature that its issuer did not make" },
    { X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, "signature",
      "has an issuer whose key cannot be read" },
    { X509_V_ERR_CERT_HAS_EXPIRED, "expired", "has expired" },
    { X509_V_ERR_CERT_NOT_YET_VALID, "not-yet-valid", "is not valid yet" },
    { X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, "encoding", "has a notBefore that is no time" },
    { X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, "encoding", "has a notAfter that is no time" },
    { X509_V_ERR_INVALID_CA, "no-ca", "signed another one and is no CA (basicConstraints)" },
    { X509_V_ERR_INVALID_NON_CA, "no-ca", "is a CA where none may stand" },
    { X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "no-ca",
      "signed another one and may not sign certificates (keyUsage)" },
    { X509_V_ERR_PATH_LENGTH_EXCEEDED, "path-length",
      "allows fewer intermediates below it (pathLenConstraint)" },
    { X509_V_ERR_CERT_CHAIN_TOO_LONG, "depth",
      "stands behind more intermediates than the option `depth` allows" },
    { X509_V_ERR_INVALID_PURPOSE, "purpose",
      "is not for client authentication (extendedKeyUsage, keyUsage)" },
    { X509_V_ERR_CERT_REJECTED, "purpose", "is not for client authentication (trust settings)" },
    { X509_V_ERR_CERT_UNTRUSTED, "unknown-issuer", "is not trusted for client authentication" },
    { X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "critical",
      "has a critical extension that is not known" },
    { X509_V_ERR_INVALID_EXTENSION, "encoding", "has an extension that cannot be read" },
    { X509_V_ERR_PERMITTED_VIOLATION, "name-constraints",
      "has a name that its CA may not vouch for (nameConstraints)" },
    { X509_V_ERR_EXCLUDED_VIOLATION, "name-constraints",
      "has a name that its CA may not vouch for (nameConstraints)" },
    { X509_V_ERR_SUBTREE_MINMAX, "name-constraints",
      "stands under nameConstraints that cannot be checked" },
    { X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, "name-constraints",
      "stands under nameConstraints that cannot be checked" },
    { X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, "name-constraints",
      "stands under nameConstraints that cannot be checked" },
    { X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, "name-constraints",
      "has a name that nameConstraints cannot be checked with" },
    { X509_V_ERR_NO_EXPLICIT_POLICY, "policy",
      "stands under a CA that asks for a policy, and was not issued under one "
      "(policyConstraints)" },
    { X509_V_ERR_INVALID_POLICY_EXTENSION, "encoding", "has a policy that cannot be read" },
    { X509_V_ERR_EE_KEY_TOO_SMALL, "weak-key", "has a key that is too short" },
    { X509_V_ERR_CA_KEY_TOO_SMALL, "weak-key", "has a key that is too short" },
    { X509_V_ERR_CA_MD_TOO_WEAK, "weak-signature", "is signed with a digest that is too weak" },
};

static const struct meaning *meaning_of(int error)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].error == error)
            return &meanings[i];
    return NULL;
}

static struct cert_chain_finding unknown_issuer(const X509 *certificate, const char *who)
{
    char *issuer = dn_text(X509_get_issuer_name(certificate));
    struct cert_chain_finding finding =
        cert_chain_refuse("unknown-issuer",
                          "%s was issued by \"%.128s\", which is no anchor of `trust`, and no "
                          "intermediate leads there",
                          who, issuer != NULL ? issuer : "");

    free(issuer);
    return finding;
}

struct cert_chain_finding cert_chain_error(X509_STORE_CTX *context)
{
    int error = X509_STORE_CTX_get_error(context);
    const X509 *certificate = X509_STORE_CTX_get_current_cert(context);
    const struct meaning *meaning = meaning_of(error);
    char who[CERTIFICATE_WHO_SIZE] = "a certificate of the chain";

    if (error == X509_V_ERR_OUT_OF_MEM || error == X509_V_ERR_UNSPECIFIED || error == X509_V_OK)
        return cert_chain_say(CERT_CHAIN_FAULT, "libcrypto", "libcrypto could not verify a chain");
    if (certificate != NULL)
        certificate_who(certificate, who);
    if (meaning == NULL)
        return cert_chain_refuse("chain", "%s: %s", who, X509_verify_cert_error_string(error));
    if (meaning->sentence == NULL && certificate != NULL)
        return unknown_issuer(certificate, who);
    return cert_chain_refuse(meaning->reason, "%s %s", who,
                             meaning->sentence != NULL ? meaning->sentence
                                                       : "leads to no anchor of `trust`");
}
