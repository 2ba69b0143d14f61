/* SPDX-License-Identifier: MIT */
/* All files of a policy into one model. Sections are read in the order of what they refer to. */
#include "reader.h"
#include "str.h"

static const char *const sections[] = {
    "stores", "audit", "keys", "chains", "instances", "services"
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool reader_name(struct reader *reader, const struct node *node, const char *kind)
{
    size_t size = strlen(node->name);
    bool is_fine = size <= NAME_MAX_SIZE;

    for (size_t i = 0; i < size; i++)
        is_fine = is_fine && is_name_char(node->name[i]);
    if (!is_fine)
        diag_error(reader->expect.diag, node->where,
                   "\"%.64s\" cannot name %s: use a to z, 0 to 9, - and _, at most %d characters",
                   node->name, kind, (int)NAME_MAX_SIZE);
    return is_fine;
}

int32_t reader_enter(struct reader *reader, struct names *names, const struct node *node,
                     const char *kind, struct where (*where_of)(struct reader *, int32_t))
{
    int32_t index = names_find(names, node->name);
    struct where first;

    if (index < 0)
        return names_add(names, node->name);
    first = where_of(reader, index);
    diag_error(reader->expect.diag, node->where, "%s \"%.64s\" is in %s:%u already", kind,
               node->name, first.file, (unsigned)first.line);
    return -1;
}

static size_t section_size(struct node *const *roots, size_t count, const char *name)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        const struct node *section = node_member(roots[i], name);

        if (section != NULL && section->type == NODE_GROUP)
            size += section->child_count;
    }
    return size;
}

/* Tables with room for all that the files hold. */
static bool prepare(struct reader *reader, struct node *const *roots, size_t count)
{
    struct arena *arena = reader->expect.arena;
    size_t instances = section_size(roots, count, "instances");
    size_t stores = section_size(roots, count, "stores");
    size_t keys = section_size(roots, count, "keys");
    size_t services = section_size(roots, count, "services");
    size_t chains = section_size(roots, count, "chains");

    reader->policy->instances =
        expect_memory(&reader->expect, instances, sizeof *reader->policy->instances);
    reader->instance_used = expect_memory(&reader->expect, instances, sizeof(bool));
    reader->stores = expect_memory(&reader->expect, stores, sizeof *reader->stores);
    reader->policy->keys.keys =
        expect_memory(&reader->expect, keys, sizeof *reader->policy->keys.keys);
    reader->services = expect_memory(&reader->expect, services, sizeof *reader->services);
    reader->chains = expect_memory(&reader->expect, chains, sizeof *reader->chains);
    reader->policy->stores = reader->stores;
    reader->policy->services = reader->services;
    return !reader->expect.out_of_memory && names_init(&reader->instance_names, instances, arena) &&
           names_init(&reader->store_names, stores, arena) &&
           names_init(&reader->key_names, keys, arena) &&
           names_init(&reader->service_names, services, arena) &&
           names_init(&reader->chain_names, chains, arena);
}

/* The section of one file, if it is there and a group. */
static const struct node *section_of(struct reader *reader, const struct node *root,
                                     const char *name)
{
    const struct node *section = node_member(root, name);

    if (section == NULL || !expect_type(&reader->expect, section, NODE_GROUP))
        return NULL;
    return section;
}

static void read_section(struct reader *reader, struct node *const *roots, size_t count,
                         const char *name,
                         void (*read)(struct reader *reader, const struct node *group))
{
    for (size_t i = 0; i < count; i++) {
        const struct node *section = section_of(reader, roots[i], name);

        if (section != NULL)
            read(reader, section);
    }
}

static void read_folder_sections(struct reader *reader, const struct policy_file *file,
                                 const struct node *root)
{
    const struct node *stores = section_of(reader, root, "stores");
    const struct node *audit = section_of(reader, root, "audit");
    const struct node *keys = section_of(reader, root, "keys");

    if (stores != NULL)
        read_stores(reader, stores, file->folder);
    if (audit != NULL)
        read_audit(reader, audit, file->folder);
    if (keys != NULL)
        read_keys(reader, keys, file->folder);
}

static void read_service_sections(struct reader *reader, const struct policy_file *files,
                                  struct node *const *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct node *section = section_of(reader, roots[i], "services");

        if (section != NULL)
            read_services(reader, section, files[i].folder);
    }
}

static void warn_unused(struct reader *reader)
{
    for (size_t i = 0; i < reader->policy->instance_count; i++)
        if (!reader->instance_used[i])
            diag_warn(reader->expect.diag, reader->policy->instances[i].where,
                      "no service uses instance \"%s\"", reader->policy->instances[i].name);
    for (size_t i = 0; i < reader->chain_names.count; i++)
        if (!reader->chains[i].is_used)
            diag_warn(reader->expect.diag, reader->chains[i].where, "no service uses chain \"%s\"",
                      reader->chains[i].name);
}

static void read_all(struct reader *reader, const struct policy_file *files,
                     struct node *const *roots, size_t count)
{
    uint32_t errors = reader->expect.diag->errors;

    for (size_t i = 0; i < count; i++)
        node_only(roots[i], sections, sizeof sections / sizeof sections[0], "a policy",
                  reader->expect.diag);
    for (size_t i = 0; i < count; i++)
        read_folder_sections(reader, &files[i], roots[i]);
    read_section(reader, roots, count, "instances", read_instances);
    check_stores(reader);
    read_section(reader, roots, count, "chains", enter_chains);
    read_chains(reader);
    read_service_sections(reader, files, roots, count);
    if (reader->expect.diag->errors == errors)
        warn_unused(reader);
}

/* Every file is read, so that all errors of a kind are told at once. */
static bool parse_files(const struct policy_file *files, size_t count, struct expect *expect,
                        struct node **roots)
{
    bool is_fine = true;

    for (size_t i = 0; i < count; i++) {
        roots[i] = node_parse(files[i].text, files[i].name, expect->arena, expect->diag);
        is_fine = is_fine && roots[i] != NULL;
    }
    return is_fine;
}

struct policy *policy_parse(const struct policy_file *files, size_t count, struct arena *arena,
                            struct diag *findings)
{
    struct reader reader = { .expect = { .arena = arena, .diag = findings } };
    uint32_t errors = findings->errors;
    struct node **roots = expect_memory(&reader.expect, count, sizeof(struct node *));

    reader.policy = expect_memory(&reader.expect, 1, sizeof *reader.policy);
    if (roots == NULL || reader.policy == NULL || !parse_files(files, count, &reader.expect, roots))
        return NULL;
    if (!prepare(&reader, roots, count)) {
        if (!reader.expect.out_of_memory)
            diag_error(findings, ((struct where){ "policy", 0 }), "out of memory");
        return NULL;
    }
    read_all(&reader, files, roots, count);
    return findings->errors == errors ? reader.policy : NULL;
}

int32_t policy_instance(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->instance_count; i++)
        if (strcmp(policy->instances[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}
