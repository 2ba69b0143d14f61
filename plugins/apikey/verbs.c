/* SPDX-License-Identifier: MIT */
/* The verbs: their table, list and show, retire and revoke. */
#include "verbs.h"

#include "secret.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

enum { CHANGE_TRIES_MAX = 5, CHOICES_MAX = 8, CHANCE_SIZE = 128, NETWORK_TEXT_MAX = 48 };

/* ---- what verbs share ------------------------------------------------------------------------- */

enum paa_result verb_begin(struct paa_op *op)
{
    if (instance_of(op)->keys != NULL)
        return PAA_DONE;
    return paa_fail(op, PAA_FAULT, "usage",
                    "\"%.*s\" is used for outgoing requests only and has no keys of its own",
                    STR_ARGS(op->instance));
}

enum paa_result verb_store_failed(struct paa_op *op)
{
    return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
}

void verb_audit(struct paa_op *op, enum paa_level level, const char *what,
                const struct record *record)
{
    char line[64 + KEY_ID_SIZE + RECORD_CLIENT_MAX];
    int size = snprintf(line, sizeof line, "key %s: id=%.*s client=%.*s", what,
                        STR_ARGS(record->id), STR_ARGS(record->client));

    if (size > 0)
        op->host->log->line(op, level, paa_str_of(line));
}

void verb_audit_count(struct paa_op *op, const char *what, uint64_t count)
{
    char line[64];

    (void)snprintf(line, sizeof line, "keys %s: %" PRIu64, what, count);
    op->host->log->line(op, PAA_LEVEL_NOTICE, paa_str_of(line));
}

bool verb_choose(struct paa_op *op, char *ret_text, size_t count)
{
    unsigned char chance[CHANCE_SIZE];
    size_t chosen = 0;

    for (unsigned i = 0; i < CHOICES_MAX && chosen < count; i++) {
        if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
            break;
        chosen +=
            key_characters(paa_bytes_of(chance, sizeof chance), ret_text + chosen, count - chosen);
    }
    secret_wipe(chance, sizeof chance);
    return chosen == count;
}

static enum paa_result no_such_key(struct paa_op *op)
{
    return paa_fail(op, PAA_REJECT, "unknown-key",
                    "no key has this id; \"list\" shows those there are");
}

/* ---- output ----------------------------------------------------------------------------------- */

static struct paa_str time_text(int64_t time_s, char memory[TIME_TEXT_SIZE])
{
    if (time_s == 0)
        return STR("-");
    time_format(time_s, memory);
    return paa_str_of(memory);
}

static struct paa_str or_dash(struct paa_str text)
{
    return text.size > 0 ? text : STR("-");
}

static void emit_row(struct paa_op *op, const struct record *record)
{
    char created[TIME_TEXT_SIZE];
    char ends[TIME_TEXT_SIZE];
    int64_t end_s = record->revoked_s != 0 ? record->revoked_s : record_end(record);
    struct paa_field fields[] = {
        { STR("id"), record->id },
        { STR("client"), record->client },
        { STR("state"), paa_str_of(record_state(record, op->host->clock->now_s(op))) },
        { STR("scope"), or_dash(record->scope) },
        { STR("created"), time_text(record->created_s, created) },
        { STR("ends"), time_text(end_s, ends) },
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
            { STR("created"), time_text(record->created_s, times[0]) },
            { STR("not_before"), time_text(record->not_before_s, times[1]) },
            { STR("expires"), time_text(record->expires_s, times[2]) },
            { STR("retired"), time_text(record->retired_s, times[3]) },
            { STR("revoked"), time_text(record->revoked_s, times[4]) },
        };

        op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
    }
    buf_free(&networks);
}

/* ---- list, show ------------------------------------------------------------------------------- */

static void list_one(struct paa_op *op, const struct record *record, struct walk *walk)
{
    (void)walk;
    emit_row(op, record);
}

static enum paa_result on_listed(struct paa_op *op, enum paa_status status, struct walk *walk)
{
    (void)walk;
    return status == PAA_STATUS_OK ? PAA_DONE : verb_store_failed(op);
}

static enum paa_result list_run(struct paa_op *op, const struct paa_options *arguments)
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
        return no_such_key(op);
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    emit_all(op, record);
    return PAA_DONE;
}

