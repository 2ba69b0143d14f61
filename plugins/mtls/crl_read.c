/* SPDX-License-Identifier: MIT */
/* From the bytes of lists to struct crl_set. What cannot be judged later is refused here. */
#include "crl_inner.h"

#include "certificate.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

void crl_set_free(struct crl_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++) {
        X509_CRL_free(set->lists[i].crl);
        free(set->lists[i].serials);
    }
    free(set->lists);
    free(set);
}

size_t crl_set_bytes(const struct crl_set *set)
{
    return set->bytes;
}

size_t crl_set_entries(const struct crl_set *set)
{
    size_t entries = 0;

    for (size_t i = 0; i < set->count; i++)
        entries += set->lists[i].count;
    return entries;
}

int64_t crl_set_until_s(const struct crl_set *set)
{
    int64_t until_s = INT64_MAX;

    for (size_t i = 0; i < set->count; i++)
        if (set->lists[i].next_s < until_s)
            until_s = set->lists[i].next_s;
    return until_s;
}

/* ---- one list ------------------------------------------------------------------------------------ */

bool crl_serial_of(const ASN1_INTEGER *serial, struct crl_serial *ret_serial)
{
    int size = ASN1_STRING_length(serial);

    memset(ret_serial, 0, sizeof *ret_serial);
    if (size < 0 || size > CRL_SERIAL_MAX)
        return false;
    memcpy(ret_serial->bytes, ASN1_STRING_get0_data(serial), (size_t)size);
    ret_serial->size = (unsigned char)size;
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        ret_serial->size |= CRL_SERIAL_NEGATIVE;
    return true;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct crl_serial));
}

/* Critical extensions of an entry say something that is not understood (certificateIssuer, say). */
static bool is_plain(const X509_REVOKED *entry)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++)
        if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, i)))
            return false;
    return true;
}

/* glibc joins what was freed in small pieces when the next large piece is asked for. That takes long here, so it is done on
 * this thread, and not under a request. */
enum { SETTLING_BYTES = 100 * 1024 };

/* The serials, and then libcrypto's own entries are freed: they take ten times as much. */
static const char *take_serials(struct crl_list *list)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list->crl);
    int count = entries != NULL ? sk_X509_REVOKED_num(entries) : 0;
    X509_REVOKED *entry;

    if (count <= 0)
        return NULL;
    list->serials = (struct crl_serial *)calloc((size_t)count, sizeof *list->serials);
    if (list->serials == NULL)
        return "finds no memory";
    for (int i = 0; i < count; i++) {
        entry = sk_X509_REVOKED_value(entries, i);
        if (!crl_serial_of(X509_REVOKED_get0_serialNumber(entry), &list->serials[i]))
            return "has an entry with a serial of more than 20 bytes";
        if (!is_plain(entry))
            return "has an entry with a critical extension";
    }
    list->count = (size_t)count;
    qsort(list->serials, list->count, sizeof *list->serials, compare);
    while ((entry = sk_X509_REVOKED_pop(entries)) != NULL)
        X509_REVOKED_free(entry);
    OPENSSL_free(OPENSSL_malloc(SETTLING_BYTES));
    return NULL;
}

/* issuingDistributionPoint (RFC 5280 5.2.5): whose certificates it is about. */
static const char *read_scope(struct crl_list *list)
{
    int critical;
    ISSUING_DIST_POINT *scope =
        (ISSUING_DIST_POINT *)X509_CRL_get_ext_d2i(list->crl, NID_issuing_distribution_point,
                                                   &critical, NULL);
    const char *why = NULL;

    list->covers = CRL_COVERS_USERS | CRL_COVERS_CAS;
    if (scope == NULL)
        return critical == -1 ? NULL : "has an issuingDistributionPoint that cannot be read";
    if (scope->distpoint != NULL)
        why = "is one part of a partitioned list (issuingDistributionPoint)";
    else if (scope->indirectCRL > 0 || scope->onlyattr > 0 || scope->onlysomereasons != NULL)
        why = "is indirect, or about some reasons only (issuingDistributionPoint)";
    else if (scope->onlyuser > 0)
        list->covers = CRL_COVERS_USERS;
    else if (scope->onlyCA > 0)
        list->covers = CRL_COVERS_CAS;
    ISSUING_DIST_POINT_free(scope);
    return why;
}

