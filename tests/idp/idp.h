/* SPDX-License-Identifier: MIT */
/*
 * A provider for a test in C, through idp.sh: started in a folder of its own, gone with the test. Knows nothing of
 * what is asked of it.
 *
 * IDP_SCRIPT is given by paa_test(… IDP), which also sees to it that the provider is installed.
 */
#ifndef TESTS_IDP_H
#define TESTS_IDP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct idp {
    char folder[32]; /* ca.crt and the clients' keys are in it */
    char issuer[64];
    char mtls[64]; /* origin of the endpoints that ask for a certificate */
};

/* Waits for its end: true if that was 0. */
static bool idp_run(const char *program, const char *verb, const char *folder, const char *order)
{
    char owner[16];
    int status;
    pid_t child;

    (void)snprintf(owner, sizeof(owner), "%ld", (long)getpid());
    child = fork();
    if (child == 0) {
        (void)setenv("IDP_OWNER", owner, 1);
        (void)execlp(program, program, verb, folder, order, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool idp_write_config(const struct idp *idp, const char *config)
{
    char path[64];
    FILE *file;
    bool is_written;

    (void)snprintf(path, sizeof(path), "%s/config.json", idp->folder);
    file = fopen(path, "we");
    if (file == NULL)
        return false;
    is_written = fputs(config, file) >= 0;
    return fclose(file) == 0 && is_written;
}

static bool idp_read_ready(struct idp *idp)
{
    char path[64];
    FILE *file;
    int read;

    (void)snprintf(path, sizeof(path), "%s/ready", idp->folder);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    read = fscanf(file, "IDP_ISSUER=%63s IDP_MTLS=%63s", idp->issuer, idp->mtls);
    (void)fclose(file);
    return read == 2;
}

/* Its folder, so that a test can put keys of its own into it before it starts. */
static inline bool idp_make_folder(struct idp *idp)
{
    (void)snprintf(idp->folder, sizeof(idp->folder), "/tmp/paa-idp-XXXXXX");
    return mkdtemp(idp->folder) != NULL;
}

/* With that config.json. A test that does not get true has failed; idp_stop is due all the same. */
static inline bool idp_start(struct idp *idp, const char *config)
{
    return idp_write_config(idp, config) && idp_run(IDP_SCRIPT, "start", idp->folder, NULL) &&
           idp_read_ready(idp);
}

/* rotate, withdraw, replace, down, up, served: it is done when this returns. */
static inline bool idp_order(const struct idp *idp, const char *order)
{
    return idp_run(IDP_SCRIPT, "order", idp->folder, order);
}

static inline void idp_stop(struct idp *idp)
{
    (void)idp_run(IDP_SCRIPT, "stop", idp->folder, NULL);
    (void)idp_run("rm", "-rf", idp->folder, NULL);
}

#endif
