/* SPDX-License-Identifier: MIT */
/* `origins`: where a service is (incoming), or where its credentials may go (outgoing). */
#include "service.h"
#include "str.h"

static const char *judge(const struct service_conf *service, const struct origin *origin)
{
    if (service->direction != PAA_OUTGOING || origin->https)
        return NULL;
    if (!origin_is_loopback(origin))
        return "credentials go out over https only";
    if (!service->http_loopback)
        return "credentials go out over https only, unless the service says http_loopback = true";
    return NULL;
}

static bool is_known(const struct origin *origins, size_t count, const struct origin *origin)
{
    for (size_t i = 0; i < count; i++)
        if (origin_eq(&origins[i], origin))
            return true;
    return false;
}

void read_origins(struct reader *reader, const struct node *node, struct service_conf *service)
{
    struct origin *origins;
    size_t count;

    if (!expect_strings(&reader->expect, node, &service->origin_texts, &count))
        return;
    if (count > ORIGINS_MAX) {
        diag_error(reader->expect.diag, node->where, "\"origins\" has more than %d members",
                   (int)ORIGINS_MAX);
        return;
    }
    origins = expect_memory(&reader->expect, count, sizeof *origins);
    if (origins == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct node *child = node->child_count > 0 ? &node->children[i] : node;
        struct paa_str text = service->origin_texts[i];
        char shown[HINT_MAX];
        const char *wrong = origin_parse(text, reader->expect.arena, &origins[i]);

        if (wrong == NULL)
            wrong = judge(service, &origins[i]);
        if (wrong == NULL && is_known(origins, i, &origins[i]))
            wrong = "it is there twice";
        if (wrong != NULL)
            diag_error(reader->expect.diag, child->where, "%s is no origin for this service: %s",
                       expect_shown(text, shown), wrong);
    }
    service->origins = origins;
    service->origin_count = count;
}
