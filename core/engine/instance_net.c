/* SPDX-License-Identifier: MIT */
/* What an instance's fetches may: its `tls` groups, bound, and the origins that its own URLs name. */
#include "engine.h"
#include "str.h"
#include "tls.h"
#include "url.h"

#include <stdlib.h>

static bool is_true(const struct paa_options *group, const char *name)
{
    return config_host_options.number(group, name, 0) != 0;
}

static struct tls_spec spec_of(const struct paa_options *group)
{
    const struct paa_host_options *host = &config_host_options;
    struct tls_spec spec = { .ca = host->source(group, "ca", 0),
                             .min_version =
                                 host->number(group, "min_version", 0) == 1 ? TLS_1_3 : TLS_1_2,
                             .proxy = host->string(group, "proxy", 0),
                             .no_verify = !is_true(group, "verify"),
                             .no_verify_anywhere = is_true(group, "insecure_anywhere"),
                             .http_loopback = is_true(group, "http_loopback") };

    while (spec.pin_count < TLS_PINS_MAX && spec.pin_count < host->count(group, "pins")) {
        spec.pins[spec.pin_count] = host->string(group, "pins", spec.pin_count);
        spec.pin_count++;
    }
    return spec;
}

static bool keep(struct instance *instance, struct paa_tls *tls)
{
    struct paa_tls **grown = realloc(instance->tlses, (instance->tls_count + 1) * sizeof *grown);

    if (grown == NULL) {
        tls_free(tls);
        return false;
    }
    instance->tlses = grown;
    instance->tlses[instance->tls_count++] = tls;
    return true;
}

bool instance_bind_tls(struct instance *instance, const struct option_entry *entry,
                       struct option_value *value, struct diag *diag)
{
    struct tls_spec spec = spec_of(value->group);
    struct paa_tls *tls = tls_new(&spec);

    if (tls == NULL || !keep(instance, tls)) {
        diag_error(diag, value->where, "no memory is left for the option `%s`", value->row->name);
        return false;
    }
    value->handle = tls;
    for (size_t i = 0; i < instance->options->count; i++)
        if (entry == &instance->options->entries[i] && strcmp(entry->row->name, "tls") == 0)
            instance->id.tls = tls;
    return true;
}

bool instance_own_origin(struct instance *instance, const struct option_value *value)
{
    struct arena *arena = &instance->generation->arena;
    size_t count = instance->id.origin_count;
    struct origin *grown = arena_array(arena, count + 1, sizeof *grown);
    struct url url;

    if (grown == NULL || url_parse(value->string, arena, &url) != NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        grown[i] = instance->id.origins[i];
    grown[count] = url.origin;
    instance->id.origins = grown;
    instance->id.origin_count = count + 1;
    return true;
}

void instance_drop_tls(struct instance *instance)
{
    for (size_t i = 0; i < instance->tls_count; i++)
        tls_free(instance->tlses[i]);
    free(instance->tlses);
    instance->tlses = NULL;
    instance->tls_count = 0;
}
