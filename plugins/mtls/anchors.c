/* SPDX-License-Identifier: MIT */
#include "anchors.h"

#include "certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANCHOR_BYTES = 8 * 1024 }; /* what libcrypto keeps for one, about: for the memo's account */

void anchors_free(struct anchors *anchors)
{
    if (anchors == NULL)
        return;
    X509_STORE_free(anchors->store);
    sk_X509_pop_free(anchors->certificates, X509_free);
    free(anchors);
}

/* Takes the certificate. */
static bool add(struct anchors *anchors, X509 *certificate)
{
    bool is_done = true;

    (void)X509_check_purpose(certificate, -1, 0); /* its extensions are read now, once */
    if (key_weakness(X509_get0_pubkey(certificate)) != NULL) {
        anchors->weak++;
        X509_free(certificate);
        return true;
    }
    is_done = X509_STORE_add_cert(anchors->store, certificate) == 1 &&
              sk_X509_push(anchors->certificates, certificate) > 0;
    if (is_done) {
        anchors->links += (X509_get_extension_flags(certificate) & EXFLAG_SS) == 0;
        anchors->slow += key_is_slow(X509_get0_pubkey(certificate));
    } else {
        X509_free(certificate);
    }
    anchors->bytes += ANCHOR_BYTES;
    return is_done;
}

/* How many certificates were in it; -1: one cannot be read, or no memory. */
static int read_part(struct anchors *anchors, struct paa_bytes part)
{
    BIO *in = part.size <= INT32_MAX ? BIO_new_mem_buf(part.data, (int)part.size) : NULL;
    X509 *certificate;
    int count = 0;

    while (in != NULL && (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        if (!add(anchors, certificate)) {
            BIO_free(in);
            return -1;
        }
        count++;
    }
    BIO_free(in);
    if (count > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
        return count; /* the end of the file */
    return count > 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE ? -1 : 0;
}

static struct anchors *new_anchors(void)
{
    struct anchors *anchors = (struct anchors *)calloc(1, sizeof *anchors);

    if (anchors == NULL)
        return NULL;
    anchors->store = X509_STORE_new();
    anchors->certificates = sk_X509_new_null();
    anchors->bytes = sizeof *anchors;
    if (anchors->store != NULL && anchors->certificates != NULL)
        return anchors;
    anchors_free(anchors);
    return NULL;
}

static struct anchors *refuse(struct anchors *anchors, const char *what, size_t part,
                              size_t part_count, const char *sentence,
                              char ret_why[ANCHORS_WHY_SIZE])
{
    if (part_count > 1)
        (void)snprintf(ret_why, ANCHORS_WHY_SIZE, "file %zu (in order of name) of `%s` %s",
                       part + 1, what, sentence);
    else
        (void)snprintf(ret_why, ANCHORS_WHY_SIZE, "the file of `%s` %s", what, sentence);
    anchors_free(anchors);
    return NULL;
}

static struct anchors *read_all(const struct paa_bytes *parts, size_t part_count, const char *what,
                                char ret_why[ANCHORS_WHY_SIZE])
{
    struct anchors *anchors = new_anchors();

    if (anchors == NULL || part_count == 0)
        return refuse(anchors, what, 0, 1,
                      anchors == NULL ? "finds no memory" : "is an empty folder", ret_why);
    for (size_t i = 0; i < part_count; i++) {
        int count = read_part(anchors, parts[i]);

        if (count <= 0)
            return refuse(anchors, what, i, part_count,
                          count < 0 ? "holds a certificate that cannot be read"
                                    : "holds no PEM certificate",
                          ret_why);
    }
    if (sk_X509_num(anchors->certificates) == 0)
        return refuse(anchors, what, 0, 1, "holds none whose key is strong enough", ret_why);
    return anchors;
}

struct anchors *anchors_read(const struct paa_bytes *parts, size_t part_count, const char *what,
                             char ret_why[ANCHORS_WHY_SIZE])
{
    struct anchors *anchors;

    ERR_set_mark();
    anchors = read_all(parts, part_count, what, ret_why);
    ERR_pop_to_mark();
    return anchors;
}
