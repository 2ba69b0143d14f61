/* SPDX-License-Identifier: MIT */
/* key_engine.h. The one file that includes openssl/engine.h. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: until Debian has a provider for PKCS#11 */

#include "key_engine.h"

#include "secret.h"
#include "str.h"
#include "trust.h"

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENGINE_PATH_MAX = 1024 };

static struct {
    pthread_mutex_t lock;
    ENGINE *engine; /* keys may outlive whoever asked for them */
    char *module;
    char *pin;        /* that it was told last, in secret memory; NULL: none yet */
    char *uri;        /* of the key it was told for */
    bool has_pin;     /* it has not forgotten it since */
    bool is_listed;   /* in OpenSSL's list, where hosts find it */
    bool is_promised; /* a host was told so, and asks with that PIN whenever it likes */
    bool is_shared;   /* for keys of two tokens, whose PIN is the same */
    bool is_spent;    /* it was loaded, or could not be */
    bool is_used;     /* the module has given a key */
    bool is_busy;     /* it is being spoken to */
    bool is_broken;   /* that was so when this process was forked */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t once = PTHREAD_ONCE_INIT;

PAA_PRINTF(2, 3) static bool refuse(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

/* A child: whoever held the lock is not here, and what it was doing stays half done. */
static void forget_parent(void)
{
    pthread_mutex_init(&state.lock, NULL);
    state.is_broken = state.is_broken || state.is_busy;
    state.is_busy = false;
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_parent);
}

void key_engine_lock(void)
{
    (void)pthread_once(&once, watch_forks);
    pthread_mutex_lock(&state.lock);
}

void key_engine_unlock(void)
{
    pthread_mutex_unlock(&state.lock);
}

/* ---- loading ----------------------------------------------------------------------------------- */

#ifdef OPENSSL_NO_ENGINE

EVP_PKEY *key_engine_find(const char *module, const char *uri, const char *pin,
                          struct paa_error *error)
{
    (void)module;
    (void)uri;
    (void)pin;
    (void)refuse(error, "this OpenSSL has no engines: load a provider for PKCS#11");
    return NULL;
}

bool key_engine_ready(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    (void)module;
    (void)uri;
    (void)pin;
    return refuse(error, "this OpenSSL has no engines: load a provider for PKCS#11");
}

#else

/* Where this libcrypto has its engines: ENGINE_by_id would ask the environment. */
static bool engine_path(char ret_path[ENGINE_PATH_MAX])
{
    const char *folder = OpenSSL_version(OPENSSL_ENGINES_DIR); /* ENGINESDIR: "/usr/…" */
    const char *begin = folder != NULL ? strchr(folder, '"') : NULL;
    const char *end = begin != NULL ? strchr(begin + 1, '"') : NULL;

    if (end == NULL || end - begin > ENGINE_PATH_MAX / 2)
        return false;
    (void)snprintf(ret_path, ENGINE_PATH_MAX, "%.*s/pkcs11.so", (int)(end - begin - 1), begin + 1);
    return true;
}

static bool command(ENGINE *engine, const char *name, const char *value)
{
    return ENGINE_ctrl_cmd_string(engine, name, value, 0) == 1;
}

/* Never given back, whatever comes of it: libp11 cannot be loaded a second time. */
static ENGINE *load_engine(const char *path)
{
    ENGINE *engine = ENGINE_by_id("dynamic");
    bool is_loaded = engine != NULL && command(engine, "SO_PATH", path) &&
                     command(engine, "ID", "pkcs11") && command(engine, "LIST_ADD", "0") &&
                     command(engine, "LOAD", NULL);

    return is_loaded && command(engine, "QUIET", NULL) && ENGINE_init(engine) == 1 ? engine : NULL;
}

/* One that the host has loaded is taken as it is: libp11 can be there once. */
static bool adopt_engine(void)
{
    ENGINE *engine = ENGINE_get_first();

    while (engine != NULL && strcmp(ENGINE_get_id(engine), "pkcs11") != 0)
        engine = ENGINE_get_next(engine);
    if (engine == NULL || ENGINE_init(engine) != 1) {
        (void)ENGINE_free(engine);
        return false;
    }
    state.engine = engine;
    state.is_listed = true;
    return true;
}

static bool open_engine(struct paa_error *error)
{
    char path[ENGINE_PATH_MAX];

    if (state.engine != NULL || (!state.is_spent && adopt_engine()))
        return true;
    if (state.is_spent)
        return refuse(error, "OpenSSL's engine \"pkcs11\" could not be loaded in this process");
    if (!engine_path(path) || access(path, F_OK) != 0)
        return refuse(error, "OpenSSL's engine \"pkcs11\" is not installed "
                             "(libengine-pkcs11-openssl), and no provider speaks PKCS#11");
    if (trust_code(path, error) != 0)
        return false;
    state.is_spent = true;
    state.engine = load_engine(path);
    return state.engine != NULL;
}

/* Until one has given a key, another may take its place. */
static bool use_module(const char *module, struct paa_error *error)
{
    char *copy;

    if (state.module != NULL && strcmp(state.module, module) == 0)
        return true;
    if (state.is_used)
        return refuse(error,
                      "%.200s is in use already, and there is one PKCS#11 module for a process: "
                      "name p11-kit-proxy.so for both",
                      state.module);
    copy = trust_code(module, error) == 0 ? strdup(module) : NULL;
    if (copy == NULL || !command(state.engine, "MODULE_PATH", module)) {
        free(copy);
        return false;
    }
    free(state.module);
    state.module = copy;
    return true;
}

/* ---- the PIN ------------------------------------------------------------------------------------- */

/* The next attribute that says which token; false: no more. */
static bool next_of_token(struct paa_str *rest, struct paa_str *ret_part)
{
    while (str_next(rest, ";", ret_part))
        if (!str_starts(*ret_part, STR("object=")) && !str_starts(*ret_part, STR("id=")) &&
            !str_starts(*ret_part, STR("type=")))
            return true;
    return false;
}

static struct paa_str path_of(const char *uri)
{
    struct paa_str all = paa_str_of(uri);

