/* SPDX-License-Identifier: MIT */
/* KEY options: where a private key and its certificates are, in a group of the option or by a name of `keys`. */
#include "options_read.h"
#include "str.h"

enum { ID_MAX = 255 };

static const struct paa_option rows[] = {
    { .name = "key",
      .help = "the private key, as PEM: \"file:PATH\", \"env:NAME\" or \"exec:PATH\"",
      .type = PAA_OPTION_SECRET },
    { .name = "certificate",
      .help = "files of its certificates, as PEM, the key's own first",
      .type = PAA_OPTION_PATH,
      .flags = PAA_OPTION_LIST,
      .min = 1,
      .max = KEY_FILES_MAX },
    { .name = "pkcs12", .help = "in place of both: a PKCS#12 file", .type = PAA_OPTION_PATH },
    { .name = "passphrase",
      .help = "what decrypts it: \"file:PATH\", \"env:NAME\" or \"exec:PATH\"",
      .type = PAA_OPTION_SECRET },
    { .name = "id", .help = "the key's name for the other side (kid)", .type = PAA_OPTION_STRING },
    { .name = "warn_before",
      .help = "how long before the certificate expires this is told",
      .fallback = "14d",
      .type = PAA_OPTION_DURATION },
    { .name = "uri",
      .help =
          "in place of key: one that stays in a token, \"pkcs11:token=…;object=…\" (RFC 7512), or "
          "of an OSSL_STORE provider",
      .type = PAA_OPTION_STRING },
    { .name = "pin",
      .help = "of that token: \"file:PATH\", \"env:NAME\" or \"exec:PATH\"",
      .type = PAA_OPTION_SECRET },
    { .name = "module",
      .help = "its PKCS#11 library, where no provider of OpenSSL speaks PKCS#11",
      .type = PAA_OPTION_STRING },
};

const struct option_rows option_key_rows = { PAA_ROWS(rows) };

static bool refuse(const struct options_reader *reader, struct where where, const char *what,
                   const char *sentence)
{
    diag_error(reader->expect.diag, where, "%s %s", what, sentence);
    return false;
}

static const struct option_value *first(const struct paa_options *options, const char *name)
{
    const struct option_entry *entry = option_entry(options, name);

    return entry != NULL ? &entry->values[0] : NULL;
}

/* The attributes of RFC 7512's path and query are parted by ";", "?" and "&". */
static bool has_attribute(struct paa_str uri, const char *name)
{
    size_t size = strlen(name);
    struct paa_str rest = str_slice(uri, str_find(uri, ':', 0) + 1, uri.size), part;

    while (str_next(&rest, ";?&", &part))
        if (part.size > size && part.data[size] == '=' && memcmp(part.data, name, size) == 0)
            return true;
    return false;
}

static const char *judge_uri(struct paa_str uri)
{
    size_t colon = str_find(uri, ':', 0);

    if (colon == 0 || colon == uri.size || str_starts_nocase(uri, STR("file:")))
        return "needs a \"uri\" with a scheme: \"pkcs11:token=…;object=…\"; for a file there is "
               "\"key\"";
    if (has_attribute(uri, "pin-value") || has_attribute(uri, "pin-source"))
        return "has a PIN in its \"uri\", which logs may show: say pin = \"file:PATH\"";
    if (has_attribute(uri, "module-path") || has_attribute(uri, "module-name"))
        return "has a module in its \"uri\": say module = \"PATH\"";
    if (str_starts(uri, STR("pkcs11:")) && !has_attribute(uri, "object") &&
        !has_attribute(uri, "id"))
        return "must say which key it is: \"object\" or \"id\" is missing in its \"uri\"";
    return NULL;
}

static bool judge_token(const struct options_reader *reader, const struct paa_options *group,
                        const char *what)
{
    const struct option_value *uri = first(group, "uri"), *module = first(group, "module");
    const char *wrong = judge_uri(uri->string);

    if (wrong != NULL)
        return refuse(reader, uri->where, what, wrong);
    if (module != NULL && !str_starts(module->string, STR("/")))
        return refuse(reader, module->where, what, "needs a \"module\" by its absolute path");
    if (option_entry(group, "certificate") == NULL)
        return refuse(reader, group->where, what,
                      "stays in its token, so that its certificate must be said: certificate = "
                      "\"PATH\"");
    if (first(group, "passphrase") != NULL)
        return refuse(reader, group->where, what, "is not encrypted: its token has a \"pin\"");
    return true;
}

