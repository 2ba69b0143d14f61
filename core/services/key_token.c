/* SPDX-License-Identifier: MIT */
/* key_token.h: keys by process, and OSSL_STORE. The engine is key_engine.c's. */
#include "key_token.h"

#include "key_engine.h"
#include "secret.h"
#include "services.h"
#include "str.h"
#include "units.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCHEME_MAX = 32, PROPERTIES_MAX = 128 };

#define NEVER INT64_MAX

struct key_token {
    char *uri;
    char *module; /* NULL: none */
    char *pin;    /* secret memory, NUL-terminated; NULL: none */
    size_t pin_room;
    EVP_PKEY *pkey; /* all below: of process pid, under the engine's lock */
    pid_t pid;
    int64_t
        retry_ms; /* not before; 0: at once; NEVER: the token has refused the PIN; a child knows what its parent knew */
};

/* ---- life -------------------------------------------------------------------------------------- */

struct key_token *key_token_new(struct paa_str uri, struct paa_bytes pin, const char *module)
{
    struct key_token *token = calloc(1, sizeof *token);

    if (token == NULL)
        return NULL;
    token->uri = strndup(uri.data, uri.size);
    token->module = module != NULL ? strdup(module) : NULL;
    token->pin_room = pin.size + 1;
    token->pin = pin.data != NULL ? secret_alloc(token->pin_room) : NULL;
    if (token->pin != NULL && pin.size > 0)
        memcpy(token->pin, pin.data, pin.size);
    if (token->uri != NULL && (module == NULL || token->module != NULL) &&
        (pin.data == NULL || token->pin != NULL))
        return token;
    key_token_free(token);
    return NULL;
}

/* A key that another process took is left alone: its session is that process's. */
void key_token_free(struct key_token *token)
{
    if (token == NULL)
        return;
    if (token->pid == getpid())
        EVP_PKEY_free(token->pkey);
    secret_free(token->pin, token->pin_room);
    free(token->module);
    free(token->uri);
    free(token);
}

struct paa_str key_token_uri(const struct key_token *token)
{
    return paa_str_of(token->uri);
}

struct paa_str key_token_module(const struct key_token *token)
{
    return paa_str_of(token->module);
}

struct paa_str key_token_pin(const struct key_token *token)
{
    return paa_str_of(token->pin);
}

/* ---- OSSL_STORE -------------------------------------------------------------------------------- */

static int on_pin(char *ret_text, int room, int is_for_writing, void *arg)
{
    const struct key_token *token = arg;
    size_t size = token->pin != NULL ? strlen(token->pin) : 0;

    (void)is_for_writing;
    if (token->pin == NULL || size > (size_t)room)
        return -1;
    memcpy(ret_text, token->pin, size);
    return (int)size;
}

/* OSSL_STORE tries "file" first, whatever the URI says, and would take a file of that name: only loaders of the provider
 * that knows the scheme may be asked. False: there is none. */
static bool provider_of(const char *uri, char ret_properties[PROPERTIES_MAX])
{
    size_t size = strcspn(uri, ":");
    OSSL_STORE_LOADER *loader;
    char scheme[SCHEME_MAX];

    if (size == 0 || size >= sizeof scheme)
        return false;
    memcpy(scheme, uri, size);
    scheme[size] = '\0';
    loader = OSSL_STORE_LOADER_fetch(NULL, scheme, NULL);
    if (loader == NULL)
        return false;
    (void)snprintf(ret_properties, PROPERTIES_MAX, "provider=%s",
                   OSSL_PROVIDER_get0_name(OSSL_STORE_LOADER_get0_provider(loader)));
    OSSL_STORE_LOADER_free(loader);
    return true;
}

