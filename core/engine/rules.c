/* SPDX-License-Identifier: MIT */
/* Rules made ready for requests: the trie, the places where their credentials stand, the edits that every allowed
 * request of a rule gets. */
#include "engine.h"
#include "fields.h"
#include "str.h"

static struct instance *site_instance(struct generation *generation, const struct program *program,
                                      uint32_t site)
{
    int32_t index = program->sites[site].instance;

    return index >= 0 ? &generation->instances[index] : NULL;
}

static bool is_known(const struct reads *const *list, uint32_t count, const struct reads *reads)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i]->place == reads->place &&
            (reads->place == PAA_PLACE_HEADER ? field_name_same(list[i]->name, reads->name)
                                              : str_eq(list[i]->name, reads->name)))
            return true;
    return false;
}

/* False: more places than request_check_reads can tell apart. What it would not look at could come twice. */
static bool add_reads(struct rule *rule, const struct reads **list, const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->read_count; i++) {
        const struct reads *reads = &instance->reads[i];

        if (is_known(list, rule->read_count, reads))
            continue;
        if (rule->read_count == RULE_READS_MAX)
            return false;
        list[rule->read_count++] = reads;
        if (reads->place == PAA_PLACE_HEADER)
            rule->watch |= request_watch_bit(reads->name);
        else if (reads->place != PAA_PLACE_CONNECTION)
            rule->edits_cookies = true;
        if (reads->place == PAA_PLACE_COOKIE || reads->place == PAA_PLACE_CONNECTION)
            rule->may_be_ambient = true;
    }
    return true;
}

static bool collect_reads(struct generation *generation, struct rule *rule)
{
    const struct program *program = &rule->conf->program;
    const struct reads **list =
        arena_array(&generation->arena, RULE_READS_MAX, sizeof(struct reads *));

    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < program->site_count; i++) {
        const struct instance *instance = site_instance(generation, program, i);

        if (instance != NULL && !add_reads(rule, list, instance)) {
            log_queue(&generation->context->services.log, PAA_LEVEL_ERROR,
                      "%s:%u: the chain reads credentials from more than %d places",
                      rule->conf->where.file, rule->conf->where.line, RULE_READS_MAX);
            return false;
        }
    }
    rule->reads = list;
    return true;
}

/* ---- what proxies say of connections ------------------------------------------------------------- */

static bool reads_connection(const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->read_count; i++)
        if (instance->reads[i].place == PAA_PLACE_CONNECTION)
            return true;
    return false;
}

static bool is_statement(const struct service_rules *service, struct paa_str name)
{
    for (uint32_t i = 0; i < service->statement_count; i++)
        if (field_name_same(service->statements[i], name))
            return true;
    return false;
}

static void add_statements(struct service_rules *service, const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->read_count; i++)
        if (instance->reads[i].place == PAA_PLACE_HEADER &&
            !is_statement(service, instance->reads[i].name))
            service->statements[service->statement_count++] = instance->reads[i].name;
}

/* The fields in which instances of any rule are told of the connection. From strangers they are lies on each rule, also
 * on one that does not look at them. */
static bool list_statements(struct generation *generation, struct service_rules *service)
{
    const struct service_conf *conf = service->conf;
    size_t room = 1;

    for (size_t i = 0; i < conf->rule_count; i++)
        room += conf->rules[i].program.site_count * (size_t)READS_MAX;
    service->statements = arena_array(&generation->arena, room, sizeof *service->statements);
    for (size_t i = 0; i < conf->rule_count && service->statements != NULL; i++)
        for (uint32_t site = 0; site < conf->rules[i].program.site_count; site++) {
            const struct instance *instance =
                site_instance(generation, &conf->rules[i].program, site);

            if (instance != NULL && reads_connection(instance))
                add_statements(service, instance);
        }
    return service->statements != NULL;
}

/* ---- edits --------------------------------------------------------------------------------------- */

static struct paa_edit removal(struct paa_str name)
{
    return (struct paa_edit){ .struct_size = sizeof(struct paa_edit),
                              .kind = PAA_EDIT_REMOVE,
                              .where = PAA_MESSAGE_REQUEST,
                              .name = name };
}

/* What was presented does not reach the application, whether it was looked at or not. */
static bool fixed_edits(struct generation *generation, const struct service_rules *service,
                        struct rule *rule)
{
    size_t room = rule->read_count + service->statement_count + 1;

    rule->edits = arena_array(&generation->arena, room, sizeof *rule->edits);
    if (rule->edits == NULL || service->conf->direction == PAA_OUTGOING)
        return rule->edits != NULL;
    for (uint32_t i = 0; i < service->statement_count; i++)
        rule->edits[rule->edit_count++] = removal(service->statements[i]);
    for (uint32_t i = 0; i < rule->read_count && !rule->conf->forward; i++)
        if (rule->reads[i]->place == PAA_PLACE_HEADER &&
            !is_statement(service, rule->reads[i]->name))
            rule->edits[rule->edit_count++] = removal(rule->reads[i]->name);
    return true;
}

static struct paa_edit addition(struct paa_str name, struct paa_str value)
{
    return (struct paa_edit){ .struct_size = sizeof(struct paa_edit),
                              .kind = PAA_EDIT_ADD,
                              .where = PAA_MESSAGE_RESPONSE,
                              .name = name,
                              .value = value };
}

