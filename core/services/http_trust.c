/* SPDX-License-Identifier: MIT */
/*
 * CAs as OpenSSL wants them: those that the policy names, or the system's, and never what the environment says
 * (SSL_CERT_FILE, OPENSSL_CONF). Each set is read once, when the first connection needs it. Knows no libcurl.
 */
#include "http_inner.h"

#include "str.h"
#include "trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECURITY_LEVEL_MIN = 2, WHY_MAX = 400 }; /* 112 bits */

struct http_trust {
    struct list link;
    struct http *http;
    unsigned holders;
    uint64_t tls_id; /* 0: the system's */
    uint64_t version;
    X509_STORE *store; /* NULL: not read yet, or not readable; the reactor's thread */
    bool is_read;
    char why[WHY_MAX];
    size_t pem_size;
    char pem[];
};

/* ---- which ones, and how long ------------------------------------------------------------------- */

struct http_trust *trust_find(struct http *http, uint64_t tls_id, uint64_t version)
{
    for (struct list *at = http->trusts.next; at != &http->trusts; at = at->next) {
        struct http_trust *trust = LIST_ENTRY(at, struct http_trust, link);

        if (trust->tls_id == tls_id && trust->version == version)
            return trust;
    }
    return NULL;
}

struct http_trust *trust_add(struct http *http, uint64_t tls_id, uint64_t version,
                             struct paa_str pem)
{
    struct http_trust *trust = calloc(1, sizeof *trust + pem.size + 1);

    if (trust == NULL)
        return NULL;
    trust->http = http;
    trust->tls_id = tls_id;
    trust->version = version;
    trust->pem_size = pem.size;
    if (pem.size > 0)
        memcpy(trust->pem, pem.data, pem.size);
    list_add_last(&http->trusts, &trust->link);
    return trust;
}

void trust_hold(struct http_trust *trust)
{
    trust->holders++;
}

void trust_drop(struct http_trust *trust)
{
    if (trust == NULL || --trust->holders > 0)
        return;
    list_remove(&trust->link);
    X509_STORE_free(trust->store);
    free(trust);
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* Every certificate of the PEM; what else stands there is passed over. */
static size_t add_pem(X509_STORE *store, const char *pem, size_t size)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    size_t count = 0;
    X509 *ca;

    while (bio != NULL && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(store, ca) == 1;
        X509_free(ca);
    }
    BIO_free(bio);
    return count;
}

/* The distribution's folder of CAs by hash, which are read as they are needed. */
static bool add_system(X509_STORE *store, char why[WHY_MAX])
{
    const char *folder = X509_get_default_cert_dir();
    struct paa_error error = { "" };
    struct stat st;
    int fd = trust_open(folder, TRUST_FOLDER, &st, NULL, &error);

    if (fd < 0) {
        (void)snprintf(why, WHY_MAX, "the system's CAs are no use (%.300s): name yours with tls.ca",
                       error.text);
        return false;
    }
    close(fd);
    if (X509_STORE_load_path(store, folder) == 1)
        return true;
    (void)snprintf(why, WHY_MAX,
                   "the system's CAs in %.200s cannot be read: name yours with tls.ca", folder);
    return false;
}

static bool read_all(struct http_trust *trust, X509_STORE *store)
{
    if (trust->tls_id == 0)
        return add_system(store, trust->why);
    if (trust->pem_size <= INT32_MAX && add_pem(store, trust->pem, trust->pem_size) > 0)
        return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    (void)snprintf(trust->why, WHY_MAX,
                   "the file of tls.ca holds no certificate: it must be PEM, \"-----BEGIN "
                   "CERTIFICATE-----\"");
    return false;
}

bool trust_is_ready(struct http_trust *trust, const char **ret_why)
{
    *ret_why = trust->why;
    if (trust->is_read)
        return trust->store != NULL;
    trust->is_read = true;
    ERR_set_mark();
    trust->store = X509_STORE_new();
    if (trust->store == NULL || !read_all(trust, trust->store)) {
        X509_STORE_free(trust->store);
        trust->store = NULL;
    }
    ERR_pop_to_mark();
    return trust->store != NULL;
}

/* ---- one connection ------------------------------------------------------------------------------ */

bool trust_apply(struct http_trust *trust, void *ssl_ctx)
{
    SSL_CTX *context = ssl_ctx;
    X509_STORE *none = trust == NULL ? X509_STORE_new() : NULL;
    X509_STORE *store = trust != NULL ? trust->store : none;
    bool is_done;

    if (store == NULL)
        return false;
    SSL_CTX_set_keylog_callback(context, NULL); /* SSLKEYLOGFILE */
    SSL_CTX_clear_options(context,
                          SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    if (SSL_CTX_get_security_level(context) < SECURITY_LEVEL_MIN)
        SSL_CTX_set_security_level(context, SECURITY_LEVEL_MIN);
    SSL_CTX_set1_cert_store(context, store);
    is_done = SSL_CTX_set1_verify_cert_store(context, store) == 1;
    X509_STORE_free(none);
    return is_done;
}

const char *trust_words(long verified)
{
    return X509_verify_cert_error_string(verified);
}