static enum paa_result show_run(struct paa_op *op, const struct paa_options *arguments)
{
    enum paa_result result = verb_begin(op);

    if (result != PAA_DONE)
        return result;
    return find_key(op, op->host->options->string(arguments, "id", 0), (struct find *)op->state,
                    on_shown);
}

/* ---- retire, revoke --------------------------------------------------------------------------- */

struct change {
    struct find find;
    struct save save;
    bool revokes; /* else it retires */
    int64_t at_s; /* now; the end of the grace */
    unsigned tries;
    struct paa_str id;
    struct record record; /* as it was changed, with no texts but these two */
    struct lookup lookup; /* no more of it than where the record is */
    char shown_id[KEY_ID_SIZE];
    char client[RECORD_CLIENT_MAX];
};

static enum paa_result change_begin(struct paa_op *op, struct change *change);

/* What is needed when the record is gone from view. */
static void remember(struct change *change, const struct paa_record *kept,
                     const struct record *changed)
{
    struct record *record = &change->record;
    size_t client_size = changed->client.size;

    memcpy(change->shown_id, changed->id.data, KEY_ID_SIZE);
    memcpy(change->client, changed->client.data, client_size);
    memset(record, 0, sizeof *record);
    record->flags = changed->flags;
    record->expires_s = changed->expires_s;
    record->retired_s = changed->retired_s;
    record->revoked_s = changed->revoked_s;
    record->id = paa_str_of_n(change->shown_id, KEY_ID_SIZE);
    record->client = paa_str_of_n(change->client, client_size);
    change->lookup.key_size =
        kept->key.size < STORE_KEY_SIZE_MAX ? kept->key.size : (size_t)STORE_KEY_SIZE_MAX;
    memcpy(change->lookup.key, kept->key.data, change->lookup.key_size);
}

static enum paa_result on_indexed(struct paa_op *op, enum paa_status status, struct save *save)
{
    const struct change *change = LIST_ENTRY(save, struct change, save);
    char at[TIME_TEXT_SIZE];
    struct paa_field fields[] = {
        { STR("id"), change->record.id },
        { STR("client"), change->record.client },
        { change->revokes ? STR("revoked") : STR("ends"), time_text(change->at_s, at) },
    };

    (void)status; /* what leads nowhere stays for longer */
    op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
    return PAA_DONE;
}

/* The index comes after it, lest what leads to a key ends before the key does. */
static enum paa_result on_changed(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *kept, void *context)
{
    struct change *change = (struct change *)context;

    (void)kept;
    if (status == PAA_STATUS_EXISTS && ++change->tries < CHANGE_TRIES_MAX)
        return change_begin(op, change); /* somebody else changed it meanwhile */
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    verb_audit(op, PAA_LEVEL_NOTICE, change->revokes ? "revoked" : "retired", &change->record);
    return save_index(op, &change->record, &change->lookup, &change->save, on_indexed);
}

static enum paa_result put_changed(struct paa_op *op, struct change *change,
                                   const struct paa_record *kept, const struct record *record)
{
    struct paa_record changed;
    struct buf buf;
    enum paa_result result;

    if (record_to_store(record, &buf, &changed)) {
        changed.key = kept->key;
        changed.version = kept->version;
        result = op->host->store->put(op, instance_of(op)->keys, &changed,
                                      PAA_PUT_SAME | PAA_PUT_DURABLE, on_changed, change);
    } else {
        result = paa_fail(op, PAA_FAULT, "record", "the key's record cannot be written");
    }
    buf_free(&buf);
    return result;
}

static enum paa_result on_to_change(struct paa_op *op, enum paa_status status,
                                    const struct paa_record *kept, const struct record *record,
                                    struct find *find)
{
    struct change *change = LIST_ENTRY(find, struct change, find);
    struct record changed;

