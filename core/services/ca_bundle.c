/* SPDX-License-Identifier: MIT */
/* ca_bundle.h by libcrypto, which reads each certificate once, so that a host meets none that cannot be read. */
#include "ca_bundle.h"

#include "source_read.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static bool refuse(struct paa_error *error, const char *place, const char *sentence)
{
    (void)snprintf(error->text, sizeof error->text, "%.400s %s", place, sentence);
    return false;
}

/* Nothing stands behind the last one but what is no PEM: a certificate that cannot be read is no end. */
static bool is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static bool copy_part(const struct source_part *part, BIO *out, size_t *count)
{
    BIO *in = BIO_new_mem_buf(part->data, (int)part->size);
    bool is_good = in != NULL;
    X509 *ca;

    while (is_good && (ca = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        is_good = PEM_write_bio_X509(out, ca) == 1;
        X509_free(ca);
        ++*count;
    }
    is_good = is_good && is_at_end();
    BIO_free(in);
    return is_good;
}

static bool copy_all(const struct source_bytes *bytes, BIO *out, const char *place,
                     struct paa_error *error)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes->count; i++)
        if (bytes->parts[i].size > INT32_MAX || !copy_part(&bytes->parts[i], out, &count))
            return refuse(error, place, "holds a certificate that cannot be read");
    return count > 0 || refuse(error, place,
                               "holds no CA certificate: PEM is needed (\"-----BEGIN "
                               "CERTIFICATE-----\")");
}

static bool take(BIO *out, struct ca_bundle *bundle)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char *data = NULL, *copy;
    long size = BIO_get_mem_data(out, &data);

    copy = size > 0 ? malloc((size_t)size) : NULL;
    if (copy == NULL)
        return false;
    memcpy(copy, data, (size_t)size);
    bundle->pem = paa_str_of_n(copy, (size_t)size);
    if (EVP_Digest(data, (size_t)size, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    memcpy(&bundle->id, digest, sizeof bundle->id);
    return true;
}

static void free_bundle(void *object)
{
    struct ca_bundle *bundle = object;

    free((void *)(uintptr_t)bundle->pem.data);
    free(bundle);
}

static void *make(const struct source_bytes *bytes, const struct source_spec *specs, size_t count,
                  void *arg, struct paa_error *error)
{
    struct ca_bundle *bundle = calloc(1, sizeof *bundle);
    int saved = errno;
    bool is_good;
    BIO *out;

    (void)arg;
    (void)count;
    (void)ERR_set_mark();
    out = BIO_new(BIO_s_mem());
    is_good = bundle != NULL && out != NULL;
    if (!is_good)
        (void)refuse(error, source_place(specs), "cannot be read: no memory is left");
    is_good = is_good && copy_all(bytes, out, source_place(specs), error);
    if (is_good && !take(out, bundle))
        is_good = refuse(error, source_place(specs), "cannot be read: no memory is left");
    BIO_free(out);
    (void)ERR_pop_to_mark();
    errno = saved;
    if (is_good)
        return bundle;
    if (bundle != NULL)
        free_bundle(bundle);
    return NULL;
}

struct paa_source *ca_bundle_open(struct sources *sources, const struct source_spec *spec,
                                  struct paa_error *error)
{
    static const struct source_decoder decoder = { make, free_bundle, NULL };

    return source_open_decoded(sources, spec, 1, &decoder, error);
}

const struct ca_bundle *ca_bundle_pin(struct pins *pins, const struct paa_source *source)
{
    return source_pin(pins, source);
}
