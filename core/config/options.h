/* SPDX-License-Identifier: MIT */
/*
 * Options: a group of the policy, checked against a plugin's table of rows, and read by the plugin through the
 * host table. Pure: what a SECRET, PATH, KEY or TLS option names is bound by the engine.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "node.h"

#include <paa/plugin.h>
#include <stdbool.h>

struct option_rows { /* as in struct paa_plugin; row_size may be of another minor */
    const struct paa_option *rows;
    size_t count;
    size_t row_size;
};

/* A SECRET or PATH value, not yet bound. */
struct option_secret {
    enum { OPTION_LITERAL = 1, OPTION_ENV, OPTION_FILE, OPTION_EXEC } kind;
    struct paa_str text; /* the literal, the variable, the path (absolute) */
    const char *const
        *argv; /* EXEC: "exec:/path arg …" split at blanks, or [ "exec:/path", "arg" ]; NULL
                                    * at the end */
};

/* A private key, by where its parts are: a group of the option's own, or one of the policy's `keys`. */
struct key_conf {
    const char *name; /* in `keys`; NULL: stands in the option */
    struct where where;
    const struct option_secret *key;          /* PEM, or the PKCS#12 file; NULL: uri has it */
    const struct option_secret *passphrase;   /* or PIN; NULL: none */
    const struct option_secret *certificates; /* the leaf's file first */
    size_t certificate_count;
    const char *id; /* NULL: none */
    int64_t warn_before_ms;
    bool is_pkcs12;
    const char *uri;                   /* of a key that stays in a token; NULL: it is in a file */
    const char *module;                /* of PKCS#11; NULL: none */
    bool is_used;                      /* some option names it */
    const struct paa_options *options; /* the group itself, for digests */
    void *handle;                      /* the engine's: a struct paa_key */
};

struct key_table { /* `keys` */
    struct key_conf *keys;
    const char *const *names; /* of keys, one by one */
    size_t count;
};

enum { KEY_FILES_MAX = 14 }; /* of one key's certificates */

struct option_value { /* one value of one option */
    const struct paa_option *row;
    struct where where;
    struct paa_str string;       /* STRING, CHOICE, URL, ENDPOINT, KEY by name; NUL-terminated */
    int64_t number;              /* INTEGER, BOOLEAN, DURATION (ms), CHOICE (index) */
    struct option_secret secret; /* SECRET, PATH */
    struct key_conf
        *key; /* KEY; NULL: `string` names it, and options_name_keys was not called yet */
    struct paa_options *group; /* GROUP, TLS */
    const void *handle;        /* the engine's: a struct paa_source, paa_key or paa_tls */
};

struct option_entry { /* one option that is set or has a default, with its values */
    const struct paa_option *row;
    struct option_value *values;
    size_t count;
    const void *all; /* the engine's: the source of PAA_ALL */
    struct where where;
};

struct paa_options {
    struct option_entry *entries; /* in order of name */
    size_t count;
    struct paa_options *top; /* the outermost group: diag and reads are looked up there */
    struct where where;
    const char *owner;  /* "instance partner-keys", for sentences */
    const char *folder; /* relative paths */
    struct diag *diag;  /* set by options_read; NULL after create: refuse and warn say INVALID */
    void *reads_arg;    /* during create: the engine's reads */
    enum paa_status (*reads_fn)(void *arg, enum paa_place place, struct paa_str name);
};

enum { OPTIONS_USED_INCOMING = 1u << 0, OPTIONS_USED_OUTGOING = 1u << 1 };

/* Checks the table itself first (a plugin's mistake is an error that names the plugin). NULL: errors in diag. An
 * unknown key is an error with the nearest right name; values of secret options are never printed. skip: names
 * that are the core's ("plugin", …). A literal for a SECRET is a warning. */
struct paa_options *options_read(const struct node *group, const struct option_rows *rows,
                                 uint32_t used, const char *owner, const char *folder,
                                 const char *const *skip, size_t skip_count, struct arena *arena,
                                 struct diag *diag);
/* The same from "name=value" words (verbs): LIST by repetition, BOOLEAN by the bare name. False in a form for a
 * terminal: *error. */
struct paa_options *options_from_words(const char *const *words, size_t count,
                                       const struct option_rows *rows, const char *owner,
                                       const char *folder, struct arena *arena,
                                       struct paa_error *error);
/* SHA-256 is not known here: feeds every entry in order of name, secrets by their place (a literal's text is left
 * out). */
void options_digest(const struct paa_options *options,
                    void (*update)(void *arg, const void *data, size_t size), void *arg);
/* Calls fn for each value of type SECRET, PATH, KEY, TLS, ENDPOINT or URL, what a group or TLS holds before the group
 * itself. Stops at false. */
bool options_each(struct paa_options *options,
                  bool (*fn)(struct option_entry *entry, struct option_value *value, void *arg),
                  void *arg);
/* What a group that describes a private key may say. */
extern const struct option_rows option_key_rows;
/* One of `keys`. False: errors were told. */
bool key_conf_read(const struct node *group, const char *owner, const char *folder,
                   struct arena *arena, struct diag *diag, struct key_conf *ret_conf);
/* The `tls` of a service: the core's group without what concerns PAA's own fetches. False: errors were told. */
bool tls_conf_read(const struct node *group, const char *owner, const char *folder,
                   struct arena *arena, struct diag *diag, struct paa_options **ret_group);
/* Finds the keys that KEY options name. False: there is none of a name, and an error says so with the nearest. */
bool options_name_keys(struct paa_options *options, const struct key_table *table,
                       struct diag *diag);
/* "string", "duration", "list of string", …, for documentation. */
void option_type_text(const struct paa_option *row, char ret_text[64]);
/* The row at index; members beyond row_size must not be read. */
const struct paa_option *option_row(const struct option_rows *rows, size_t index);

extern const struct paa_host_options config_host_options;

#endif
