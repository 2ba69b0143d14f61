/* SPDX-License-Identifier: MIT */
/*
 * The policy as data: what the files say, checked as far as one can without loading a plugin. Pure: bytes in,
 * model and findings out. The engine loads plugins, checks options against their tables, and compiles rules.
 *
 * Grammar (all members optional unless said):
 *
 *   stores    = { keys = "keys.db"; state = "memory"; };          path relative to the policy's folder
 *   stores    = { state = { path = "state.db"; seal = [ "file:new.key", "file:old.key" ]; }; };
 *   audit     = { file = "audit.log"; required = true; };
 *   keys      = { NAME = { key = "file:…" | uri = "pkcs11:…"; certificate = "…"; pkcs12 passphrase pin module id
 *                 warn_before }; };
 *   chains    = { NAME = ( STEP … ); };
 *   instances = { NAME = { plugin = "apikey"; sha256 = "…"; store = "keys"; …options… }; };
 *   services  = { NAME = SERVICE; };
 *
 *   SERVICE   direction = "incoming" | "outgoing"   mandatory
 *             origins = [ "https://api.example.com" ]   mandatory when outgoing
 *             timeout = "10s"  realm = "NAME"  problem_json = false  semicolons = false
 *             http_loopback = false     outgoing: plain http to loopback literals may carry credentials
 *             tls = { ca min_version pins verify insecure_reason insecure_anywhere }   outgoing: how the host verifies
 *             failure_delay = "0"       told to the host, with chance of half of it either way
 *             upstream = { subject issuer client_id scope instance methods = "X-Auth-…" ;
 *                          encoding = "percent" | "ascii" | "base64url" }
 *             metadata = true           incoming, with origins: the RFC 9728 document of each origin
 *             metadata = { path = "/v1"; scopes_supported = [ … ]; resource_name = "…";
 *                          resource_documentation resource_policy_uri resource_tos_uri = "https://…" }
 *             rules = ( RULE … )        or, in their place, one rule's members for every request
 *   RULE      path = "/v1/orders/..." (pattern)  host = "api.example.com"  methods = [ "GET" ]  preflight = true
 *             chain = ( STEP … ) | "chain-name"   mandatory
 *             identity = [ "instance" … ]  require = REQUIRE  same = [ "client_id" … ]  forward = false
 *   REQUIRE   scope subject issuer client_id amr = [ … ] or one string, max_age = "1h",
 *             kind = "user" | "machine", of = { INSTANCE = REQUIRE }
 *   STEP      { required | requisite | sufficient | optional = "instance" | [ group ]; may_ignore = true }
 *             { include | substack = "chain-name" }
 *             { use = "instance" | [ group ]; on = { accept = "done" | 2; …; default = "die"; } }
 */
#ifndef CONFIG_POLICY_H
#define CONFIG_POLICY_H

#include "node.h"
#include "options.h"
#include "program.h"
#include "target.h"

#include <paa/types.h>
#include <stdbool.h>

enum { STORE_SEAL_MAX = 8 };
enum { NAME_MAX_SIZE = 64, RULES_MAX = 100000, ORIGINS_MAX = 256 };

struct instance_conf {
    const char *name;         /* [a-z0-9_-], at most NAME_MAX_SIZE, not permit or deny */
    const char *plugin;       /* a name [a-z0-9-]+ or an absolute path */
    const char *sha256;       /* 64 hex digits; NULL: not pinned */
    const char *store;        /* NULL: not said */
    const struct node *group; /* all of it; options_read passes over plugin, sha256, store */
    struct where where;
    bool used_incoming; /* some chain of such a service has it */
    bool used_outgoing;
};

struct option_secret; /* options.h */

struct store_conf {
    const char *name;
    const char *path;                 /* "memory", or absolute */
    const struct option_secret *seal; /* keys of what is sealed there: the first seals, all open */
    size_t seal_count;                /* 0: the key beside the file */
    struct where where;
};

