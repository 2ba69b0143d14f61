/* SPDX-License-Identifier: MIT */
/* Keys that a provider of OpenSSL has: one made here, whose OSSL_STORE knows the scheme "vault:" and asks for a PIN. */
#include "test.h"

#include "key_inner.h"
#include "key_sign.h"
#include "key_stage.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#define NOW_S ((int64_t)BEGAN_S)
#define URI   "vault:shelf/client"
#define PIN   "4711-secret"

static const struct paa_bytes message = { (const unsigned char *)"to be signed", 12 };
static EVP_PKEY *kept; /* what the vault has */
static int opened;     /* how often it was asked */

/* ---- the provider -------------------------------------------------------------------------------- */

struct loader {
    bool is_known;
    bool is_over;
};

static void *vault_open(void *provider, const char *uri)
{
    struct loader *loader = calloc(1, sizeof *loader);

    (void)provider;
    opened++;
    if (loader != NULL)
        loader->is_known = strcmp(uri, URI) == 0;
    return loader;
}

static int vault_load(void *context, OSSL_CALLBACK *object_fn, void *object_arg,
                      OSSL_PASSPHRASE_CALLBACK *pin_fn, void *pin_arg)
{
    struct loader *loader = context;
    int type = OSSL_OBJECT_PKEY;
    unsigned char *der = NULL;
    char pin[64] = "";
    size_t size = 0;
    PKCS8_PRIV_KEY_INFO *info;
    OSSL_PARAM params[5];
    int result, der_size;

    loader->is_over = true;
    if (!loader->is_known || pin_fn(pin, sizeof pin - 1, &size, NULL, pin_arg) != 1 ||
        size != strlen(PIN) || memcmp(pin, PIN, size) != 0)
        return 0;
    info = EVP_PKEY2PKCS8(kept);
    der_size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char[]){ "EC" }, 0);
    params[2] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                                 (char[]){ "PrivateKeyInfo" }, 0);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der, (size_t)der_size);
    params[4] = OSSL_PARAM_construct_end();
    result = object_fn(params, object_arg);
    OPENSSL_free(der);
    return result;
}

static const OSSL_PARAM *vault_settable(void *provider)
{
    static const OSSL_PARAM none[] = { OSSL_PARAM_END };

    (void)provider;
    return none;
}

static int vault_set(void *context, const OSSL_PARAM *params)
{
    (void)context;
    (void)params;
    return 1;
}

static int vault_eof(void *context)
{
    return ((struct loader *)context)->is_over;
}

static int vault_close(void *context)
{
    free(context);
    return 1;
}

static const OSSL_DISPATCH store_functions[] = {
    { OSSL_FUNC_STORE_OPEN, (void (*)(void))vault_open },
    { OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, (void (*)(void))vault_settable },
    { OSSL_FUNC_STORE_SET_CTX_PARAMS, (void (*)(void))vault_set },
    { OSSL_FUNC_STORE_LOAD, (void (*)(void))vault_load },
    { OSSL_FUNC_STORE_EOF, (void (*)(void))vault_eof },
    { OSSL_FUNC_STORE_CLOSE, (void (*)(void))vault_close },
    { 0, NULL },
};

static const OSSL_ALGORITHM *vault_query(void *provider, int operation, int *ret_no_cache)
{
    static const OSSL_ALGORITHM stores[] = { { "vault", "provider=vault", store_functions, "" },
                                             { NULL, NULL, NULL, NULL } };

    (void)provider;
    *ret_no_cache = 0;
    return operation == OSSL_OP_STORE ? stores : NULL;
}

static int vault_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                      const OSSL_DISPATCH **ret_functions, void **ret_provider)
{
    static const OSSL_DISPATCH functions[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))vault_query },
        { 0, NULL },
    };

    (void)core;
    *ret_functions = functions;
    *ret_provider = (void *)(uintptr_t)handle;
    return 1;
}

/* ---- tests --------------------------------------------------------------------------------------- */

static OSSL_PROVIDER *providers[2];

static void unload(void)
{
    EVP_PKEY_free(kept);
    (void)OSSL_PROVIDER_unload(providers[1]);
    (void)OSSL_PROVIDER_unload(providers[0]);
}

static void vault_stage(void)
{
    if (kept == NULL) {
        providers[0] = OSSL_PROVIDER_load(NULL, "default");
        CHECK_INT(OSSL_PROVIDER_add_builtin(NULL, "vault", vault_init), 1);
        providers[1] = OSSL_PROVIDER_load(NULL, "vault");
        CHECK(providers[0] != NULL && providers[1] != NULL && atexit(unload) == 0);
        kept = made_key("P-256");
    }
    stage_open();
    stage.services.blocking = stage.services.workers;
}

static struct paa_key *open_vault(const char *uri, const char *pin)
{
    struct source_spec specs[2];
    struct key_spec spec = {
        .specs = specs, .count = 2, .uri = uri, .has_passphrase = true, .id = "kid-1"
    };
    X509 *leaf = made_cert(kept, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    struct paa_key *key;

    store_certs(in("c"), &leaf, 1);
    X509_free(leaf);
    store_file(in("pass"), pin, strlen(pin), 0600);
    specs[0] = file_spec(in("pass"), SOURCE_SECRET | SOURCE_PRIVATE);
    specs[1] = file_spec(in("c"), 0);
    key = key_open(&stage.services, &spec, &error, &warning);
    CHECK_STR(paa_str_of(error.text), "");
    return key;
}

static enum paa_status signs(const struct paa_key *key)
{
    struct signed_by by;
    struct asker a;

    open_asker(&a);
    by = sign(&a, key, "ES256", message);
    if (by.status == PAA_STATUS_OK)
        CHECK(verifies(kept, "SHA256", false, message, by.signature));
    asker_close(&a);
    return by.status;
}

TEST(a_providers_store_gives_the_key_to_who_has_the_pin)
{
    struct paa_key *key;

    vault_stage();
    opened = 0;
    key = open_vault(URI, PIN);
    CHECK_INT(opened, 0);
    CHECK_INT(signs(key), PAA_STATUS_OK);
    CHECK_INT(signs(key), PAA_STATUS_OK);
    CHECK_INT(opened, 1);
    CHECK_STR(paa_str_of(log_text), "");
    key_close(key);
    key = open_vault(URI, "wrong-pin");
    CHECK_INT(signs(key), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, "the key \"" URI "\" cannot be used: ");
    CHECK(strstr(log_text, "wrong-pin") == NULL);
    CHECK(ERR_peek_error() == 0);
    key_close(key);
    stage_close();
}

/* OSSL_STORE would look for a file of that name first. */
TEST(a_file_of_the_uris_name_is_not_taken_for_the_key)
{
    char before[512];
    struct paa_key *key;

    vault_stage();
    REQUIRE(getcwd(before, sizeof before) != NULL && chdir(folder) == 0);
    store_key("vault:file", kept, NULL);
    key = open_vault("vault:file", PIN);
    CHECK_INT(signs(key), PAA_STATUS_UNAVAILABLE);
    key_close(key);
    (void)unlink("vault:file");
    CHECK_INT(chdir(before), 0);
    stage_close();
}

TEST(a_scheme_that_no_provider_knows_is_told)
{
    struct paa_key *key;

    vault_stage();
    key = open_vault("chest:client", PIN);
    CHECK_INT(signs(key), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, "no provider that OpenSSL has loaded has an OSSL_STORE for such URIs");
    key_close(key);
    stage_close();
}
