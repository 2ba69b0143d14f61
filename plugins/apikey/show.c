/* SPDX-License-Identifier: MIT */
/* The verbs list and show: keys as people and programs read them; their texts are kept nowhere. */
#include "verbs.h"

#include "units.h"

#include <stdio.h>

enum { NETWORK_TEXT_MAX = 48 };

/* ---- one key ---------------------------------------------------------------------------------- */

static struct paa_str or_dash(struct paa_str text)
{
    return text.size > 0 ? text : STR("-");
}

void verb_emit_row(struct paa_op *op, const struct record *record)
{
    char created[TIME_TEXT_SIZE];
    char ends[TIME_TEXT_SIZE];
    int64_t end_s = record->revoked_s != 0 ? record->revoked_s : record_end(record);
    struct paa_field fields[] = {
        { STR("id"), record->id },
        { STR("client"), record->client },
        { STR("state"), paa_str_of(record_state(record, op->host->clock->now_s(op))) },
        { STR("scope"), or_dash(record->scope) },
        { STR("created"), verb_time_text(record->created_s, created) },
        { STR("ends"), verb_time_text(end_s, ends) },
        { STR("label"), or_dash(record->label) },
    };

    op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
}

/* IPv4 as people write it; IPv6 in full. */
static void network_text(const struct network *network, char ret_text[NETWORK_TEXT_MAX])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    const unsigned char *a = network->address;
    size_t size = 0;

    if (network->bits >= 96 && memcmp(a, mapped, sizeof mapped) == 0) {
        (void)snprintf(ret_text, NETWORK_TEXT_MAX, "%u.%u.%u.%u/%u", a[12], a[13], a[14], a[15],
                       network->bits - 96u);
        return;
    }
    for (size_t i = 0; i < 16; i += 2)
        size += (size_t)snprintf(ret_text + size, NETWORK_TEXT_MAX - size, "%s%x", i > 0 ? ":" : "",
                                 (unsigned)a[i] << 8 | a[i + 1]);
    (void)snprintf(ret_text + size, NETWORK_TEXT_MAX - size, "/%u", network->bits);
}

static struct paa_str networks_text(const struct record *record, struct buf *buf)
{
    char text[NETWORK_TEXT_MAX];

    for (size_t i = 0; i < record->network_count; i++) {
        struct network network = record_network(record, i);

        network_text(&network, text);
        if (i > 0)
            buf_add_char(buf, ' ');
        buf_add_text(buf, text);
    }
    return or_dash(buf_str(buf));
}

static const char *kind_text(const struct record *record)
{
    if ((record->flags & RECORD_PEPPERED) != 0)
        return "imported, with pepper";
    return (record->flags & RECORD_IMPORTED) != 0 ? "imported" : "minted";
}

static void emit_all(struct paa_op *op, const struct record *record)
{
    char times[5][TIME_TEXT_SIZE];
    struct buf networks;

    buf_init(&networks, RECORD_NETWORKS_MAX * NETWORK_TEXT_MAX);
    {
        struct paa_field fields[] = {
            { STR("id"), record->id },
            { STR("client"), record->client },
            { STR("state"), paa_str_of(record_state(record, op->host->clock->now_s(op))) },
            { STR("kind"), paa_str_of(kind_text(record)) },
            { STR("label"), or_dash(record->label) },
            { STR("scope"), or_dash(record->scope) },
            { STR("instances"), or_dash(record->instances) },
            { STR("networks"), networks_text(record, &networks) },
            { STR("created"), verb_time_text(record->created_s, times[0]) },
            { STR("not_before"), verb_time_text(record->not_before_s, times[1]) },
            { STR("expires"), verb_time_text(record->expires_s, times[2]) },
            { STR("retired"), verb_time_text(record->retired_s, times[3]) },
            { STR("revoked"), verb_time_text(record->revoked_s, times[4]) },
        };

        op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
    }
    buf_free(&networks);
}

/* ---- list, show ------------------------------------------------------------------------------- */

static void list_one(struct paa_op *op, const struct record *record, struct walk *walk)
{
    (void)walk;
    verb_emit_row(op, record);
}

static enum paa_result on_listed(struct paa_op *op, enum paa_status status, struct walk *walk)
{
    (void)walk;
    return status == PAA_STATUS_OK ? PAA_DONE : verb_store_failed(op);
}

enum paa_result list_run(struct paa_op *op, const struct paa_options *arguments)
{
    struct paa_str client = op->host->options->string(arguments, "client", 0);
    enum paa_result result = verb_begin(op);

    if (result != PAA_DONE)
        return result;
    if (client.data != NULL && !record_text_valid(client, RECORD_CLIENT_MAX))
        return PAA_DONE; /* nobody has such a name */
    return walk_keys(op, client, (struct walk *)op->state, list_one, on_listed);
}

static enum paa_result on_shown(struct paa_op *op, enum paa_status status,
                                const struct paa_record *kept, const struct record *record,
                                struct find *find)
{
    (void)kept;
    (void)find;
    if (status == PAA_STATUS_NONE)
        return verb_unknown_key(op);
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    emit_all(op, record);
    return PAA_DONE;
}

enum paa_result show_run(struct paa_op *op, const struct paa_options *arguments)
{
    enum paa_result result = verb_begin(op);

    if (result != PAA_DONE)
        return result;
    return find_key(op, op->host->options->string(arguments, "id", 0), (struct find *)op->state,
                    on_shown);
}