/* What the rows cannot say: what goes with what. */
static bool judge(const struct options_reader *reader, const struct paa_options *group,
                  const char *what)
{
    const struct option_value *key = first(group, "key"), *pkcs12 = first(group, "pkcs12");
    const struct option_value *id = first(group, "id"), *uri = first(group, "uri");

    if ((key != NULL) + (pkcs12 != NULL) + (uri != NULL) != 1)
        return refuse(reader, group->where, what,
                      "must say one of key = \"file:PATH\", pkcs12 = \"PATH\" and uri = "
                      "\"pkcs11:…\"");
    if (uri != NULL && !judge_token(reader, group, what))
        return false;
    if (uri == NULL && (first(group, "pin") != NULL || first(group, "module") != NULL))
        return refuse(reader, group->where, what,
                      "has \"pin\" or \"module\", which go with \"uri\" only");
    if (pkcs12 != NULL && option_entry(group, "certificate") != NULL)
        return refuse(reader, group->where, what,
                      "has its certificates in the PKCS#12 file: leave out \"certificate\"");
    if (id != NULL && (id->string.size == 0 || id->string.size > ID_MAX))
        return refuse(reader, id->where, what, "needs an \"id\" of 1 to 255 bytes, or none");
    return true;
}

static bool fill(struct options_reader *reader, const struct paa_options *group,
                 struct key_conf *conf)
{
    const struct option_entry *certificates = option_entry(group, "certificate");
    const struct option_value *key = first(group, "key"), *pkcs12 = first(group, "pkcs12");
    const struct option_value *uri = first(group, "uri"), *module = first(group, "module");
    const struct option_value *passphrase = first(group, uri != NULL ? "pin" : "passphrase");
    const struct option_value *id = first(group, "id");
    struct option_secret *copies;

    conf->options = group;
    conf->where = group->where;
    conf->is_pkcs12 = pkcs12 != NULL;
    conf->uri = uri != NULL ? uri->string.data : NULL;
    conf->module = module != NULL ? module->string.data : NULL;
    if (uri == NULL)
        conf->key = pkcs12 != NULL ? &pkcs12->secret : &key->secret;
    conf->passphrase = passphrase != NULL ? &passphrase->secret : NULL;
    conf->id = id != NULL ? id->string.data : NULL;
    conf->warn_before_ms = first(group, "warn_before")->number;
    if (certificates == NULL)
        return true;
    copies = expect_memory(&reader->expect, certificates->count, sizeof *copies);
    if (copies == NULL)
        return false;
    for (size_t i = 0; i < certificates->count; i++)
        copies[i] = certificates->values[i].secret;
    conf->certificates = copies;
    conf->certificate_count = certificates->count;
    return true;
}

bool option_key_read(struct options_reader *reader, const struct node *node, const char *what,
                     struct key_conf *conf)
{
    struct paa_options *group;

    reader->in_key = true;
    group = option_group_read(reader, node, &option_key_rows, NULL, 0);
    reader->in_key = false;
    return group != NULL && judge(reader, group, what) && fill(reader, group, conf);
}

bool key_conf_read(const struct node *node, const char *owner, const char *folder,
                   struct arena *arena, struct diag *findings, struct key_conf *ret_conf)
{
    struct options_reader reader = { .expect = { .arena = arena, .diag = findings },
                                     .owner = owner,
                                     .folder = folder };

    return option_key_read(&reader, node, owner, ret_conf);
}

/* ---- by name ----------------------------------------------------------------------------------- */

struct naming {
    const struct key_table *table;
    struct expect expect;
    bool is_good;
};

static void tell_unknown(struct naming *naming, const struct option_value *value)
{
    char hint[HINT_MAX], shown[HINT_MAX];

    expect_hint(&naming->expect, value->string.data, naming->table->names, naming->table->count,
                hint);
    diag_error(naming->expect.diag, value->where, "%s: there is no key %s in \"keys\"%s",
               value->row->name, expect_shown(value->string, shown), hint);
}

static bool name_key(struct option_entry *entry, struct option_value *value, void *arg)
{
    struct naming *naming = arg;

    (void)entry;
    if (value->row->type != PAA_OPTION_KEY || value->key != NULL)
        return true;
    for (size_t i = 0; i < naming->table->count && value->key == NULL; i++)
        if (paa_str_eq(value->string, naming->table->names[i]))
            value->key = &naming->table->keys[i];
    if (value->key != NULL) {
        value->key->is_used = true;
        return true;
    }
    tell_unknown(naming, value);
    naming->is_good = false;
    return true;
}

bool options_name_keys(struct paa_options *options, const struct key_table *table,
                       struct diag *findings)
{
    struct naming naming = { table, { .diag = findings }, true };

    (void)options_each(options, name_key, &naming);
    return naming.is_good;
}
