/* SPDX-License-Identifier: MIT */
/* `keys`: private keys that several instances share, by name. */
#include "reader.h"

static struct where key_where(struct reader *reader, int32_t index)
{
    return reader->policy->keys.keys[index].where;
}

static void read_key(struct reader *reader, const struct node *node, const char *folder)
{
    struct key_table *table = &reader->policy->keys;
    struct key_conf *conf;
    char *owner;
    int32_t index;

    index = reader_enter(reader, &reader->key_names, node, "key", key_where);
    if (index < 0)
        return;
    table->count = (size_t)index + 1;
    table->names = reader->key_names.names;
    conf = &table->keys[index];
    conf->where = node->where;
    if (!reader_name(reader, node, "a key"))
        return;
    owner = arena_printf(reader->expect.arena, "key %s", node->name);
    if (owner == NULL)
        diag_error(reader->expect.diag, node->where, "out of memory");
    else if (key_conf_read(node, owner, folder, reader->expect.arena, reader->expect.diag, conf))
        conf->name = node->name;
}

void read_keys(struct reader *reader, const struct node *group, const char *folder)
{
    for (size_t i = 0; i < group->child_count; i++)
        read_key(reader, &group->children[i], folder);
}

void policy_warn_keys(const struct policy *policy, struct diag *findings)
{
    for (size_t i = 0; i < policy->keys.count; i++)
        if (!policy->keys.keys[i].is_used)
            diag_warn(findings, policy->keys.keys[i].where, "no instance uses key \"%s\"",
                      policy->keys.names[i]);
}
