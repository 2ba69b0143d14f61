/*
 * paa/with_token.h: client keys that stay in a token (paa_client_tls.key_uri), as OpenSSL's EVP_PKEY. Optional; all of it
 * is inline, and nothing of it is part of the ABI. paa_with_ssl_ctx (paa/with_openssl.h) uses it by itself; hosts that
 * send with libcurl need no more than paa_client_tls_token.
 *
 * A provider that OpenSSL has loaded for the URI's scheme is asked before the engine "pkcs11".
 */
#ifndef PAA_WITH_TOKEN_H
#define PAA_WITH_TOKEN_H

#include <paa/paa.h>

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "paa/with_token.h needs OpenSSL 3"
#endif

PAA_BEGIN_DECLS

enum { PAA_WITH_TOKEN_NAME_MAX = 64 };

/* ---- the PIN ------------------------------------------------------------------------------------ */

/* The size of the PIN; -1: there is none. */
static inline int paa_with_token_on_pin(char *ret_text, int room, int is_for_writing, void *arg)
{
    const struct paa_str *pin = (const struct paa_str *)arg;

    (void)is_for_writing;
    if (pin->data == NULL || room < 0 || pin->size > (size_t)room)
        return -1;
    memcpy(ret_text, pin->data, pin->size);
    return (int)pin->size;
}

/* ---- the engine ------------------------------------------------------------------------------- */

#ifndef OPENSSL_NO_ENGINE

#if defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* engines: until there is a provider everywhere */
#endif

/* In OpenSSL's list; ENGINE_by_id would also look where the environment says. NULL: it is not there. */
static inline ENGINE *paa_with_token_engine(void)
{
    ENGINE *engine = ENGINE_get_first();

    while (engine != NULL && strcmp(ENGINE_get_id(engine), "pkcs11") != 0)
        engine = ENGINE_get_next(engine);
    return engine;
}

static inline EVP_PKEY *paa_with_token_ask_engine(const struct paa_client_tls *tls,
                                                  const char *uri)
{
    ENGINE *engine = paa_client_tls_token(tls, NULL) == 0 ? paa_with_token_engine() : NULL;
    struct paa_str pin = tls->key_pin; /* libp11 forgets it when the token has failed */
    UI_METHOD *asks = UI_UTIL_wrap_read_pem_callback(paa_with_token_on_pin, 0);
    EVP_PKEY *key = NULL;

    if (engine != NULL && asks != NULL && ENGINE_init(engine) == 1) {
        key = ENGINE_load_private_key(engine, uri, asks, &pin);
        (void)ENGINE_finish(engine);
    }
    UI_destroy_method(asks);
    (void)ENGINE_free(engine);
    return key;
}

#if defined __GNUC__
#pragma GCC diagnostic pop
#endif

#else

static inline EVP_PKEY *paa_with_token_ask_engine(const struct paa_client_tls *tls,
                                                  const char *uri)
{
    (void)tls;
    (void)uri;
    return NULL;
}

#endif

/* ---- a provider's store ------------------------------------------------------------------------ */

/* "provider=NAME" of the one that knows the scheme. OSSL_STORE alone would first take the URI for the name of a file. */
static inline int paa_with_token_provider(const char *uri, char *ret_properties, size_t size)
{
    char scheme[PAA_WITH_TOKEN_NAME_MAX];
    size_t length = strcspn(uri, ":");
    OSSL_STORE_LOADER *loader;

    if (length == 0 || length >= sizeof scheme)
        return 0;
    memcpy(scheme, uri, length);
    scheme[length] = '\0';
    ERR_set_mark();
    loader = OSSL_STORE_LOADER_fetch(NULL, scheme, NULL);
    ERR_pop_to_mark();
    if (loader == NULL)
        return 0;
    (void)snprintf(ret_properties, size, "provider=%s",
                   OSSL_PROVIDER_get0_name(OSSL_STORE_LOADER_get0_provider(loader)));
    OSSL_STORE_LOADER_free(loader);
    return 1;
}

static inline EVP_PKEY *paa_with_token_ask_store(const struct paa_client_tls *tls, const char *uri,
                                                 const char *properties)
{
    struct paa_str pin = tls->key_pin;
    UI_METHOD *asks = UI_UTIL_wrap_read_pem_callback(paa_with_token_on_pin, 0);
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex(uri, NULL, properties, asks, &pin, NULL, NULL, NULL);
    EVP_PKEY *key = NULL;

    if (store != NULL)
        (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    while (store != NULL && key == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info == NULL && OSSL_STORE_error(store))
            break;
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(store);
    UI_destroy_method(asks);
    return key;
}

/* ---- the key ----------------------------------------------------------------------------------- */

/* The private key that key_uri names, for EVP_PKEY_free; may block while the token answers. NULL: it is not to be had,
 * with OpenSSL's error queue telling more; do not ask again for every request, for a wrong PIN locks a token. */
static inline EVP_PKEY *paa_with_token_key(const struct paa_client_tls *tls)
{
    char properties[2 * PAA_WITH_TOKEN_NAME_MAX];
    char *uri = OPENSSL_strndup(tls->key_uri.data, tls->key_uri.size);
    EVP_PKEY *key = NULL;

    if (uri == NULL)
        return NULL;
    if (paa_with_token_provider(uri, properties, sizeof properties))
        key = paa_with_token_ask_store(tls, uri, properties);
    else
        key = paa_with_token_ask_engine(tls, uri);
    OPENSSL_free(uri);
    return key;
}

PAA_END_DECLS

#endif