/* Shared caches do not know that these are credentials (RFC 9111 3.5 speaks of Authorization only). */
static bool advise_caches(struct generation *generation, struct rule *rule)
{
    bool is_private = false, has_cookie = false;

    rule->advice = arena_array(&generation->arena, rule->read_count + 1, sizeof *rule->advice);
    for (uint32_t i = 0; i < rule->read_count && rule->advice != NULL; i++) {
        const struct reads *reads = rule->reads[i];
        bool is_cookie = reads->place == PAA_PLACE_COOKIE;

        if (reads->place == PAA_PLACE_HEADER && str_eq_nocase(reads->name, STR("authorization")))
            continue;
        is_private = true;
        if (reads->name.size > 0 && reads->place != PAA_PLACE_PARAMETER &&
            !(is_cookie && has_cookie))
            rule->advice[rule->advice_count++] =
                addition(STR("Vary"), is_cookie ? STR("Cookie") : reads->name);
        has_cookie = has_cookie || is_cookie;
    }
    if (is_private && rule->advice != NULL)
        rule->advice[rule->advice_count++] = addition(STR("Cache-Control"), STR("private"));
    return rule->advice != NULL;
}

static bool mark_logins(struct generation *generation, struct rule *rule)
{
    const struct program *program = &rule->conf->program;

    for (uint32_t i = 0; i < program->site_count; i++) {
        const struct instance *instance = site_instance(generation, program, i);

        if (instance == NULL || (instance->slots->flags & PAA_PLUGIN_LOGIN) == 0)
            continue;
        if (rule->logs_in == NULL)
            rule->logs_in = arena_zalloc(&generation->arena, program->site_count);
        if (rule->logs_in == NULL)
            return false;
        rule->logs_in[i] = 1;
    }
    return true;
}

static void note_key(const struct generation *generation, struct service_rules *service,
                     const struct program *program)
{
    for (uint32_t i = 0; i < program->site_count; i++)
        if (program->sites[i].instance >= 0 &&
            generation->instances[program->sites[i].instance].shows_key)
            service->shows_key = &generation->instances[program->sites[i].instance];
}

static bool join_scopes(struct generation *generation, struct rule *rule)
{
    const struct require_conf *require = rule->conf->require;
    struct buf buf;

    if (require == NULL || require->scope_count == 0)
        return true;
    buf_init(&buf, FIELD_BYTES_MAX);
    for (size_t i = 0; i < require->scope_count; i++) {
        buf_add_text(&buf, i > 0 ? " " : "");
        buf_add_str(&buf, require->scope[i]);
    }
    rule->scope_text = arena_str(&generation->arena, buf_str(&buf));
    buf_free(&buf);
    return rule->scope_text.data != NULL;
}

static void describe(struct rule *rule, const struct service_conf *service, uint32_t index)
{
    paa_init(&rule->info, sizeof rule->info);
    rule->info.line = rule->conf->where.line;
    rule->info.index = index;
    rule->info.file = paa_str_of(rule->conf->where.file);
    rule->info.service = paa_str_of(service->name);
    rule->info.pattern = rule->conf->path.data != NULL ? rule->conf->path : STR("");
}

/* A host may have other reasons to let a refused request pass (nginx's `satisfy any`). */
static bool list_forgeries(struct generation *generation, struct service_rules *service)
{
    const struct service_conf *conf = service->conf;

    service->forgeries =
        arena_array(&generation->arena, UPSTREAM_COUNT + (size_t)service->statement_count,
                    sizeof *service->forgeries);
    if (service->forgeries == NULL)
        return false;
    for (int i = 0; i < UPSTREAM_COUNT; i++)
        if (conf->upstream[i].data != NULL)
            service->forgeries[service->forgery_count++] = removal(conf->upstream[i]);
    for (uint32_t i = 0; i < service->statement_count; i++)
        service->forgeries[service->forgery_count++] = removal(service->statements[i]);
    return true;
}

bool rules_make(struct generation *generation, struct service_rules *service)
{
    const struct service_conf *conf = service->conf;

    service->matcher = matcher_new(conf->rules, conf->rule_count, &generation->arena);
    service->rules = arena_array(&generation->arena, conf->rule_count + 1, sizeof *service->rules);
    if (service->matcher == NULL || service->rules == NULL ||
        !list_statements(generation, service) || !list_forgeries(generation, service))
        return false;
    for (int i = 0; i < UPSTREAM_COUNT; i++)
        service->has_upstream = service->has_upstream || conf->upstream[i].data != NULL;
    for (size_t i = 0; i < conf->rule_count; i++) {
        struct rule *rule = &service->rules[i];

        rule->conf = &conf->rules[i];
        describe(rule, conf, (uint32_t)i);
        if (conf->direction == PAA_OUTGOING)
            note_key(generation, service, &rule->conf->program);
        if (!collect_reads(generation, rule) || !fixed_edits(generation, service, rule) ||
            !advise_caches(generation, rule) ||
            (conf->direction == PAA_INCOMING && !mark_logins(generation, rule)) ||
            !join_scopes(generation, rule))
            return false;
    }
    return true;
}
