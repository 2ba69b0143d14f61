/*
 * paa/with_openssl.h: PAA and OpenSSL's TLS. Optional, for hosts that use it; all of it is inline, and
 * nothing of it is part of the ABI.
 *
 * OUTGOING                                        one SSL_CTX for each paa_client_tls.id
 *   paa_with_ssl_ctx(ctx, paa_txn_client_tls(txn))      CAs, versions, pins, certificate and key
 *   paa_with_ssl(ssl, "api.example.com")                whose certificate it must be
 *  A connection made for one id never carries another's request: keep contexts and connections by id.
 *
 * INCOMING                                        certificates are asked for, and policy decides
 *   paa_ssl_ctx_ask(ctx, names)                         once
 *   paa_ssl_peer(&options, ssl, &address)               for each connection, then paa_peer_open
 *  Nothing here judges a client's certificate: TLS proves that the client has its key, and the
 *  policy's steps (mtls, certificate-bound tokens) decide whether it is worth anything. So a request
 *  without one, or with one of nobody's, reaches the policy and is refused by it, where a step asks.
 *
 * Functions that can fail return 0, or -1 with OpenSSL's error queue telling more.
 */
#ifndef PAA_WITH_OPENSSL_H
#define PAA_WITH_OPENSSL_H

#include <paa/with_token.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "paa/with_openssl.h needs OpenSSL 3"
#endif

PAA_BEGIN_DECLS

/* ==== Outgoing =============================================================================== */

static inline BIO *paa_with_ssl_bio(struct paa_str pem)
{
    return pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
}

/* What ended the reading must be the end of the text, not a certificate that cannot be read. */
static inline int paa_with_ssl_is_end(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* The policy's CAs and no others; absent: the system's folder and file, whatever the environment says. */
static inline int paa_with_ssl_trust(SSL_CTX *ctx, struct paa_str pem)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = pem.data != NULL ? paa_with_ssl_bio(pem) : NULL;
    int count = 0, is_end = 1;
    X509 *ca;

    if (store == NULL || (pem.data != NULL && bio == NULL)) {
        X509_STORE_free(store);
        BIO_free(bio);
        return -1;
    }
    ERR_set_mark();
    if (bio != NULL) {
        while ((ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
            count += X509_STORE_add_cert(store, ca) == 1;
            X509_free(ca);
        }
        is_end = paa_with_ssl_is_end();
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    } else {
        count += X509_STORE_load_path(store, X509_get_default_cert_dir()) == 1;
        count += X509_STORE_load_file(store, X509_get_default_cert_file()) == 1;
    }
    ERR_pop_to_mark();
    BIO_free(bio);
    SSL_CTX_set_cert_store(ctx, store); /* ctx owns it now */
    return count > 0 && is_end ? 0 : -1;
}

static inline int paa_with_ssl_chain(SSL_CTX *ctx, struct paa_str pem)
{
    BIO *bio = paa_with_ssl_bio(pem);
    X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int is_good = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1 &&
                  SSL_CTX_clear_chain_certs(ctx) == 1;

    X509_free(cert);
    ERR_set_mark();
    while (is_good && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        is_good = SSL_CTX_add1_chain_cert(ctx, cert) == 1;
        X509_free(cert);
    }
    is_good = is_good && paa_with_ssl_is_end();
    ERR_pop_to_mark();
    BIO_free(bio);
    return is_good ? 0 : -1;
}

static inline int paa_with_ssl_key(SSL_CTX *ctx, struct paa_str pem)
{
    BIO *bio = paa_with_ssl_bio(pem);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    int is_good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return is_good ? 0 : -1;
}

/* One that cannot leave its token: it must be the certificate's. */
static inline int paa_with_ssl_token(SSL_CTX *ctx, const struct paa_client_tls *tls)
{
    EVP_PKEY *key = paa_with_token_key(tls);
    int is_good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    return is_good ? 0 : -1;
}

/* "sha256//" and the base64 of the digest: 52 characters each, parted by ";". */
enum { PAA_WITH_SSL_PIN = 44, PAA_WITH_SSL_PIN_AT = 8 };

static inline int paa_with_ssl_has_pin(X509 *leaf, const char *pins)
{
    unsigned char digest[SHA256_DIGEST_LENGTH], text[PAA_WITH_SSL_PIN + 1], *der = NULL;
    int size = leaf != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der) : 0;
    int is_there = 0;

    if (size <= 0)
        return 0;
    SHA256(der, (size_t)size, digest);
    OPENSSL_free(der);
    EVP_EncodeBlock(text, digest, SHA256_DIGEST_LENGTH);
    while (!is_there && strlen(pins) >= PAA_WITH_SSL_PIN_AT + PAA_WITH_SSL_PIN) {
        is_there = memcmp(pins + PAA_WITH_SSL_PIN_AT, text, PAA_WITH_SSL_PIN) == 0;
        pins += PAA_WITH_SSL_PIN_AT + PAA_WITH_SSL_PIN;
        pins += *pins == ';';
    }
    return is_there;
}

