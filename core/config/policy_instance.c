/* SPDX-License-Identifier: MIT */
/* Instances and the audit file. An instance's own options are left to options.c. */
#include "reader.h"
#include "str.h"

enum { SHA256_HEX_SIZE = 64 };

static struct where instance_where(struct reader *reader, int32_t index)
{
    return reader->policy->instances[index].where;
}

static bool is_plugin_name(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return text.size <= NAME_MAX_SIZE;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, "permit") == 0 || strcmp(name, "deny") == 0;
}

static void read_plugin(struct reader *reader, const struct node *group,
                        struct instance_conf *instance)
{
    const struct node *node = node_member(group, "plugin");
    struct paa_str text;

    if (node == NULL) {
        diag_error(reader->expect.diag, group->where,
                   "instance \"%s\" must say plugin = \"NAME\" or an absolute path",
                   instance->name);
        return;
    }
    if (!expect_string(&reader->expect, node, &text))
        return;
    instance->plugin = text.data;
    if (is_reserved(text.data))
        diag_error(reader->expect.diag, node->where,
                   "\"%s\" is built in: name it in a chain, it needs no instance", text.data);
    else if (text.data[0] != '/' && !is_plugin_name(text))
        diag_error(reader->expect.diag, node->where,
                   "\"plugin\" must be a name of a to z, 0 to 9 and -, or an absolute path");
}

static void read_sha256(struct reader *reader, const struct node *node,
                        struct instance_conf *instance)
{
    struct paa_str text;
    bool is_fine;
    char *lower;

    if (!expect_string(&reader->expect, node, &text))
        return;
    is_fine = text.size == SHA256_HEX_SIZE;
    lower = expect_memory(&reader->expect, text.size + 1, 1);
    for (size_t i = 0; lower != NULL && i < text.size; i++) {
        lower[i] = char_lower(text.data[i]);
        is_fine = is_fine && strchr("0123456789abcdef", lower[i]) != NULL;
    }
    instance->sha256 = lower;
    if (!is_fine)
        diag_error(reader->expect.diag, node->where,
                   "\"sha256\" must be 64 hexadecimal digits, as sha256sum prints them");
}

static void read_instance(struct reader *reader, const struct node *group)
{
    const struct node *sha256, *store;
    struct instance_conf *instance;
    struct paa_str text;
    int32_t index;

    index = reader_enter(reader, &reader->instance_names, group, "instance", instance_where);
    if (index < 0)
        return;
    instance = &reader->policy->instances[index];
    reader->policy->instance_count = (size_t)index + 1;
    instance->name = group->name;
    instance->group = group;
    instance->where = group->where;
    if (is_reserved(group->name))
        diag_error(reader->expect.diag, group->where,
                   "\"%s\" is built in: give the instance another name", group->name);
    else
        reader_name(reader, group, "an instance");
    if (!expect_type(&reader->expect, group, NODE_GROUP))
        return;
    sha256 = node_member(group, "sha256");
    store = node_member(group, "store");
    read_plugin(reader, group, instance);
    if (sha256 != NULL)
        read_sha256(reader, sha256, instance);
    if (store != NULL && expect_string(&reader->expect, store, &text))
        instance->store = text.data;
}

void read_instances(struct reader *reader, const struct node *group)
{
    for (size_t i = 0; i < group->child_count; i++)
        read_instance(reader, &group->children[i]);
}

void read_audit(struct reader *reader, const struct node *group, const char *folder)
{
    static const char *const members[] = { "file", "required" };
    const struct node *file = node_member(group, "file");
    const struct node *required = node_member(group, "required");
    struct paa_str path;

    if (reader->audit.file != NULL) {
        diag_error(reader->expect.diag, group->where, "\"audit\" is in %s:%u already",
                   reader->audit.file, (unsigned)reader->audit.line);
        return;
    }
    reader->audit = group->where;
    node_only(group, members, 2, "\"audit\"", reader->expect.diag);
    if (file == NULL)
        diag_error(reader->expect.diag, group->where, "\"audit\" must say file = \"PATH\"");
    else if (expect_string(&reader->expect, file, &path))
        reader->policy->audit_file = expect_path(&reader->expect, folder, path);
    if (required != NULL)
        expect_boolean(&reader->expect, required, &reader->policy->audit_required);
}
