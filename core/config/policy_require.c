/* SPDX-License-Identifier: MIT */
/* `require`: what the principal must be, for the primary one and, by `of`, for others of the same chain. */
#include "reader.h"
#include "str.h"

static const char *const members[] = { "scope", "subject", "issuer", "client_id",
                                       "amr",   "max_age", "kind",   "of" };

enum { MEMBERS = sizeof members / sizeof members[0] };

static const int64_t age_max_ms = INT64_C(10) * 366 * 24 * 3600 * 1000;

int32_t find_site(struct reader *reader, const struct program *program, struct paa_str name,
                  struct where where)
{
    const char *words[PROGRAM_SITES_MAX];
    char hint[HINT_MAX], shown[HINT_MAX];
    size_t count = 0;

    for (uint32_t i = 0; i < program->site_count; i++) {
        int32_t instance = program->sites[i].instance;

        if (instance < 0)
            continue;
        words[count] = reader->policy->instances[instance].name;
        if (paa_str_eq(name, words[count++]))
            return instance;
    }
    expect_hint(&reader->expect, name.data, words, count, hint);
    diag_error(reader->expect.diag, where, "%s is no instance of this rule's chain%s",
               expect_shown(name, shown), hint);
    return NO_INSTANCE;
}

/* RFC 6749 3.3: %x21 / %x23-5B / %x5D-7E */
static bool is_scope_token(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void read_strings(struct reader *reader, const struct node *group, const char *name,
                         const struct paa_str **ret_strings, size_t *ret_count)
{
    const struct node *node = node_member(group, name);

    if (node != NULL)
        (void)expect_strings(&reader->expect, node, ret_strings, ret_count);
}

void check_words(struct reader *reader, const struct node *node, const struct paa_str *strings,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char shown[HINT_MAX];

        if (is_scope_token(strings[i]))
            continue;
        diag_error(reader->expect.diag, node->where,
                   "%s is not one word of \"%s\": write a list, one string for each",
                   expect_shown(strings[i], shown), node->name);
    }
}

static void read_kind(struct reader *reader, const struct node *node, struct require_conf *require)
{
    static const char *const words[] = { "user", "machine" };
    char hint[HINT_MAX], shown[HINT_MAX];
    struct paa_str text;

    if (!expect_string(&reader->expect, node, &text))
        return;
    if (paa_str_eq(text, "user"))
        require->kind = PAA_PRINCIPAL_USER;
    else if (paa_str_eq(text, "machine"))
        require->kind = PAA_PRINCIPAL_MACHINE;
    else
        diag_error(reader->expect.diag, node->where,
                   "%s is no kind of principal: use \"user\" or \"machine\"%s",
                   expect_shown(text, shown),
                   expect_hint(&reader->expect, text.data, words, 2, hint));
}

static void read_own(struct reader *reader, const struct node *group, struct require_conf *require)
{
    const struct node *max_age = node_member(group, "max_age");
    const struct node *kind = node_member(group, "kind");

    read_strings(reader, group, "scope", &require->scope, &require->scope_count);
    read_strings(reader, group, "subject", &require->subject, &require->subject_count);
    read_strings(reader, group, "issuer", &require->issuer, &require->issuer_count);
    read_strings(reader, group, "client_id", &require->client_id, &require->client_id_count);
    read_strings(reader, group, "amr", &require->amr, &require->amr_count);
    check_words(reader, node_member(group, "scope"), require->scope, require->scope_count);
    check_words(reader, node_member(group, "amr"), require->amr, require->amr_count);
    if (max_age != NULL)
        (void)expect_duration(&reader->expect, max_age, 1, age_max_ms, &require->max_age_ms);
    if (kind != NULL)
        read_kind(reader, kind, require);
}

static bool begin_require(struct reader *reader, const struct node *group, size_t member_count,
                          const char *what)
{
    if (!expect_type(&reader->expect, group, NODE_GROUP))
        return false;
    (void)node_only(group, members, member_count, what, reader->expect.diag);
    if (group->child_count > 0)
        return true;
    diag_error(reader->expect.diag, group->where,
               "%s is empty and would ask for nothing: leave it out", what);
    return false;
}

static void read_of(struct reader *reader, const struct node *of, const struct program *program,
                    struct require_conf *require)
{
    struct require_of *list;

    if (!expect_type(&reader->expect, of, NODE_GROUP))
        return;
    if (of->child_count == 0)
        diag_error(reader->expect.diag, of->where,
                   "\"of\" is empty and would ask for nothing: leave it out");
    list = expect_memory(&reader->expect, of->child_count, sizeof *list);
    if (list == NULL)
        return;
    for (size_t i = 0; i < of->child_count; i++) {
        const struct node *group = &of->children[i];

        list[i].instance = find_site(reader, program, paa_str_of(group->name), group->where);
        list[i].require.where = group->where;
        if (begin_require(reader, group, MEMBERS - 1, "what \"of\" asks of an instance"))
            read_own(reader, group, &list[i].require);
    }
    require->of = list;
    require->of_count = of->child_count;
}

const struct require_conf *read_require(struct reader *reader, const struct node *group,
                                        const struct program *program)
{
    struct require_conf *require = expect_memory(&reader->expect, 1, sizeof *require);
    const struct node *of;

    if (require == NULL || !begin_require(reader, group, MEMBERS, "\"require\""))
        return NULL;
    require->where = group->where;
    read_own(reader, group, require);
    of = node_member(group, "of");
    if (of != NULL)
        read_of(reader, of, program, require);
    return require;
}
