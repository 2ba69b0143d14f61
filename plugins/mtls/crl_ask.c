/* SPDX-License-Identifier: MIT */
/* Is a certificate on the list of its issuer? A list's signature is computed once per key, for large ones take long. */
#include "crl_inner.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_SKEW_S = 60 };

static bool digest_key(const X509 *issuer, unsigned char ret_digest[CRL_DIGEST_SIZE])
{
    unsigned char *spki = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);
    bool is_done =
        size > 0 && EVP_Digest(spki, (size_t)size, ret_digest, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(spki);
    return is_done;
}

bool crl_is_signed_by(struct crl_list *list, X509 *issuer)
{
    unsigned char digest[CRL_DIGEST_SIZE];
    uint32_t unproven = CRL_UNPROVEN;

    if (!digest_key(issuer, digest))
        return false;
    if (atomic_load_explicit(&list->proven, memory_order_acquire) == CRL_PROVEN &&
        memcmp(digest, list->key, sizeof digest) == 0)
        return true;
    if (X509_CRL_verify(list->crl, X509_get0_pubkey(issuer)) != 1)
        return false;
    if (atomic_compare_exchange_strong(&list->proven, &unproven, CRL_PROVING)) {
        memcpy(list->key, digest, sizeof digest);
        atomic_store_explicit(&list->proven, CRL_PROVEN, memory_order_release);
    }
    return true;
}

static bool may_sign_lists(X509 *issuer)
{
    return (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0; /* all bits, if it does not say */
}

static bool is_about(const struct crl_list *list, const X509 *certificate, uint32_t kind)
{
    return (list->covers & kind) != 0 &&
           X509_NAME_cmp(X509_CRL_get_issuer(list->crl), X509_get_issuer_name(certificate)) == 0;
}

/* The newest of them that its issuer signed; of those that are no newer than the best one, the signature is not looked at. */
static struct crl_list *find(const struct crl_set *const *sets, size_t set_count,
                             const X509 *certificate, X509 *issuer, uint32_t kind,
                             const char **ret_why)
{
    struct crl_list *best = NULL;

    *ret_why = NULL;
    for (size_t s = 0; s < set_count; s++)
        for (size_t i = 0; sets[s] != NULL && i < sets[s]->count; i++) {
            struct crl_list *list = &sets[s]->lists[i];

            if (!is_about(list, certificate, kind) ||
                (best != NULL && list->this_s <= best->this_s))
                continue;
            if (crl_is_signed_by(list, issuer))
                best = list;
            else
                *ret_why = "has a list whose signature is not its";
        }
    return best;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct crl_serial));
}

static bool has(const struct crl_list *list, const X509 *certificate)
{
    struct crl_serial serial;

    return list->count > 0 && crl_serial_of(X509_get0_serialNumber(certificate), &serial) &&
           bsearch(&serial, list->serials, list->count, sizeof serial, compare) != NULL;
}

struct crl_said crl_ask(const struct crl_set *const *sets, size_t set_count,
                        const X509 *certificate, X509 *issuer, int64_t now_s)
{
    bool is_ca = X509_check_ca((X509 *)(uintptr_t)certificate) == 1;
    struct crl_said said = { CRL_NONE, 0, NULL };
    const struct crl_list *list;

    list = find(sets, set_count, certificate, issuer, is_ca ? CRL_COVERS_CAS : CRL_COVERS_USERS,
                &said.why);
    if (list == NULL)
        return said;
    if (!may_sign_lists(issuer)) {
        said.why = "may not sign lists (keyUsage)";
        return said;
    }
    said.until_s = list->next_s;
    if (has(list, certificate))
        said.answer = CRL_REVOKED;
    else
        said.answer =
            now_s < list->this_s - CLOCK_SKEW_S || now_s >= list->next_s ? CRL_OLD : CRL_GOOD;
    return said;
}
