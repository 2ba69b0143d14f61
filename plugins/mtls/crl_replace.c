/* SPDX-License-Identifier: MIT */
/* Whether lists that were fetched are worth keeping, before they push out what is there. */
#include "crl_inner.h"

#include <string.h>

static bool is_of(const struct crl_list *list, const X509 *issuer)
{
    return X509_NAME_cmp(X509_CRL_get_issuer(list->crl), X509_get_subject_name(issuer)) == 0;
}

/* Who signed it; NULL: none of those. *ret_is_known: some of them have its issuer's name. */
static X509 *signer_of(struct crl_list *list, const STACK_OF(X509) *const *known,
                       size_t known_count, bool *ret_is_known)
{
    *ret_is_known = false;
    for (size_t i = 0; i < known_count; i++)
        for (int k = 0; k < sk_X509_num(known[i]); k++) {
            X509 *issuer = sk_X509_value(known[i], k);

            if (!is_of(list, issuer))
                continue;
            *ret_is_known = true;
            if (crl_is_signed_by(list, issuer))
                return issuer;
        }
    return NULL;
}

static bool is_older(const struct crl_list *list, const struct crl_set *previous, X509 *issuer)
{
    for (size_t i = 0; previous != NULL && i < previous->count; i++) {
        struct crl_list *other = &previous->lists[i];

        if ((other->covers & list->covers) != 0 && other->this_s > list->this_s &&
            is_of(other, issuer) && crl_is_signed_by(other, issuer))
            return true;
    }
    return false;
}

/* Whose certificates the lists of that issuer are about. */
static uint32_t covered_by(const struct crl_set *set, X509 *issuer)
{
    uint32_t covers = 0;

    for (size_t i = 0; i < set->count; i++)
        if (is_of(&set->lists[i], issuer) && crl_is_signed_by(&set->lists[i], issuer))
            covers |= set->lists[i].covers;
    return covers;
}

/* A list in another one's place would let in whom that one names. */
static bool leaves_out(const struct crl_set *set, const struct crl_set *previous,
                       const STACK_OF(X509) *const *known, size_t known_count)
{
    for (size_t i = 0; previous != NULL && i < previous->count; i++) {
        struct crl_list *list = &previous->lists[i];
        bool is_known;
        X509 *issuer = signer_of(list, known, known_count, &is_known);

        if (issuer != NULL && (list->covers & ~covered_by(set, issuer)) != 0)
            return true;
    }
    return false;
}

const char *crl_set_may_replace(const struct crl_set *set, const struct crl_set *previous,
                                const STACK_OF(X509) *const *known, size_t known_count)
{
    for (size_t i = 0; i < set->count; i++) {
        struct crl_list *list = &set->lists[i];
        bool is_known;
        X509 *issuer = signer_of(list, known, known_count, &is_known);

        if (issuer == NULL && is_known)
            return "has a list that its issuer has not signed";
        if (issuer != NULL && is_older(list, previous, issuer))
            return "is older than the one that is there";
    }
    return leaves_out(set, previous, known, known_count)
               ? "has no list of an issuer that the one that is there has"
               : NULL;
}