static EVP_PKEY *take_from_store(struct key_token *token, const char *properties)
{
    UI_METHOD *asks = UI_UTIL_wrap_read_pem_callback(on_pin, 0);
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex(token->uri, NULL, properties, asks, token, NULL, NULL, NULL);
    EVP_PKEY *pkey = NULL;

    if (store != NULL)
        (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    while (store != NULL && pkey == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info == NULL && OSSL_STORE_error(store))
            break;
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            pkey = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(store);
    UI_destroy_method(asks);
    return pkey;
}

/* ---- taking ------------------------------------------------------------------------------------ */

/* libcrypto's own word for what went wrong first: "PIN incorrect". */
static void explain(struct paa_error *error, const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    if (error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "%.200s",
                       reason != NULL ? reason : otherwise);
}

static EVP_PKEY *find(struct key_token *token, struct paa_error *error)
{
    char properties[PROPERTIES_MAX];

    if (provider_of(token->uri, properties))
        return take_from_store(token, properties);
    if (!str_starts(paa_str_of(token->uri), STR("pkcs11:"))) {
        (void)snprintf(error->text, sizeof error->text,
                       "no provider that OpenSSL has loaded has an OSSL_STORE for such URIs");
        return NULL;
    }
    return key_engine_find(token->module, token->uri, token->pin, error);
}

static EVP_PKEY *look(struct key_token *token, const EVP_PKEY *public_key, struct paa_error *error)
{
    EVP_PKEY *pkey = find(token, error);

    if (pkey == NULL) {
        explain(error, "there is no such key");
        return NULL;
    }
    if (EVP_PKEY_eq(pkey, public_key) == 1)
        return pkey;
    (void)snprintf(error->text, sizeof error->text,
                   "its certificate is for another key: renew both together");
    EVP_PKEY_free(pkey);
    return NULL;
}

static void tell(const struct key_token *token, struct services *services,
                 const struct paa_error *error)
{
    log_queue(&services->log, PAA_LEVEL_WARNING, "the key \"%.300s\" cannot be used: %s",
              token->uri, error->text);
}

/* CKR_PIN_INCORRECT, as the engine ("PIN incorrect") and the provider ("The specified PIN is incorrect") word it: tokens
 * lock themselves after a few of these. */
static bool is_pin_refused(const struct paa_error *error)
{
    return strstr(error->text, "PIN") != NULL && strstr(error->text, "incorrect") != NULL;
}

/* When it is to be tried again, if ever. */
static int64_t tell_failure(const struct key_token *token, struct services *services,
                            struct paa_error *error)
{
    bool is_refused = is_pin_refused(error);

    if (is_refused)
        (void)
            snprintf(error->text, sizeof error->text,
                     "PIN incorrect: it is not tried again until the PIN's source changes, or the "
                     "policy is loaded anew");
    tell(token, services, error);
    return is_refused ? NEVER : time_add(clock_now_ms(&services->clock), KEY_TOKEN_RETRY_MS);
}

/* Under the lock. */
static void take_new(struct key_token *token, const EVP_PKEY *public_key, struct services *services)
{
    struct paa_error error = { "" };

    if (token->retry_ms > clock_now_ms(&services->clock))
        return;
    token->pkey = look(token, public_key, &error);
    token->retry_ms = token->pkey == NULL ? tell_failure(token, services, &error) : 0;
}

EVP_PKEY *key_token_take(struct key_token *token, const EVP_PKEY *public_key,
                         struct services *services)
{
    int saved = errno;
    EVP_PKEY *pkey;

    key_engine_lock();
    (void)ERR_set_mark();
    if (token->pid != getpid()) { /* the parent's stays the parent's */
        token->pid = getpid();
        token->pkey = NULL;
        token->retry_ms = token->retry_ms == NEVER ? NEVER : 0;
    }
    if (token->pkey == NULL)
        take_new(token, public_key, services);
    pkey = token->pkey;
    if (pkey != NULL && EVP_PKEY_up_ref(pkey) != 1)
        pkey = NULL;
    (void)ERR_pop_to_mark();
    key_engine_unlock();
    errno = saved;
    return pkey;
}

int key_token_ready(const char *uri, const char *module, const char *pin, struct paa_error *error)
{
    int saved = errno;
    bool is_ready;

    error->text[0] = '\0';
    if (!str_starts(paa_str_of(uri), STR("pkcs11:"))) {
        (void)snprintf(error->text, sizeof error->text, "OpenSSL's engine speaks \"pkcs11:\" only");
        return -1;
    }
    key_engine_lock();
    (void)ERR_set_mark();
    is_ready = key_engine_ready(module, uri, pin, error);
    if (!is_ready)
        explain(error, "OpenSSL's engine does not take it");
    (void)ERR_pop_to_mark();
    key_engine_unlock();
    errno = saved;
    return is_ready ? 0 : -1;
}

void key_token_forget(struct key_token *token)
{
    key_engine_lock();
    if (token->pid == getpid()) {
        EVP_PKEY_free(token->pkey);
        token->pkey = NULL;
    }
    key_engine_unlock();
}
