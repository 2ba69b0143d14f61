/* SPDX-License-Identifier: MIT */
/*
 * A plugin for nginx.sh: accepts everything and says, in a response field, what the host showed of the request
 * and of its connection. Installed nowhere.
 */
#include <paa/plugin.h>
#include <stdio.h>

enum { TEXT_MAX = 1024 };

#define SHOWN(s) (int)(s).size, (s).data != NULL ? (s).data : ""

static size_t count_certificates(struct paa_op *op)
{
    size_t count = 0;

    while (op->host->request->peer_certificate(op, count).data != NULL)
        count++;
    return count;
}

static enum paa_result verify(struct paa_op *op)
{
    const struct paa_request_view *view = op->host->request->view(op);
    struct paa_bytes leaf = op->host->request->peer_certificate(op, 0);
    char text[TEXT_MAX];

    (void)snprintf(text, sizeof text,
                   "%.*s scheme=%.*s authority=%.*s path=%.*s target=%.*s body=%lld sni=%.*s "
                   "peer=%.*s client=%.*s certificates=%zu leaf=%zu resumed=%d.",
                   SHOWN(view->method), SHOWN(view->scheme), SHOWN(view->authority),
                   SHOWN(view->path), SHOWN(view->target), (long long)view->body_size,
                   SHOWN(view->server_name), SHOWN(view->peer_address), SHOWN(view->client_address),
                   count_certificates(op), leaf.size, (view->flags & PAA_VIEW_RESUMED) != 0);
    op->host->outcome->header_set(op, PAA_MESSAGE_RESPONSE, paa_str_of("X-Witness"),
                                  paa_str_of(text), 0);
    return PAA_ACCEPT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "nginx-witness",
    .version = "1.0",
    .summary = "says what the host showed",
    .verify = verify,
};

PAA_PLUGIN(nginx_witness, plugin);
