/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "measure.h"
#include "world.h"

#ifdef BENCH_HAS_PAM

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct pam_peer {
    char folder[WORLD_PATH];
    struct pam_conv conversation;
};

static int say_nothing(int count, const struct pam_message **messages,
                       struct pam_response **responses, void *user)
{
    (void)count;
    (void)messages;
    (void)responses;
    (void)user;
    return PAM_CONV_ERR; /* pam_permit asks nothing */
}

struct pam_peer *pam_peer_open(void)
{
    struct pam_peer *peer = calloc(1, sizeof *peer);
    char path[WORLD_PATH];

    if (peer == NULL)
        bench_fail("no memory");
    world_path(peer->folder, "pam");
    world_path(path, "pam/api");
    if (mkdir(peer->folder, 0700) != 0)
        bench_fail("%s cannot be made", peer->folder);
    world_write(path, "auth required pam_permit.so\nauth required pam_permit.so\n"
                      "auth required pam_permit.so\nauth required pam_permit.so\n");
    peer->conversation.conv = say_nothing;
    return peer;
}

void pam_peer_close(struct pam_peer *peer)
{
    free(peer);
}

void pam_peer_run(void *state, uint64_t count)
{
    struct pam_peer *peer = state;

    for (uint64_t i = 0; i < count; i++) {
        pam_handle_t *handle = NULL;
        int code = pam_start_confdir("api", "root", &peer->conversation, peer->folder, &handle);

        if (code == PAM_SUCCESS)
            code = pam_authenticate(handle, 0);
        if (code != PAM_SUCCESS || pam_end(handle, code) != PAM_SUCCESS)
            bench_fail("Linux-PAM says %d", code);
    }
}

#else

struct pam_peer *pam_peer_open(void)
{
    return NULL;
}

void pam_peer_close(struct pam_peer *peer)
{
    (void)peer;
}

void pam_peer_run(void *state, uint64_t count)
{
    (void)state;
    (void)count;
}

#endif
