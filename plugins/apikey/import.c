/* SPDX-License-Identifier: MIT */
/*
 * The verb import: existing keys from standard input, one a line:
 *   KEY [TAB client [TAB scopes, space-separated [TAB label]]]
 * Empty lines and lines that begin with "#" are passed over; what a line leaves out, the arguments say. A
 * key that is there already is passed over too, so that an import that broke off can be run again.
 *
 * Saved one by one, made durable once, at the end. Texts of keys live in the input line only.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINE_MAX_SIZE = IMPORT_MAX + RECORD_CLIENT_MAX + RECORD_SCOPE_MAX + RECORD_LABEL_MAX + 4 };

static enum paa_result read_line(struct paa_op *op, struct import_state *state);

/* ---- the end ---------------------------------------------------------------------------------- */

static enum paa_result report(struct paa_op *op, struct import_state *state)
{
    char imported[24];
    char known[24];
    struct paa_field fields[2];

    (void)snprintf(imported, sizeof imported, "%" PRIu64, state->imported);
    (void)snprintf(known, sizeof known, "%" PRIu64, state->known);
    fields[0] = paa_field_of("imported", imported);
    fields[1] = paa_field_of("known", known);
    op->host->conversation->emit(op, fields, 2, 0);
    verb_audit_count(op, "imported", state->imported);
    if (state->wrong != NULL)
        return paa_fail(op, PAA_REJECT, "line",
                        "line %" PRIu64 ": %s; the lines before it are imported", state->number,
                        state->wrong);
    return PAA_DONE;
}

static enum paa_result on_flushed(struct paa_op *op, enum paa_status status, struct save *save)
{
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    return report(op, LIST_ENTRY(save, struct import_state, save));
}

/* What was saved before a bad line is kept, and the count says so. */
static enum paa_result finish(struct paa_op *op, struct import_state *state)
{
    return state->imported > 0 ? save_flush(op, &state->save, on_flushed) : report(op, state);
}

static enum paa_result stop(struct paa_op *op, struct import_state *state, const char *wrong)
{
    state->wrong = wrong;
    return finish(op, state);
}

/* ---- one line --------------------------------------------------------------------------------- */

static const char *why_not(enum lookup_answer answer)
{
    switch (answer) {
    case LOOKUP_UNREADABLE:
        return "a key has no blanks and no letters outside ASCII; columns are parted by TAB";
    case LOOKUP_CHECKSUM:
        return "it looks like a key of ours, but its checksum is wrong: it was mistyped or cut "
               "short";
    case LOOKUP_TOO_SHORT:
        return "a key has at least 8 characters";
    case LOOKUP_TOO_LONG:
        return "a key has at most 512 characters";
    case LOOKUP_NO_PEPPER:
        return "a key under 22 characters can be guessed from its digest: give the instance a "
               "pepper of 16 bytes or more";
    case LOOKUP_PEPPER_AWAY:
        return "the pepper could not be read; see where the option \"pepper\" points";
    case LOOKUP_FOUND:
    case LOOKUP_FAULT:
        break;
    }
    return "libcrypto could not compute a digest";
}

/* The next column of the line; absent: there is none. */
static struct paa_str next_column(struct paa_str *rest)
{
    struct paa_str column = *rest;
    size_t tab;

    if (rest->data == NULL)
        return STR_NONE;
    tab = str_find(*rest, '\t', 0);
    column.size = tab;
    *rest = tab < rest->size ? paa_str_of_n(rest->data + tab + 1, rest->size - tab - 1) : STR_NONE;
    return str_trim(column);
}

/* A column kept in the state; without one the default. */
static struct paa_str kept_column(struct paa_str column, char *memory, struct paa_str otherwise)
{
    if (column.size == 0)
        return otherwise;
    memcpy(memory, column.data, column.size);
    return paa_str_of_n(memory, column.size);
}

