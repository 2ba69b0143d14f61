/* SPDX-License-Identifier: MIT */
/*
 * The verb mint: a new key for a client, shown once. Two live keys a client are enough for rotation; the
 * client is locked meanwhile, so that two who mint at once do not make three.
 */
#include "verbs.h"

#include "secret.h"
#include "units.h"

enum { LIVE_MAX = 2, TRIES_MAX = 3 };

static enum paa_result mint_key(struct paa_op *op, struct mint_state *state);

/* ---- it is saved ------------------------------------------------------------------------------ */

static enum paa_result show_key(struct paa_op *op, struct mint_state *state)
{
    const struct record *record = &state->grant.record;
    char expires[TIME_TEXT_SIZE] = "never";
    struct paa_field fields[4];

    if (record->expires_s != 0)
        time_format(record->expires_s, expires);
    fields[0] = paa_field_of("key", NULL);
    fields[0].value = paa_str_of_n(state->text, state->text_size);
    fields[1] = paa_field_of("id", NULL);
    fields[1].value = record->id;
    fields[2] = paa_field_of("client", NULL);
    fields[2].value = record->client;
    fields[3] = paa_field_of("expires", expires);
    verb_audit(op, PAA_LEVEL_NOTICE, "minted", record);
    if (op->host->conversation->emit(op, fields, 4, PAA_EMIT_REVEAL) != PAA_STATUS_OK)
        return paa_fail(op, PAA_FAULT, "output",
                        "the key was minted but cannot be shown: revoke "
                        "id=%.*s and mint another",
                        STR_ARGS(record->id));
    return PAA_DONE;
}

static enum paa_result on_saved(struct paa_op *op, enum paa_status status, struct save *save)
{
    struct mint_state *state = LIST_ENTRY(save, struct mint_state, save);

    if (status == PAA_STATUS_EXISTS && state->tries < TRIES_MAX)
        return mint_key(op, state); /* another key has this id, by chance */
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    return show_key(op, state);
}

/* ---- it is made ------------------------------------------------------------------------------- */

static enum paa_result mint_key(struct paa_op *op, struct mint_state *state)
{
    char chosen[KEY_ID_SIZE + KEY_SECRET_SIZE];
    struct record *record = &state->grant.record;
    struct key_parts parts;
    bool is_made = verb_choose(op, chosen, sizeof chosen);

    state->tries++;
    if (is_made)
        state->text_size = key_write(instance_of(op)->prefix, chosen, state->text);
    secret_wipe(chosen, sizeof chosen);
    if (!is_made)
        return paa_fail(op, PAA_UNAVAILABLE, "random", "the system gives no random bytes");
    /* Read again as a request would be: what is saved is what verify will look for. */
    if (lookup_of(op, paa_str_of_n(state->text, state->text_size), &state->lookup) !=
            LOOKUP_FOUND ||
        key_parse(paa_str_of_n(state->text, state->text_size), &parts) != KEY_MINTED)
        return paa_fail(op, PAA_FAULT, "digest", "libcrypto could not compute a digest");
    record->id = parts.id;
    record->digest = state->lookup.digest;
    return save_key(op, record, &state->lookup, PAA_PUT_DURABLE, &state->save, on_saved);
}

/* ---- may there be one more? ------------------------------------------------------------------- */

static void count_live(struct paa_op *op, const struct record *record, struct walk *walk)
{
    struct mint_state *state = LIST_ENTRY(walk, struct mint_state, walk);

    if (record_is_live(record, op->host->clock->now_s(op)))
        state->live++;
}

static enum paa_result on_counted(struct paa_op *op, enum paa_status status, struct walk *walk)
{
    struct mint_state *state = LIST_ENTRY(walk, struct mint_state, walk);

    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    if (state->live >= LIVE_MAX)
        return paa_fail(op, PAA_REJECT, "two-live-keys",
                        "\"%.*s\" has %u live keys: retire or revoke one first, or say force=true",
                        STR_ARGS(state->grant.record.client), state->live);
    return mint_key(op, state);
}

static enum paa_result on_locked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *kept, void *context)
{
    struct mint_state *state = (struct mint_state *)context;

    (void)kept;
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    return walk_keys(op, state->grant.record.client, &state->walk, count_live, on_counted);
}

enum paa_result mint_run(struct paa_op *op, const struct paa_options *arguments)
{
    struct mint_state *state = (struct mint_state *)op->state;
    struct paa_str client;
    enum paa_result result = verb_begin(op);

    if (result == PAA_DONE)
        result = grant_read(op, arguments, &state->grant);
    if (result != PAA_DONE)
        return result;
    if (op->host->options->number(arguments, "force", 0) != 0)
        return mint_key(op, state);
    client = state->grant.record.client;
    return op->host->store->lock(op, instance_of(op)->index, paa_bytes_of(client.data, client.size),
                                 on_locked, state);
}
