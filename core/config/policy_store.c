/* SPDX-License-Identifier: MIT */
/* Stores: a name, where it lies, and what seals the secrets in it. */
#include "options_read.h"
#include "reader.h"
#include "str.h"

static struct where store_where(struct reader *reader, int32_t index)
{
    return reader->stores[index].where;
}

static void read_path(struct reader *reader, const struct node *node, const char *folder,
                      struct store_conf *store)
{
    struct paa_str path;

    if (!expect_string(&reader->expect, node, &path))
        return;
    store->path =
        paa_str_eq(path, "memory") ? path.data : expect_path(&reader->expect, folder, path);
}

/* A list is of keys here, and not of a program's arguments. */
static void read_seal(struct reader *reader, const struct node *node, const char *folder,
                      struct store_conf *store)
{
    struct options_reader secrets = { .expect = reader->expect, .folder = folder };
    bool is_list = node->type == NODE_LIST || node->type == NODE_ARRAY;
    const struct paa_str *strings;
    struct option_secret *seal;
    size_t count;

    if (!expect_strings(&reader->expect, node, &strings, &count))
        return;
    if (count > STORE_SEAL_MAX) {
        diag_error(reader->expect.diag, node->where, "store \"%s\" has more than %d sealing keys",
                   store->name, STORE_SEAL_MAX);
        return;
    }
    secrets.owner = arena_printf(reader->expect.arena, "store %s", store->name);
    seal = expect_memory(&reader->expect, count, sizeof *seal);
    if (secrets.owner == NULL || seal == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        if (!option_secret_read(&secrets, is_list ? &node->children[i] : node, &seal[i]))
            return;
    store->seal = seal;
    store->seal_count = count;
}

static void read_group(struct reader *reader, const struct node *group, const char *folder,
                       struct store_conf *store)
{
    static const char *const members[] = { "path", "seal" };
    const struct node *path = node_member(group, "path");
    const struct node *seal = node_member(group, "seal");

    node_only(group, members, 2, arena_printf(reader->expect.arena, "store \"%s\"", store->name),
              reader->expect.diag);
    if (path != NULL)
        read_path(reader, path, folder, store);
    else
        diag_error(reader->expect.diag, group->where, "store \"%s\" must say path = \"PATH\"",
                   store->name);
    if (seal == NULL || store->path == NULL)
        return;
    if (strcmp(store->path, "memory") == 0)
        diag_error(reader->expect.diag, seal->where,
                   "store \"%s\" is in memory, where nothing is sealed: leave `seal` out",
                   store->name);
    else
        read_seal(reader, seal, folder, store);
}

static void read_store(struct reader *reader, const struct node *node, const char *folder)
{
    struct store_conf *store;
    int32_t index;

    index = reader_enter(reader, &reader->store_names, node, "store", store_where);
    if (index < 0)
        return;
    store = &reader->stores[index];
    reader->policy->store_count = (size_t)index + 1;
    store->name = node->name;
    store->where = node->where;
    reader_name(reader, node, "a store");
    if (node->type == NODE_GROUP)
        read_group(reader, node, folder, store);
    else
        read_path(reader, node, folder, store);
}

void read_stores(struct reader *reader, const struct node *group, const char *folder)
{
    for (size_t i = 0; i < group->child_count; i++)
        read_store(reader, &group->children[i], folder);
}

void check_stores(struct reader *reader)
{
    for (size_t i = 0; i < reader->policy->instance_count; i++) {
        const struct instance_conf *instance = &reader->policy->instances[i];
        char hint[HINT_MAX], shown[HINT_MAX];

        if (instance->store == NULL || names_find(&reader->store_names, instance->store) >= 0)
            continue;
        expect_hint(&reader->expect, instance->store, reader->store_names.names,
                    reader->store_names.count, hint);
        diag_error(reader->expect.diag, node_member(instance->group, "store")->where,
                   "there is no store %s in \"stores\"%s",
                   expect_shown(paa_str_of(instance->store), shown), hint);
    }
}
