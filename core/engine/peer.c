/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "str.h"

#include <stdlib.h>

int paa_peer_open(struct paa_peer **ret_peer, struct paa_context *context,
                  const struct paa_peer_options *options)
{
    struct paa_peer *peer = NULL;
    char *name = NULL;

    *ret_peer = NULL;
    if (context == NULL || !struct_fits(options, sizeof *options) ||
        (options->flags & ~(uint32_t)(PAA_PEER_TLS | PAA_PEER_RESUMED)) != 0)
        return -1;
    peer = calloc(1, sizeof *peer);
    name = options->server_name.data != NULL
               ? strndup(options->server_name.data, options->server_name.size)
               : NULL;
    if (peer == NULL || (name == NULL && options->server_name.data != NULL))
        goto failed;
    peer->memos = memo_peer_new(context->services.memos);
    if (peer->memos == NULL)
        goto failed;
    peer->context = context;
    peer->flags = options->flags;
    peer->cert_fn = options->cert_fn;
    peer->user = options->user;
    peer->server_name = paa_str_of(name);
    if (options->address.data == NULL || !address_text(options->address, peer->address))
        peer->address[0] = '\0';
    pthread_mutex_init(&peer->lock, NULL);
    *ret_peer = peer;
    return 0;

failed:
    free(peer);
    free(name);
    return -1;
}

int paa_peer_cert(struct paa_peer *peer, struct paa_bytes der)
{
    size_t total = der.size;
    unsigned char *copy;

    for (uint32_t i = 0; i < peer->cert_count; i++)
        total += peer->certs[i].size;
    if (peer->cert_count == PEER_CERTS_MAX || total > PEER_CERT_BYTES_MAX || der.size == 0 ||
        (copy = malloc(der.size)) == NULL) {
        peer->is_bad = true;
        return -1;
    }
    memcpy(copy, der.data, der.size);
    peer->certs[peer->cert_count++] = paa_bytes_of(copy, der.size);
    return 0;
}

struct paa_bytes peer_certificate(struct paa_peer *peer, size_t index)
{
    static const unsigned char nothing[1];
    struct paa_bytes found = BYTES_NONE;

    pthread_mutex_lock(&peer->lock);
    if (!peer->is_asked && peer->cert_fn != NULL)
        peer->cert_fn(peer, peer->user);
    peer->is_asked = true;
    if (peer->is_bad && index == 0)
        found = paa_bytes_of(nothing, 0);
    else if (!peer->is_bad && index < peer->cert_count)
        found = peer->certs[index];
    pthread_mutex_unlock(&peer->lock);
    return found;
}

void paa_peer_close(struct paa_peer **peer)
{
    struct paa_peer *gone = *peer;

    *peer = NULL;
    if (gone == NULL)
        return;
    memo_peer_free(gone->memos);
    for (uint32_t i = 0; i < gone->cert_count; i++)
        free((void *)(uintptr_t)gone->certs[i].data);
    free((void *)(uintptr_t)gone->server_name.data);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}