    if (status == PAA_STATUS_NONE)
        return no_such_key(op);
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    if (record->revoked_s != 0 && change->revokes) {
        emit_row(op, record);
        return PAA_DONE;
    }
    if (!change->revokes && !record_is_live(record, op->host->clock->now_s(op)))
        return paa_fail(op, PAA_REJECT, "ended", "the key has ended already: it is %s",
                        record_state(record, op->host->clock->now_s(op)));
    changed = *record;
    if (change->revokes)
        changed.revoked_s = change->at_s;
    else if (record->retired_s == 0 || record->retired_s > change->at_s)
        changed.retired_s = change->at_s; /* a second time never lengthens the grace */
    else
        change->at_s = record->retired_s;
    remember(change, kept, &changed);
    return put_changed(op, change, kept, &changed);
}

static enum paa_result change_begin(struct paa_op *op, struct change *change)
{
    return find_key(op, change->id, &change->find, on_to_change);
}

static enum paa_result retire_run(struct paa_op *op, const struct paa_options *arguments)
{
    struct change *change = (struct change *)op->state;
    enum paa_result result = verb_begin(op);

    if (result != PAA_DONE)
        return result;
    change->id = op->host->options->string(arguments, "id", 0);
    change->at_s = time_add(op->host->clock->now_s(op),
                            op->host->options->number(arguments, "grace", 0) / 1000);
    return change_begin(op, change);
}

static enum paa_result revoke_run(struct paa_op *op, const struct paa_options *arguments)
{
    struct change *change = (struct change *)op->state;
    enum paa_result result = verb_begin(op);

    if (result != PAA_DONE)
        return result;
    change->revokes = true;
    change->id = op->host->options->string(arguments, "id", 0);
    change->at_s = op->host->clock->now_s(op);
    return change_begin(op, change);
}

/* ---- the table -------------------------------------------------------------------------------- */

#define CLIENT_HELP "whose key it is: the subject of the principal"
#define ID_ARGUMENT                                                                                \
    {                                                                                              \
        .name = "id", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED,                     \
        .help = "the key's id: the middle part of its text, and in the list"                       \
    }

static const struct paa_option mint_arguments[] = {
    { .name = "client",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_REQUIRED,
      .help = CLIENT_HELP },
    GRANT_ARGUMENTS,
    { .name = "force",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "even if the client has two live keys" },
};

static const struct paa_option import_arguments[] = {
    { .name = "client",
      .type = PAA_OPTION_STRING,
      .help = "whose keys they are, where the line does not say" },
    GRANT_ARGUMENTS,
};

static const struct paa_option list_arguments[] = {
    { .name = "client", .type = PAA_OPTION_STRING, .help = "only those of this client" },
};

static const struct paa_option id_argument[] = { ID_ARGUMENT };

static const struct paa_option retire_arguments[] = {
    ID_ARGUMENT,
    { .name = "grace",
      .type = PAA_OPTION_DURATION,
      .fallback = "7d",
      .help = "how long it goes on working" },
};

const struct paa_verb apikey_verbs[APIKEY_VERB_COUNT] = {
    { .name = "mint",
      .help = "make a key and show it, once",
      .arguments = mint_arguments,
      .argument_count = sizeof mint_arguments / sizeof mint_arguments[0],
      .state_size = sizeof(struct mint_state),
      .run = mint_run },
    { .name = "list",
      .help = "show the keys, one a line",
      .arguments = list_arguments,
      .argument_count = sizeof list_arguments / sizeof list_arguments[0],
      .state_size = sizeof(struct walk),
      .run = list_run },
    { .name = "show",
      .help = "show all that is kept of a key; its text is not",
      .arguments = id_argument,
      .argument_count = 1,
      .state_size = sizeof(struct find),
      .run = show_run },
    { .name = "retire",
      .help = "let a key go on for a while, then no more",
      .arguments = retire_arguments,
      .argument_count = sizeof retire_arguments / sizeof retire_arguments[0],
      .state_size = sizeof(struct change),
      .run = retire_run },
    { .name = "revoke",
      .help = "end a key; it counts at the next request, in every process",
      .arguments = id_argument,
      .argument_count = 1,
      .state_size = sizeof(struct change),
      .run = revoke_run },
    { .name = "import",
      .help = "read existing keys, one a line: KEY [TAB client [TAB scopes [TAB label]]]",
      .arguments = import_arguments,
      .argument_count = sizeof import_arguments / sizeof import_arguments[0],
      .state_size = sizeof(struct import_state),
      .run = import_run },
};
