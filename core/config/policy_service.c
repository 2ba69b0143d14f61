/* SPDX-License-Identifier: MIT */
/* One service: its direction, its own settings, and its rules or the members of its only rule. */
#include "fields.h"
#include "service.h"
#include "str.h"

enum { SECOND_MS = 1000, SERVICE_MEMBERS_MAX = 32 };

static const int64_t timeout_default_ms = 10 * SECOND_MS;
static const int64_t timeout_max_ms = 3600 * SECOND_MS;
static const int64_t failure_delay_max_ms = 60 * SECOND_MS;

static const char *const own_members[] = { "direction",     "origins",       "timeout",
                                           "realm",         "problem_json",  "semicolons",
                                           "http_loopback", "failure_delay", "upstream",
                                           "metadata",      "tls",           "rules" };

enum { OWN_MEMBERS = sizeof own_members / sizeof own_members[0] };

void refuse_members(struct reader *reader, const struct node *group, const char *const *names,
                    size_t count, const char *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct node *member = node_member(group, names[i]);

        if (member != NULL)
            diag_error(reader->expect.diag, member->where, "\"%s\" %s", names[i], why);
    }
}

/* False: the rest of the service cannot be judged. */
static bool read_direction(struct reader *reader, const struct node *group,
                           struct service_conf *service)
{
    static const char *const words[] = { "incoming", "outgoing" };
    const struct node *node = node_member(group, "direction");
    char hint[HINT_MAX], shown[HINT_MAX];
    struct paa_str text;

    if (node == NULL) {
        diag_error(reader->expect.diag, group->where,
                   "service \"%.64s\" must say direction = \"incoming\" or \"outgoing\"",
                   group->name);
        return false;
    }
    if (!expect_string(&reader->expect, node, &text))
        return false;
    if (paa_str_eq(text, "incoming"))
        service->direction = PAA_INCOMING;
    else if (paa_str_eq(text, "outgoing"))
        service->direction = PAA_OUTGOING;
    else
        diag_error(reader->expect.diag, node->where,
                   "%s is no direction: use \"incoming\" or \"outgoing\"%s",
                   expect_shown(text, shown),
                   expect_hint(&reader->expect, text.data, words, 2, hint));
    return service->direction != 0;
}

static void read_realm(struct reader *reader, const struct node *node, struct service_conf *service)
{
    struct paa_str text;

    if (!expect_string(&reader->expect, node, &text))
        return;
    if (!is_field_value(text))
        diag_error(reader->expect.diag, node->where,
                   "\"realm\" must be text that a header field can hold");
    service->realm = text.data;
}

static void read_flags(struct reader *reader, const struct node *group,
                       struct service_conf *service)
{
    const struct {
        const char *name;
        bool *value;
    } flags[] = { { "problem_json", &service->problem_json },
                  { "semicolons", &service->semicolons },
                  { "http_loopback", &service->http_loopback } };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct node *node = node_member(group, flags[i].name);

        if (node != NULL)
            (void)expect_boolean(&reader->expect, node, flags[i].value);
    }
}

static void read_settings(struct reader *reader, const struct node *group,
                          struct service_conf *service)
{
    const struct node *timeout = node_member(group, "timeout");
    const struct node *delay = node_member(group, "failure_delay");
    const struct node *realm = node_member(group, "realm");
    const struct node *upstream = node_member(group, "upstream");

    if (timeout != NULL)
        (void)expect_duration(&reader->expect, timeout, 1, timeout_max_ms, &service->timeout_ms);
    if (delay != NULL)
        (void)expect_duration(&reader->expect, delay, 0, failure_delay_max_ms,
                              &service->failure_delay_ms);
    if (realm != NULL)
        read_realm(reader, realm, service);
    if (upstream != NULL)
        read_upstream(reader, upstream, service);
}

/* What makes sense in one direction only. */
static void check_direction(struct reader *reader, const struct node *group,
                            const struct service_conf *service)
{
    static const char *const incoming[] = { "realm", "problem_json", "failure_delay", "upstream",
                                            "metadata" };
    static const char *const outgoing[] = { "http_loopback", "tls" };

    if (service->direction == PAA_OUTGOING)
        refuse_members(reader, group, incoming, sizeof incoming / sizeof incoming[0],
                       "only goes with direction = \"incoming\"");
    else
        refuse_members(reader, group, outgoing, sizeof outgoing / sizeof outgoing[0],
                       "only goes with direction = \"outgoing\"");
}

