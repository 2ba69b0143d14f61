/* SPDX-License-Identifier: MIT */
/* What the files of the verbs share: their functions, and how they speak. */
#ifndef APIKEY_VERBS_H
#define APIKEY_VERBS_H

#include "find.h"
#include "grant.h"
#include "list.h"
#include "units.h"

/* An error unless the instance has its tables: it is checked first by every verb. */
enum paa_result verb_begin(struct paa_op *op);
/* A store call that failed. */
enum paa_result verb_store_failed(struct paa_op *op);
enum paa_result verb_unknown_key(struct paa_op *op);
/* One line for the log: what happened to which key, or to how many. */
void verb_audit(struct paa_op *op, enum paa_level level, const char *what,
                const struct record *record);
void verb_audit_count(struct paa_op *op, const char *what, uint64_t count);
/* "-" for 0; else it is in memory. */
struct paa_str verb_time_text(int64_t time_s, char memory[TIME_TEXT_SIZE]);
/* A key, as a row of the list. */
void verb_emit_row(struct paa_op *op, const struct record *record);
/* count characters of the keys' alphabet, by chance. */
bool verb_choose(struct paa_op *op, char *ret_text, size_t count);

struct mint_state {
    struct walk walk; /* first, and save: their continuations find the state by them */
    struct save save;
    struct grant grant;
    struct lookup lookup;
    unsigned live;
    unsigned tries;
    size_t text_size;
    char text[KEY_TEXT_MAX];
};
enum paa_result mint_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;

struct import_line { /* one key, as it stands in the input */
    char client[RECORD_CLIENT_MAX];
    char scope[RECORD_SCOPE_MAX];
    char label[RECORD_LABEL_MAX];
    char id[KEY_ID_SIZE];
};

struct import_state {
    struct save save;
    struct grant grant;   /* what lines that say nothing else get */
    struct record record; /* of the line at hand */
    struct lookup lookup;
    struct import_line line;
    uint64_t number; /* of the line */
    uint64_t imported;
    uint64_t known;
    const char *wrong; /* with the line; NULL: nothing */
};
enum paa_result import_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;

/* Their states: struct walk, struct find. */
enum paa_result list_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;
enum paa_result show_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;

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
enum paa_result retire_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;
enum paa_result revoke_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;

#endif