struct require_conf {
    struct where where;
    const struct paa_str *scope; /* all of; the others: one of */
    size_t scope_count;
    const struct paa_str *subject;
    size_t subject_count;
    const struct paa_str *issuer;
    size_t issuer_count;
    const struct paa_str *client_id;
    size_t client_id_count;
    const struct paa_str *amr; /* all of; a principal's `methods` */
    size_t amr_count;
    int64_t max_age_ms; /* 0: not asked */
    uint32_t kind;      /* PAA_PRINCIPAL_USER or _MACHINE; 0: either */
    const struct require_of *of;
    size_t of_count;
};

struct require_of {
    int32_t instance;
    struct require_conf require;
};

/* rule_conf.same */
enum { SAME_SUBJECT = 1u << 0, SAME_CLIENT_ID = 1u << 1, SAME_ISSUER = 1u << 2 };

struct rule_conf {
    struct where where;
    struct paa_str path;           /* normal form; absent: every path */
    struct paa_str host;           /* lower case; absent: every host */
    const struct paa_str *methods; /* as written; GET includes HEAD. NULL: all */
    size_t method_count;
    bool preflight; /* only CORS preflights */
    bool forward;   /* credentials that were read stay in the request */
    uint32_t same;
    struct program program;
    const int32_t *identity; /* instances by preference */
    size_t identity_count;
    const struct require_conf *require; /* NULL: none */
};

/* in order of struct service_conf.upstream */
enum upstream_field {
    UPSTREAM_SUBJECT,
    UPSTREAM_ISSUER,
    UPSTREAM_CLIENT_ID,
    UPSTREAM_SCOPE,
    UPSTREAM_INSTANCE,
    UPSTREAM_METHODS,
    UPSTREAM_COUNT
};

/* in order of struct metadata_conf.texts */
enum metadata_text {
    METADATA_NAME,
    METADATA_DOCUMENTATION,
    METADATA_POLICY_URI,
    METADATA_TOS_URI,
    METADATA_TEXT_COUNT
};

struct metadata_conf { /* what a service says of itself as a protected resource (RFC 9728 2) */
    struct where where;
    struct paa_str path; /* of the resource: "/v1"; absent: all of the origin */
    struct paa_str texts[METADATA_TEXT_COUNT]; /* absent: not said */
    const struct paa_str *scopes;              /* beside those that the rules require */
    size_t scope_count;
};

extern const char *const metadata_text_names[METADATA_TEXT_COUNT];

enum upstream_encoding { UPSTREAM_PERCENT = 1, UPSTREAM_ASCII, UPSTREAM_BASE64URL };

struct service_conf {
    const char *name;
    struct where where;
    enum paa_direction direction;
    const struct origin *origins;
    const struct paa_str *origin_texts;
    size_t origin_count;
    int64_t timeout_ms; /* default 10 s */
    int64_t failure_delay_ms;
    const char *realm;
    bool problem_json;
    bool semicolons;
    bool http_loopback;
    struct paa_str upstream[UPSTREAM_COUNT]; /* field names; absent: not set */
    enum upstream_encoding encoding;
    const struct metadata_conf *metadata; /* NULL: none is published */
    struct paa_options *tls;              /* outgoing; NULL: as if the group were empty */
    const struct rule_conf *rules;
    size_t rule_count;
};

struct policy {
    struct instance_conf *instances; /* in order of appearance */
    size_t instance_count;
    const struct store_conf *stores;
    size_t store_count;
    struct key_table keys; /* names are found by options_name_keys, when plugins are known */
    const struct service_conf *services;
    size_t service_count;
    const char *audit_file; /* NULL: none; absolute */
    bool audit_required;
};

struct policy_file {
    const char *name;   /* for messages, as the operator wrote it */
    const char *folder; /* absolute: what relative paths in it mean */
    struct paa_str text;
};

/* Every error and warning goes to diag. NULL: there was at least one error. All in arena (files' texts are not
 * kept). Also warns of: `ok` or `done` on anything but accept, `reset`, a jump that leaves its include, unknown
 * methods, instances and chains that nothing uses. */
struct policy *policy_parse(const struct policy_file *files, size_t count, struct arena *arena,
                            struct diag *diag);
/* Once all options have named their keys: warns of those that none did. */
void policy_warn_keys(const struct policy *policy, struct diag *diag);
/* The index of the instance of that name, or -1. */
int32_t policy_instance(const struct policy *policy, const char *name);

#endif
