/* SPDX-License-Identifier: MIT */
/*
 * The verbs retire and revoke: a key's record with another end, by compare-and-set, and then what leads to it. An end only
 * ever comes nearer.
 */
#include "verbs.h"

#include "units.h"

enum { TRIES_MAX = 5 };

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
    change->lookup.key_size = kept->key.size;
    memcpy(change->lookup.key, kept->key.data, kept->key.size);
}

static enum paa_result on_indexed(struct paa_op *op, enum paa_status status, struct save *save)
{
    const struct change *change = LIST_ENTRY(save, struct change, save);
    char at[TIME_TEXT_SIZE];
    struct paa_field fields[] = {
        { STR("id"), change->record.id },
        { STR("client"), change->record.client },
        { change->revokes ? STR("revoked") : STR("ends"), verb_time_text(change->at_s, at) },
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
    if (status == PAA_STATUS_EXISTS && ++change->tries < TRIES_MAX)
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
        return verb_unknown_key(op);
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    if (kept->key.size > sizeof change->lookup.key)
        return paa_fail(op, PAA_FAULT, "record", "the key's record in the store is damaged");
    if (record->revoked_s != 0 && change->revokes) {
        verb_emit_row(op, record);
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

enum paa_result retire_run(struct paa_op *op, const struct paa_options *arguments)
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

enum paa_result revoke_run(struct paa_op *op, const struct paa_options *arguments)
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
