/* SPDX-License-Identifier: MIT */
/* A PKCS#11 token of SoftHSM in a folder of its own, made while the test program runs. One for the program: its PKCS#11 module reads
 * its configuration once. SOFTHSM_MODULE and SOFTHSM_UTIL are given by CMakeLists.txt. */
#ifndef TESTS_TOKEN_MADE_H
#define TESTS_TOKEN_MADE_H

#include "key_made.h"

#include <dlfcn.h>

#define TOKEN_PIN "4711-secret"

struct made_token {
    char folder[64];
    EVP_PKEY *ec;
    EVP_PKEY *rsa;
    EVP_PKEY *other; /* P-256, and not in the token */
};

static struct made_token token;

static inline void token_run(const char *command)
{
    if (system(command) != 0)
        abort();
}

static inline void token_remove(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", token.folder);
    token_run(command);
}

static inline void token_import(EVP_PKEY *key, const char *label, const char *id)
{
    char path[128], command[512];

    (void)snprintf(path, sizeof path, "%s/key", token.folder);
    store_key(path, key, NULL);
    (void)snprintf(command, sizeof command,
                   SOFTHSM_UTIL " --import '%s' --token paa --pin " TOKEN_PIN
                                " --label %s --id %s >/dev/null",
                   path, label, id);
    token_run(command);
}

/* Labels "ec" and "rsa". The environment is this program's; what is tested reads none. */
static inline void token_make(void)
{
    char path[128], text[256];

    if (token.folder[0] != '\0')
        return;
    (void)snprintf(token.folder, sizeof token.folder, "/tmp/paa-token-XXXXXX");
    if (mkdtemp(token.folder) == NULL || atexit(token_remove) != 0)
        abort();
    (void)snprintf(path, sizeof path, "%s/softhsm2.conf", token.folder);
    (void)snprintf(text, sizeof text,
                   "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
                   token.folder);
    store_file(path, text, strlen(text), 0600);
    (void)setenv("SOFTHSM2_CONF", path, 1);
    token_run(SOFTHSM_UTIL " --init-token --free --label paa --pin " TOKEN_PIN
                           " --so-pin 5678 >/dev/null");
    token.ec = made_key("P-256");
    token.rsa = made_key("RSA:2048");
    token.other = made_key("P-256");
    token_import(token.ec, "ec", "01");
    token_import(token.rsa, "rsa", "02");
}

static inline bool token_is_touched(void)
{
    void *module = dlopen(SOFTHSM_MODULE, RTLD_NOLOAD | RTLD_NOW);

    if (module != NULL)
        (void)dlclose(module);
    return module != NULL;
}

#endif
