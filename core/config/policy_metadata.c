/* SPDX-License-Identifier: MIT */
/* `metadata`: what a service says of itself as a protected resource (RFC 9728). Knows nothing of what its plugins add. */
#include "service.h"
#include "str.h"

const char *const metadata_text_names[METADATA_TEXT_COUNT] = {
    [METADATA_NAME] = "resource_name",
    [METADATA_DOCUMENTATION] = "resource_documentation",
    [METADATA_POLICY_URI] = "resource_policy_uri",
    [METADATA_TOS_URI] = "resource_tos_uri",
};

enum { MEMBERS = METADATA_TEXT_COUNT + 2 };

static void read_path(struct reader *reader, const struct node *node,
                      struct metadata_conf *metadata)
{
    if (!expect_exact_path(&reader->expect, node, &metadata->path))
        return;
    if (metadata->path.data[metadata->path.size - 1] == '/')
        diag_error(
            reader->expect.diag, node->where,
            "\"path\" of \"metadata\" ends with \"/\": take that off, and leave \"path\" out "
            "where the resource is all of the origin");
}

static void read_text(struct reader *reader, const struct node *node, enum metadata_text which,
                      struct metadata_conf *metadata)
{
    if (which == METADATA_NAME)
        (void)expect_string(&reader->expect, node, &metadata->texts[which]);
    else
        (void)expect_url(&reader->expect, node, &metadata->texts[which]);
}

static void read_members(struct reader *reader, const struct node *group,
                         struct metadata_conf *metadata)
{
    const char *names[MEMBERS] = { "path", "scopes_supported" };
    const struct node *path = node_member(group, "path");
    const struct node *scopes = node_member(group, "scopes_supported");

    for (size_t i = 0; i < METADATA_TEXT_COUNT; i++) {
        const struct node *node = node_member(group, metadata_text_names[i]);

        names[2 + i] = metadata_text_names[i];
        if (node != NULL)
            read_text(reader, node, (enum metadata_text)i, metadata);
    }
    (void)node_only(group, names, MEMBERS, "\"metadata\"", reader->expect.diag);
    if (path != NULL)
        read_path(reader, path, metadata);
    if (scopes != NULL &&
        expect_strings(&reader->expect, scopes, &metadata->scopes, &metadata->scope_count))
        check_words(reader, scopes, metadata->scopes, metadata->scope_count);
}

void read_metadata(struct reader *reader, const struct node *node, struct service_conf *service)
{
    struct metadata_conf *metadata = expect_memory(&reader->expect, 1, sizeof *metadata);
    bool is_wanted = true;

    if (metadata == NULL)
        return;
    metadata->where = node->where;
    if (node->type == NODE_GROUP)
        read_members(reader, node, metadata);
    else if (!expect_boolean(&reader->expect, node, &is_wanted))
        return;
    if (!is_wanted)
        return;
    if (service->origin_count == 0)
        diag_error(reader->expect.diag, node->where,
                   "\"metadata\" names the service to clients by its origins: add origins = [ "
                   "\"https://HOST\" ]");
    service->metadata = metadata;
}
