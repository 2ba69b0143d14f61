/* SPDX-License-Identifier: MIT */
/* `tls` of an outgoing service: how hosts verify the servers that its requests go to. */
#include "service.h"
#include "str.h"

static bool is_true(const struct paa_options *group, const char *name)
{
    return config_host_options.number(group, name, 0) != 0;
}

/* verify = false is for loopback addresses, unless it is said twice. Whom requests go to is known here, by `origins`. */
static void check_unverified(struct reader *reader, const struct node *node,
                             const struct service_conf *service)
{
    char shown[HINT_MAX];

    for (size_t i = 0; i < service->origin_count; i++) {
        if (origin_is_loopback(&service->origins[i]))
            continue;
        diag_error(reader->expect.diag, node->where,
                   "service %s: tls: verify = false counts for loopback addresses only, and %s is "
                   "none: leave it out, or say insecure_anywhere = true as well",
                   service->name, expect_shown(service->origin_texts[i], shown));
        return;
    }
}

void read_service_tls(struct reader *reader, const struct node *node, const char *folder,
                      struct service_conf *service)
{
    char *owner = arena_printf(reader->expect.arena, "service %s", service->name);

    if (owner == NULL) {
        diag_error(reader->expect.diag, node->where, "out of memory");
        return;
    }
    if (!tls_conf_read(node, owner, folder, reader->expect.arena, reader->expect.diag,
                       &service->tls))
        return;
    if (!is_true(service->tls, "verify") && !is_true(service->tls, "insecure_anywhere"))
        check_unverified(reader, node, service);
}
