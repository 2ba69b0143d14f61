/* SPDX-License-Identifier: MIT */
/* key_engine.h. The one file that includes openssl/engine.h. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: until Debian has a provider for PKCS#11 */

#include "key_engine.h"

#include "secret.h"
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
    char *pin;      /* that it was told last, in secret memory; NULL: it is to be told */
    bool is_listed; /* in OpenSSL's list, where hosts find it */
    bool is_spent;  /* it was loaded, or could not be */
    bool is_used;   /* the module has given a key */
    bool is_busy;   /* a key is being looked for */
    bool is_broken; /* that was so when this process was forked */
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

bool key_engine_ready(const char *module, const char *pin, struct paa_error *error)
{
    (void)module;
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

/* Code that will run here: nobody else may be able to change it. */
static bool is_trusted(const char *path, struct paa_error *error)
{
    struct stat st;
    int fd = trust_open(path, 0, &st, NULL, error);

    if (fd < 0)
        return false;
    close(fd);
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
    if (!is_trusted(path, error))
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
    copy = is_trusted(module, error) ? strdup(module) : NULL;
    if (copy == NULL || !command(state.engine, "MODULE_PATH", module)) {
        free(copy);
        return false;
    }
    free(state.module);
    state.module = copy;
    return true;
}

static void forget_pin(void)
{
    secret_free(state.pin, state.pin != NULL ? strlen(state.pin) + 1 : 0);
    state.pin = NULL;
}

/* Not told again: who logs in by the engine meanwhile, a host, is reading it. */
static bool tell_pin(const char *pin)
{
    char *copy;

    if (state.pin != NULL && strcmp(state.pin, pin) == 0)
        return true;
    copy = secret_alloc(strlen(pin) + 1);
    if (copy == NULL || !command(state.engine, "PIN", pin)) {
        secret_free(copy, strlen(pin) + 1);
        return false;
    }
    memcpy(copy, pin, strlen(pin));
    forget_pin();
    state.pin = copy;
    return true;
}

static bool ready(const char *module, const char *pin, struct paa_error *error)
{
    return open_engine(error) && use_module(module, error) && tell_pin(pin != NULL ? pin : "");
}

static EVP_PKEY *find(const char *module, const char *uri, const char *pin, struct paa_error *error)
{
    EVP_PKEY *pkey;

    if (!ready(module, pin, error))
        return NULL;
    pkey = ENGINE_load_private_key(state.engine, uri, (UI_METHOD *)(uintptr_t)UI_null(), NULL);
    state.is_used = state.is_used || pkey != NULL;
    if (pkey == NULL) /* libp11 forgets one that the token does not take */
        forget_pin();
    return pkey;
}

static bool can_ask(const char *module, struct paa_error *error)
{
    if (module == NULL)
        return refuse(error, "no provider that OpenSSL has loaded speaks PKCS#11: say module = "
                             "\"PATH\" for the engine");
    return !state.is_broken ||
           refuse(error, "this process was forked while another thread spoke with a token");
}

/* From then on a host may have asked the module for a key. */
bool key_engine_ready(const char *module, const char *pin, struct paa_error *error)
{
    if (!can_ask(module, error) || !ready(module, pin, error))
        return false;
    state.is_listed = state.is_listed || ENGINE_add(state.engine) == 1;
    state.is_used = true;
    return state.is_listed;
}

EVP_PKEY *key_engine_find(const char *module, const char *uri, const char *pin,
                          struct paa_error *error)
{
    EVP_PKEY *pkey;

    if (!can_ask(module, error))
        return NULL;
    state.is_busy = true;
    pkey = find(module, uri, pin, error);
    state.is_busy = false;
    return pkey;
}

#endif