struct paa_with_ssl_checks { /* of one context, and freed with it */
    int verifies;            /* 0: INSECURE */
    char pins[1];            /* ends with NUL; "": none */
};

/* Does somebody say whose certificate it must be? Else OpenSSL would take anybody's. */
static inline int paa_with_ssl_has_name(X509_STORE_CTX *store)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
    char *ip = X509_VERIFY_PARAM_get1_ip_asc(param);
    int has_name = ip != NULL || X509_VERIFY_PARAM_get0_host(param, 0) != NULL;

    OPENSSL_free(ip);
    if (!has_name)
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return has_name;
}

/* In place of OpenSSL's own verification: that, and then the pins. */
static inline int paa_with_ssl_verify(X509_STORE_CTX *store, void *arg)
{
    const struct paa_with_ssl_checks *checks = (const struct paa_with_ssl_checks *)arg;

    if (checks == NULL || (checks->verifies &&
                           (!paa_with_ssl_has_name(store) || X509_verify_cert(store) != 1)))
        return 0;
    if (checks->pins[0] == '\0' ||
        paa_with_ssl_has_pin(X509_STORE_CTX_get0_cert(store), checks->pins))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static inline void paa_with_ssl_free(void *parent, void *checks, CRYPTO_EX_DATA *data, int index,
                                     long number, void *arg)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)arg;
    free(checks);
}

static int paa_with_ssl_index = -1; /* of a context's checks in its ex_data */
static CRYPTO_ONCE paa_with_ssl_once = CRYPTO_ONCE_STATIC_INIT;

static inline void paa_with_ssl_init(void)
{
    paa_with_ssl_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, paa_with_ssl_free);
}

static inline int paa_with_ssl_check(SSL_CTX *ctx, int verifies, struct paa_str pins)
{
    struct paa_with_ssl_checks *checks;

    if (CRYPTO_THREAD_run_once(&paa_with_ssl_once, paa_with_ssl_init) != 1 ||
        paa_with_ssl_index < 0 || SSL_CTX_get_ex_data(ctx, paa_with_ssl_index) != NULL)
        return -1; /* a context is for one id, and set up once */
    checks = (struct paa_with_ssl_checks *)calloc(1, sizeof *checks + pins.size);
    if (checks == NULL || SSL_CTX_set_ex_data(ctx, paa_with_ssl_index, checks) != 1) {
        free(checks);
        return -1;
    }
    checks->verifies = verifies;
    if (pins.size > 0)
        memcpy(checks->pins, pins.data, pins.size);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, paa_with_ssl_verify, checks);
    return 0;
}

/* ctx: a fresh SSL_CTX_new(TLS_client_method()), for this id alone. A key that cannot leave its token is asked for there
 * (paa/with_token.h), which may block. */