/* NULL, or what is wrong with the columns behind the key. */
static const char *read_columns(struct import_state *state, struct paa_str rest)
{
    struct record *record = &state->record;
    struct paa_str client = next_column(&rest);
    struct paa_str scope = next_column(&rest);
    struct paa_str label = next_column(&rest);

    if (rest.data != NULL)
        return "there are more columns than key, client, scopes and label";
    if (client.size > 0 && !record_text_valid(client, RECORD_CLIENT_MAX))
        return "a client has 1 to 128 bytes of text, without controls";
    if (!grant_scope_valid(scope))
        return "scopes are words without quotes, at most 2048 bytes of them";
    if (label.size > 0 && !record_text_valid(label, RECORD_LABEL_MAX))
        return "a label has at most 200 bytes of text, without controls";
    *record = state->grant.record;
    record->client = kept_column(client, state->line.client, record->client);
    record->scope = kept_column(scope, state->line.scope, record->scope);
    record->label = kept_column(label, state->line.label, record->label);
    return record->client.data != NULL ? NULL : "no client: say one on the line, or client=NAME";
}

/* NULL, or what is wrong. Fills record and lookup. */
static const char *read_key(struct paa_op *op, struct import_state *state, struct paa_str line)
{
    struct record *record = &state->record;
    struct paa_str key = next_column(&line);
    const char *wrong = read_columns(state, line);
    enum lookup_answer answer;

    if (wrong != NULL)
        return wrong;
    answer = lookup_of(op, key, &state->lookup);
    if (answer != LOOKUP_FOUND)
        return why_not(answer);
    record->flags = state->lookup.flags;
    record->digest = state->lookup.digest;
    record->id = paa_str_of_n(state->line.id, KEY_ID_SIZE);
    if ((record->flags & RECORD_IMPORTED) == 0)
        memcpy(state->line.id, state->lookup.key, KEY_ID_SIZE);
    else if (!verb_choose(op, state->line.id, KEY_ID_SIZE))
        return "the system gives no random bytes";
    return NULL;
}

/* ---- one key ---------------------------------------------------------------------------------- */

static enum paa_result on_saved(struct paa_op *op, enum paa_status status, struct save *save)
{
    struct import_state *state = LIST_ENTRY(save, struct import_state, save);

    if (status == PAA_STATUS_EXISTS) { /* another import was quicker */
        state->known++;
        return read_line(op, state);
    }
    if (status != PAA_STATUS_OK)
        return verb_store_failed(op);
    state->imported++;
    verb_audit(op, PAA_LEVEL_INFO, "imported", &state->record);
    return read_line(op, state);
}

static enum paa_result on_looked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *kept, void *context)
{
    struct import_state *state = (struct import_state *)context;

    (void)kept;
    if (status == PAA_STATUS_OK) {
        state->known++;
        return read_line(op, state);
    }
    if (status != PAA_STATUS_NONE)
        return verb_store_failed(op);
    return save_key(op, &state->record, &state->lookup, 0, &state->save, on_saved);
}

static enum paa_result on_line(struct paa_op *op, enum paa_status status,
                               const struct paa_reply *reply, void *context)
{
    struct import_state *state = (struct import_state *)context;
    struct paa_str line;
    const char *wrong;

    if (status == PAA_STATUS_NONE)
        return finish(op, state);
    state->number++;
    if (status != PAA_STATUS_OK)
        return stop(op, state, "it is too long, or the input cannot be read");
    line = paa_str_of_n((const char *)reply->bytes.data, reply->bytes.size);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (str_trim(line).size == 0 || line.data[0] == '#')
        return read_line(op, state);
    wrong = read_key(op, state, line);
    if (wrong != NULL)
        return stop(op, state, wrong);
    return op->host->store->get(op, instance_of(op)->keys,
                                paa_bytes_of(state->lookup.key, state->lookup.key_size), on_looked,
                                state);
}

static enum paa_result read_line(struct paa_op *op, struct import_state *state)
{
    return op->host->conversation->read(op, LINE_MAX_SIZE, on_line, state);
}

enum paa_result import_run(struct paa_op *op, const struct paa_options *arguments)
{
    struct import_state *state = (struct import_state *)op->state;
    enum paa_result result = verb_begin(op);

    if (result == PAA_DONE)
        result = grant_read(op, arguments, &state->grant);
    return result == PAA_DONE ? read_line(op, state) : result;
}