static void read_rule_list(struct reader *reader, const struct node *list,
                           struct service_conf *service)
{
    struct rule_conf *rules;

    if (!expect_type(&reader->expect, list, NODE_LIST))
        return;
    if (list->child_count > RULES_MAX) {
        diag_error(reader->expect.diag, list->where, "a service has at most %d rules",
                   (int)RULES_MAX);
        return;
    }
    if (list->child_count == 0)
        diag_warn(reader->expect.diag, list->where,
                  "service \"%s\" has no rules: every request is denied", service->name);
    rules = expect_memory(&reader->expect, list->child_count, sizeof *rules);
    if (rules == NULL)
        return;
    for (size_t i = 0; i < list->child_count; i++) {
        const struct node *group = &list->children[i];

        if (group->type != NODE_GROUP) {
            diag_error(reader->expect.diag, group->where, "a rule must be a group { }, not %s",
                       node_type_text(group->type));
            continue;
        }
        (void)node_only(group, rule_members, rule_member_count, "a rule", reader->expect.diag);
        read_rule(reader, group, service->direction, &rules[i]);
    }
    service->rules = rules;
    service->rule_count = list->child_count;
}

static void read_rules(struct reader *reader, const struct node *group,
                       struct service_conf *service)
{
    const struct node *list = node_member(group, "rules");
    struct rule_conf *rule;

    if (list != NULL) {
        refuse_members(reader, group, rule_members, rule_member_count,
                       "stands beside \"rules\": put it into a rule");
        read_rule_list(reader, list, service);
        return;
    }
    if (node_member(group, "chain") == NULL) {
        diag_error(reader->expect.diag, group->where,
                   "service \"%s\" must have rules = ( RULE ... ), or a chain for every request",
                   service->name);
        return;
    }
    rule = expect_memory(&reader->expect, 1, sizeof *rule);
    if (rule == NULL)
        return;
    read_rule(reader, group, service->direction, rule);
    service->rules = rule;
    service->rule_count = 1;
}

static void check_members(struct reader *reader, const struct node *group)
{
    const char *names[SERVICE_MEMBERS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < OWN_MEMBERS; i++)
        names[count++] = own_members[i];
    for (size_t i = 0; i < rule_member_count; i++)
        names[count++] = rule_members[i];
    (void)node_only(group, names, count, "a service", reader->expect.diag);
}

static struct where service_where(struct reader *reader, int32_t index)
{
    return reader->services[index].where;
}

static void read_service(struct reader *reader, const struct node *group, const char *folder)
{
    const struct node *origins, *metadata, *tls;
    struct service_conf *service;
    int32_t index;

    index = reader_enter(reader, &reader->service_names, group, "service", service_where);
    if (index < 0)
        return;
    service = &reader->services[index];
    reader->policy->service_count = (size_t)index + 1;
    service->name = group->name;
    service->where = group->where;
    service->timeout_ms = timeout_default_ms;
    service->encoding = UPSTREAM_PERCENT;
    (void)reader_name(reader, group, "a service");
    if (!expect_type(&reader->expect, group, NODE_GROUP))
        return;
    check_members(reader, group);
    if (!read_direction(reader, group, service))
        return;
    check_direction(reader, group, service);
    read_flags(reader, group, service);
    read_settings(reader, group, service);
    origins = node_member(group, "origins");
    if (origins != NULL)
        read_origins(reader, origins, service);
    else if (service->direction == PAA_OUTGOING)
        diag_error(reader->expect.diag, group->where,
                   "service \"%s\" must say where credentials may go: "
                   "origins = [ \"https://HOST\" ]",
                   service->name);
    metadata = node_member(group, "metadata");
    if (metadata != NULL && service->direction == PAA_INCOMING)
        read_metadata(reader, metadata, service);
    tls = node_member(group, "tls");
    if (tls != NULL && service->direction == PAA_OUTGOING)
        read_service_tls(reader, tls, folder, service);
    read_rules(reader, group, service);
}

void read_services(struct reader *reader, const struct node *group, const char *folder)
{
    for (size_t i = 0; i < group->child_count; i++)
        read_service(reader, &group->children[i], folder);
}