static inline int paa_with_ssl_ctx(SSL_CTX *ctx, const struct paa_client_tls *tls)
{
    if (tls == NULL || SSL_CTX_set_min_proto_version(ctx, (int)tls->min_version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, (int)tls->max_version) != 1)
        return -1;
    if (paa_with_ssl_trust(ctx, tls->trust_pem) != 0 ||
        paa_with_ssl_check(ctx, (tls->flags & PAA_CLIENT_TLS_INSECURE) == 0, tls->pins) != 0)
        return -1;
    if (tls->chain_pem.data != NULL && paa_with_ssl_chain(ctx, tls->chain_pem) != 0)
        return -1;
    if (tls->key_uri.data != NULL)
        return paa_with_ssl_token(ctx, tls);
    return tls->key_pem.data != NULL ? paa_with_ssl_key(ctx, tls->key_pem) : 0;
}

/* Before SSL_connect: the name or address that the certificate must be for, and that is asked for (SNI). Without it no server
 * is taken, unless the policy gave insecure_reason. */
static inline int paa_with_ssl(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return 0; /* RFC 6066 3: no SNI for addresses */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
                   SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                            (void *)(uintptr_t)host) == 1
               ? 0
               : -1;
}

/* ==== Incoming =============================================================================== */

enum { PAA_SSL_CERTS_MAX = 64 * 1024 }; /* bytes of one client's chain */

/* What OpenSSL would say of the chain is not asked: the policy's steps judge it. */
static inline int paa_ssl_take_all(X509_STORE_CTX *store, void *arg)
{
    (void)store;
    (void)arg;
    return 1;
}

/* A server's context asks for certificates from now on, and takes none as well. names: a PEM file of CAs whose names are
 * sent, so that clients know which certificate is meant; NULL: none, which most clients read as any. */
static inline int paa_ssl_ctx_ask(SSL_CTX *ctx, const char *names)
{
    static const unsigned char session[] = "paa"; /* RFC 5246: sessions with certificates have one */
    STACK_OF(X509_NAME) * list;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, paa_ssl_take_all, NULL);
    SSL_CTX_set_max_cert_list(ctx, PAA_SSL_CERTS_MAX);
    if (SSL_CTX_set_session_id_context(ctx, session, sizeof session - 1) != 1)
        return -1;
    if (names == NULL)
        return 0;
    list = SSL_load_client_CA_file(names);
    if (list == NULL)
        return -1;
    SSL_CTX_set_client_CA_list(ctx, list); /* ctx owns it now */
    return 0;
}

static inline int paa_ssl_give(struct paa_peer *peer, X509 *cert)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    int is_given = size > 0 && paa_peer_cert(peer, paa_bytes_of(der, (size_t)size)) == 0;

    OPENSSL_free(der);
    return is_given;
}

/* A paa_peer_cert_fn; user: the SSL, after its handshake. A server's list is without the leaf. */
static inline void paa_ssl_peer_certs(struct paa_peer *peer, void *user) PAA_NOEXCEPT
{
    SSL *ssl = (SSL *)user;
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *rest = SSL_get_peer_cert_chain(ssl);
    int is_given;

    if (leaf == NULL)
        return;
    ERR_set_mark();
    is_given = paa_ssl_give(peer, leaf);
    for (int i = 0; is_given && i < sk_X509_num(rest); i++)
        is_given = paa_ssl_give(peer, sk_X509_value(rest, i));
    ERR_pop_to_mark();
}

/* Fills *ret_options of a connection whose handshake is done. The SSL and *ret_address live until the peer is closed. After
 * a resumed TLS 1.2 session OpenSSL knows the SNI only if the context has a callback that accepted it. */
static inline void paa_ssl_peer(struct paa_peer_options *ret_options, SSL *ssl,
                                struct sockaddr_storage *ret_address)
{
    socklen_t size = sizeof *ret_address;
    int fd = SSL_get_fd(ssl);

    paa_init(ret_options, sizeof *ret_options);
    ret_options->flags = PAA_PEER_TLS;
    if (SSL_session_reused(ssl))
        ret_options->flags |= PAA_PEER_RESUMED;
    ret_options->server_name = paa_str_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    if (fd >= 0 && getpeername(fd, (struct sockaddr *)ret_address, &size) == 0)
        ret_options->address = paa_bytes_of(ret_address, size);
    ret_options->cert_fn = paa_ssl_peer_certs;
    ret_options->user = ssl;
}

PAA_END_DECLS

#endif
