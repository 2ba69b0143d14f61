/* SPDX-License-Identifier: MIT */
/* `upstream`: in which fields the application is told who it was. */
#include "fields.h"
#include "reader.h"
#include "service.h"
#include "str.h"

/* In order of enum upstream_field. */
static const char *const members[] = { "subject",  "issuer",  "client_id", "scope",
                                       "instance", "methods", "encoding" };

/* Fields that make a message what it is: removing them from a request, as is done with forged identity, would
 * break it. */
static const char *const structural[] = {
    "Host",         "Content-Length", "Transfer-Encoding", "Connection",
    "Content-Type", "Upgrade",        "Trailer",           "TE",
    "Expect"
};

static const char *const encodings[] = { "percent", "ascii", "base64url" };

enum { ENCODINGS = 3, STRUCTURALS = sizeof structural / sizeof structural[0] };

static void read_encoding(struct reader *reader, const struct node *node,
                          struct service_conf *service)
{
    char hint[HINT_MAX], shown[HINT_MAX];
    struct paa_str text;

    if (!expect_string(&reader->expect, node, &text))
        return;
    for (int i = 0; i < ENCODINGS; i++)
        if (paa_str_eq(text, encodings[i])) {
            service->encoding = (enum upstream_encoding)(UPSTREAM_PERCENT + i);
            return;
        }
    diag_error(reader->expect.diag, node->where,
               "%s is no encoding: use \"percent\", \"ascii\" or \"base64url\"%s",
               expect_shown(text, shown),
               expect_hint(&reader->expect, text.data, encodings, ENCODINGS, hint));
}

static bool is_structural(struct paa_str name)
{
    for (size_t i = 0; i < STRUCTURALS; i++)
        if (field_name_same(name, paa_str_of(structural[i])))
            return true;
    return false;
}

static void read_field(struct reader *reader, const struct node *node, struct service_conf *service,
                       size_t index)
{
    struct paa_str *field = &service->upstream[index];
    char shown[HINT_MAX];

    if (!expect_string(&reader->expect, node, field))
        return;
    expect_shown(*field, shown);
    if (!is_token(*field))
        diag_error(reader->expect.diag, node->where,
                   "%s is no field name: use a name such as \"X-Auth-Subject\"", shown);
    else if (is_structural(*field))
        diag_error(reader->expect.diag, node->where,
                   "%s is a field that HTTP itself needs: use a name such as \"X-Auth-Subject\"",
                   shown);
    for (size_t i = 0; i < index; i++)
        if (service->upstream[i].data != NULL && field_name_same(service->upstream[i], *field))
            diag_error(reader->expect.diag, node->where,
                       "%s is the field of \"%s\" already (case, _ and - make no difference)",
                       shown, members[i]);
}

void read_upstream(struct reader *reader, const struct node *group, struct service_conf *service)
{
    const struct node *encoding;
    bool has_field = false;

    if (!expect_type(&reader->expect, group, NODE_GROUP))
        return;
    (void)node_only(group, members, UPSTREAM_COUNT + 1, "\"upstream\"", reader->expect.diag);
    for (size_t i = 0; i < UPSTREAM_COUNT; i++) {
        const struct node *node = node_member(group, members[i]);

        if (node == NULL)
            continue;
        has_field = true;
        read_field(reader, node, service, i);
    }
    if (!has_field)
        diag_error(reader->expect.diag, group->where,
                   "\"upstream\" names no field: write subject = \"X-Auth-Subject\", say");
    encoding = node_member(group, "encoding");
    if (encoding != NULL)
        read_encoding(reader, encoding, service);
}
