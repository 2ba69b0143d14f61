/* SPDX-License-Identifier: MIT */
/*
 * Paths that PAA itself answers: the metadata of a service, and what its instances serve. Exact, looked for before any
 * rule, and an error where a rule or another one names the same path.
 */
#include "metadata.h"
#include "str.h"

struct users { /* the instances of a service, each once, in order of its rules */
    struct instance **list;
    size_t count;
};

static bool collect_users(struct generation *generation, const struct service_conf *conf,
                          struct users *ret_users)
{
    bool *seen = arena_array(&generation->arena, generation->instance_count + 1, sizeof *seen);

    ret_users->count = 0;
    ret_users->list =
        arena_array(&generation->arena, generation->instance_count + 1, sizeof(struct instance *));
    if (seen == NULL || ret_users->list == NULL)
        return false;
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct program *program = &conf->rules[i].program;

        for (uint32_t site = 0; site < program->site_count; site++) {
            int32_t index = program->sites[site].instance;

            if (index < 0 || seen[index])
                continue;
            seen[index] = true;
            ret_users->list[ret_users->count++] = &generation->instances[index];
        }
    }
    return true;
}

/* ---- what may not be ---------------------------------------------------------------------------- */

/* Whose it is, for a sentence: "the instance login", "\"metadata\"". */
static const char *owner_of(const struct route *route, char ret_text[NAME_MAX_SIZE + 32])
{
    if (route->kind == ROUTE_METADATA)
        return "\"metadata\"";
    (void)snprintf(ret_text, NAME_MAX_SIZE + 32, "instance %.64s", route->instance->id.name);
    return ret_text;
}

/* A rule for that very path would never be asked. Patterns with * that take it among others are no contradiction. */
static void check_rules(const struct service_conf *conf, const struct route *route,
                        struct diag *diag)
{
    char owner[NAME_MAX_SIZE + 32];

    for (size_t i = 0; i < conf->rule_count; i++)
        if (str_eq(conf->rules[i].path, route->path))
            diag_error(diag, conf->rules[i].where,
                       "PAA itself answers %.*s, for %s (%s:%u), so this rule would never be "
                       "asked: take it out, or choose another path there",
                       STR_ARGS(route->path), owner_of(route, owner), route->where.file,
                       route->where.line);
}

static void check_others(const struct route *routes, uint32_t count, struct diag *diag)
{
    const struct route *last = &routes[count - 1];
    char mine[NAME_MAX_SIZE + 32], other[NAME_MAX_SIZE + 32];

    for (uint32_t i = 0; i + 1 < count; i++)
        if (str_eq(routes[i].path, last->path))
            diag_error(diag, last->where,
                       "%.*s is to be answered for %s and for %s (%s:%u): each needs a path of its "
                       "own",
                       STR_ARGS(last->path), owner_of(last, mine), owner_of(&routes[i], other),
                       routes[i].where.file, routes[i].where.line);
}

/* RFC 9728 1.2: a resource identifier is an https URL. */
static void check_origins(const struct service_conf *conf, struct diag *diag)
{
    for (size_t i = 0; i < conf->origin_count; i++)
        if (!conf->origins[i].https && !origin_is_loopback(&conf->origins[i]))
            diag_warn(diag, conf->metadata->where,
                      "clients may refuse metadata of %.*s: a protected resource is an https URL "
                      "(RFC 9728 1.2)",
                      STR_ARGS(conf->origin_texts[i]));
}

/* `paactl check` says what no rule shows. */
static void tell(const struct generation *generation, const struct service_conf *conf,
                 const struct route *route, struct diag *diag)
{
    char owner[NAME_MAX_SIZE + 32];

    if ((generation->context->flags & PAA_OPEN_CHECK) != 0)
        diag_add(diag, PAA_LEVEL_NOTICE, route->where,
                 "service %s: PAA itself answers %.*s, for %s, without asking a rule", conf->name,
                 STR_ARGS(route->path), owner_of(route, owner));
}

/* ---- making and finding --------------------------------------------------------------------------- */

static void add(const struct generation *generation, struct service_rules *service,
                struct route *routes, struct route route, struct diag *diag)
{
    routes[service->route_count++] = route;
    check_rules(service->conf, &route, diag);
    check_others(routes, service->route_count, diag);
    tell(generation, service->conf, &route, diag);
}

static void add_endpoints(const struct generation *generation, struct service_rules *service,
                          struct route *routes, struct instance *instance, struct diag *diag)
{
    for (uint32_t i = 0; i < instance->endpoint_count; i++) {
        const struct endpoint *endpoint = &instance->endpoints[i];

        add(generation, service, routes,
            (struct route){ ROUTE_ENDPOINT, endpoint->path, endpoint->where, instance, endpoint },
            diag);
    }
}

bool routes_make(struct generation *generation, struct service_rules *service, struct diag *diag)
{
    const struct service_conf *conf = service->conf;
    struct route *routes;
    struct users users;
    size_t most = 1;

    if (conf->direction != PAA_INCOMING)
        return true;
    if (!collect_users(generation, conf, &users))
        return false;
    for (size_t i = 0; i < users.count; i++)
        most += users.list[i]->endpoint_count;
    routes = arena_array(&generation->arena, most, sizeof *routes);
    if (routes == NULL)
        return false;
    service->routes = routes;
    if (conf->metadata != NULL) {
        service->metadata = metadata_make(generation, conf, users.list, users.count);
        if (service->metadata == NULL)
            return false;
        check_origins(conf, diag);
        add(generation, service, routes,
            (struct route){ ROUTE_METADATA, service->metadata->path, conf->metadata->where, NULL,
                            NULL },
            diag);
    }
    for (size_t i = 0; i < users.count; i++)
        add_endpoints(generation, service, routes, users.list[i], diag);
    return true;
}

bool route_take(struct paa_txn *txn)
{
    const struct service_rules *service = txn->service;

    for (uint32_t i = 0; i < service->route_count; i++)
        if (str_eq(service->routes[i].path, txn->view.path)) {
            txn->route = &service->routes[i];
            txn->phase = PHASE_SERVE;
            return true;
        }
    return false;
}

void paa_service_endpoints(const struct paa_service *service, paa_endpoint_fn endpoint_fn,
                           void *user)
{
    struct generation *generation = service != NULL ? generation_hold(service->context) : NULL;

    if (generation == NULL)
        return;
    if (service->index < generation->service_count) {
        const struct service_rules *rules = &generation->services[service->index];

        for (uint32_t i = 0; i < rules->route_count; i++)
            endpoint_fn(rules->routes[i].path, user);
    }
    generation_let_go(generation);
}