static const char *check_extensions(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

        if (nid == NID_delta_crl)
            return "is a delta list";
        if (X509_EXTENSION_get_critical(extension) && nid != NID_issuing_distribution_point)
            return "has a critical extension that is not known";
    }
    return NULL;
}

static const char *read_list(struct crl_list *list, X509_CRL *crl)
{
    const X509_ALGOR *algorithm;
    const char *why;

    list->crl = crl;
    if (!time_of(X509_CRL_get0_lastUpdate(crl), &list->this_s) ||
        !time_of(X509_CRL_get0_nextUpdate(crl), &list->next_s))
        return "has no thisUpdate or no nextUpdate that can be read";
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    why = signature_weakness_of(algorithm);
    if (why == NULL)
        why = check_extensions(crl);
    if (why == NULL)
        why = read_scope(list);
    return why != NULL ? why : take_serials(list);
}

/* ---- sets ---------------------------------------------------------------------------------------- */

static const char *add(struct crl_set *set, X509_CRL *crl)
{
    struct crl_list *lists =
        (struct crl_list *)realloc(set->lists, (set->count + 1) * sizeof *lists);

    if (lists == NULL) {
        X509_CRL_free(crl);
        return "finds no memory";
    }
    set->lists = lists;
    memset(&lists[set->count], 0, sizeof *lists);
    return read_list(&lists[set->count++], crl);
}

static const char *read_pem(struct crl_set *set, struct paa_bytes part)
{
    BIO *in = BIO_new_mem_buf(part.data, (int)part.size);
    const char *why = NULL;
    X509_CRL *crl;

    while (in != NULL && why == NULL && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL)) != NULL)
        why = add(set, crl);
    BIO_free(in);
    if (why == NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        why = "holds a list that cannot be read";
    return why;
}

static const char *read_part(struct crl_set *set, struct paa_bytes part)
{
    const unsigned char *at = part.data;
    size_t count = set->count;
    const char *why;
    X509_CRL *crl;

    if (part.size == 0 || part.size > CRL_PART_MAX)
        return "is empty, or larger than 64 MiB";
    set->bytes += part.size;
    if (part.data[0] != 0x30) { /* no SEQUENCE: PEM */
        why = read_pem(set, part);
        return why != NULL || set->count > count ? why : "holds no revocation list";
    }
    crl = d2i_X509_CRL(NULL, &at, (long)part.size);
    if (crl != NULL && at == part.data + part.size)
        return add(set, crl);
    X509_CRL_free(crl);
    return "holds a list that cannot be read";
}

static struct crl_set *read_all(const struct paa_bytes *parts, size_t part_count, const char *what,
                                char ret_why[CRL_WHY_SIZE])
{
    struct crl_set *set = (struct crl_set *)calloc(1, sizeof *set);
    const char *why = set == NULL       ? "finds no memory"
                      : part_count == 0 ? "is an empty folder"
                                        : NULL;
    size_t i = 0;

    while (why == NULL && i < part_count)
        why = read_part(set, parts[i++]);
    if (why == NULL) {
        set->bytes += sizeof *set + set->count * sizeof *set->lists +
                      crl_set_entries(set) * sizeof(struct crl_serial);
        return set;
    }
    (void)snprintf(ret_why, CRL_WHY_SIZE, "of `%s`, list or file %zu %s", what, i, why);
    crl_set_free(set);
    return NULL;
}

struct crl_set *crl_set_read(const struct paa_bytes *parts, size_t part_count, const char *what,
                             char ret_why[CRL_WHY_SIZE])
{
    struct crl_set *set;

    ERR_set_mark();
    set = read_all(parts, part_count, what, ret_why);
    ERR_pop_to_mark();
    return set;
}