    return str_slice(all, str_find(all, ':', 0) + 1, str_find(all, '?', 0));
}

/* Of one token for sure: two keys without a word of theirs may be anywhere. */
static bool is_same_token(const char *a, const char *b)
{
    struct paa_str rest_a = path_of(a), rest_b = path_of(b), of_a, of_b;
    bool is_named = strcmp(a, b) == 0;

    for (;;) {
        bool has_a = next_of_token(&rest_a, &of_a), has_b = next_of_token(&rest_b, &of_b);

        if (!has_a || !has_b)
            return is_named && has_a == has_b;
        if (!str_eq(of_a, of_b))
            return false;
        is_named = true;
    }
}

static void replace_pin(char *pin, char *uri)
{
    secret_free(state.pin, state.pin != NULL ? strlen(state.pin) + 1 : 0);
    free(state.uri);
    state.pin = pin;
    state.uri = uri;
}

static bool tell_new(const char *uri, const char *pin)
{
    char *copy = secret_alloc(strlen(pin) + 1), *whose = strdup(uri);

    if (copy == NULL || whose == NULL || !command(state.engine, "PIN", pin)) {
        secret_free(copy, strlen(pin) + 1);
        free(whose);
        return false;
    }
    memcpy(copy, pin, strlen(pin));
    replace_pin(copy, whose);
    return true;
}

static const char holds_another[] =
    "OpenSSL's engine \"pkcs11\" holds another PIN, for \"%.100s\", and shows one to all tokens: "
    "use tokens of different PINs in different programs; if the PIN was changed, start this one "
    "anew";

/* Not told again: who logs in by the engine meanwhile, a host, is reading it. */
static bool tell_pin(const char *uri, const char *pin, struct paa_error *error)
{
    bool is_known = state.pin != NULL && strcmp(state.pin, pin) == 0;

    if (is_known && state.has_pin)
        return true;
    if (!is_known && state.is_promised && (state.is_shared || !is_same_token(state.uri, uri)))
        return refuse(error, holds_another, state.uri);
    state.has_pin = is_known ? command(state.engine, "PIN", pin) : tell_new(uri, pin);
    return state.has_pin;
}

/* ---- asking -------------------------------------------------------------------------------------- */

static bool ready(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    return open_engine(error) && use_module(module, error) &&
           tell_pin(uri, pin != NULL ? pin : "", error);
}

static EVP_PKEY *find(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    EVP_PKEY *pkey;

    if (!ready(module, uri, pin, error))
        return NULL;
    pkey = ENGINE_load_private_key(state.engine, uri, (UI_METHOD *)(uintptr_t)UI_null(), NULL);
    state.is_used = state.is_used || pkey != NULL;
    if (pkey == NULL) /* libp11 forgets one that the token does not take */
        state.has_pin = false;
    return pkey;
}

static const char needs_module[] = "no provider that OpenSSL has loaded speaks PKCS#11: say module "
                                   "= \"PATH\" for the engine";
static const char host_needs_module[] =
    "OpenSSL's engine \"pkcs11\" needs the PKCS#11 library of the "
    "token: say module = \"PATH\" beside its uri";

static bool can_ask(const char *module, const char *otherwise, struct paa_error *error)
{
    if (module == NULL)
        return refuse(error, "%s", otherwise);
    return !state.is_broken ||
           refuse(error, "this process was forked while another thread spoke with a token");
}

static bool note_promise(const char *uri)
{
    char *whose;

    if (state.is_promised) {
        state.is_shared = state.is_shared || !is_same_token(state.uri, uri);
        return true;
    }
    whose = strdup(uri);
    if (whose == NULL)
        return false;
    free(state.uri);
    state.uri = whose;
    state.is_promised = true;
    return true;
}

/* From then on a host may have asked the module for a key. */
static bool promise(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    if (!ready(module, uri, pin, error))
        return false;
    state.is_listed = state.is_listed || ENGINE_add(state.engine) == 1;
    state.is_used = true;
    return state.is_listed && note_promise(uri);
}

bool key_engine_ready(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    bool is_ready;

    if (!can_ask(module, host_needs_module, error))
        return false;
    state.is_busy = true;
    is_ready = promise(module, uri, pin, error);
    state.is_busy = false;
    return is_ready;
}

EVP_PKEY *key_engine_find(const char *module, const char *uri, const char *pin,
                          struct paa_error *error)
{
    EVP_PKEY *pkey;

    if (!can_ask(module, needs_module, error))
        return NULL;
    state.is_busy = true;
    pkey = find(module, uri, pin, error);
    state.is_busy = false;
    return pkey;
}

#endif
