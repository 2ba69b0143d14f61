/* SPDX-License-Identifier: MIT */
/*
 * The core's own group, `tls = { … }`: how the servers that an instance calls, or that an outgoing service is for, are
 * verified. A group like any other, with rules of its own for what makes it weaker.
 */
#include "base64.h"
#include "options_read.h"
#include "str.h"
#include "url.h"

enum { PIN_SIZE = 44, PINS_MAX = 16 }; /* base64 of 32 bytes, with its padding */

static const struct paa_option rows[] = {
    { .name = "ca",
      .type = PAA_OPTION_PATH,
      .help = "PEM file or folder: CAs in place of the system's" },
    { .name = "min_version",
      .type = PAA_OPTION_CHOICE,
      .choices = "1.2|1.3",
      .fallback = "1.2",
      .help = "TLS version at least" },
    { .name = "pins",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_LIST,
      .min = 1,
      .max = PINS_MAX,
      .help =
          "base64 of SHA-256 over the public key of the server's own certificate; one must fit" },
    { .name = "verify",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "true",
      .help = "false: certificates are not verified, on 127.0.0.0/8 and [::1] only" },
    { .name = "insecure_reason", .type = PAA_OPTION_STRING, .help = "why verify is false" },
    { .name = "insecure_anywhere",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "verify = false counts for every host" },
    { .name = "proxy",
      .type = PAA_OPTION_URL,
      .help = "HTTP proxy for CONNECT, \"http://host:port\"" },
    { .name = "http_loopback",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "plain http to 127.0.0.0/8 and [::1]" },
};

enum {
    ROW_COUNT = sizeof rows / sizeof rows[0],
    OF_FETCHES = 2
}; /* the last rows are of fetches only */

static bool refuse(struct options_reader *reader, struct where where, const char *sentence)
{
    diag_error(reader->expect.diag, where, "%s: tls: %s", reader->owner, sentence);
    return false;
}

static bool is_pin(struct paa_str text)
{
    unsigned char digest[BASE64_DECODED_MAX(PIN_SIZE)];
    size_t size;

    return text.size == PIN_SIZE && base64_decode(text, digest, &size) && size == 32;
}

static bool check_pins(struct options_reader *reader, const struct paa_options *group)
{
    const struct option_entry *pins = option_entry(group, "pins");
    bool is_fine = true;

    for (size_t i = 0; pins != NULL && i < pins->count; i++)
        if (!is_pin(pins->values[i].string))
            is_fine = refuse(reader, pins->values[i].where,
                             "a pin is base64 of a SHA-256, 44 characters with \"=\" at the end");
    return is_fine;
}

/* CONNECT to it, and nothing of its own: no userinfo, no path, and no TLS in TLS. */
static bool check_proxy(struct options_reader *reader, const struct paa_options *group)
{
    const struct option_entry *proxy = option_entry(group, "proxy");
    struct origin origin;

    if (proxy == NULL ||
        (origin_parse(proxy->values[0].string, reader->expect.arena, &origin) == NULL &&
         !origin.https))
        return true;
    return refuse(reader, proxy->where,
                  "proxy must be \"http://host:port\", with nothing behind it");
}

static bool is_true(const struct paa_options *group, const char *name)
{
    return option_entry(group, name)->values[0].number != 0;
}

static bool check_insecure(struct options_reader *reader, const struct paa_options *group)
{
    const struct option_entry *reason = option_entry(group, "insecure_reason");
    bool has_reason = reason != NULL && reason->values[0].string.size > 0;
    bool is_anywhere = is_true(group, "insecure_anywhere");
    struct where where = option_entry(group, "verify")->where;
    char shown[HINT_MAX];

    if (is_true(group, "verify"))
        return (reason == NULL && !is_anywhere) ||
               refuse(reader, reason != NULL ? reason->where : group->where,
                      "insecure_reason and insecure_anywhere go with verify = false only");
    if (!has_reason)
        return refuse(reader, where, "verify = false needs insecure_reason = \"WHY\"");
    diag_warn(
        reader->expect.diag, where,
        "%s: tls: certificates of %s are not verified, so anybody on the way can be that server: "
        "%s",
        reader->owner, is_anywhere ? "ANY host" : "loopback addresses",
        expect_shown(reason->values[0].string, shown));
    return true;
}

static bool read_group(struct options_reader *reader, const struct node *node, size_t row_count,
                       struct paa_options **ret_group)
{
    const struct option_rows some = { rows, row_count, sizeof rows[0] };
    struct paa_options *group = option_group_read(reader, node, &some, NULL, 0);
    bool is_fine;

    if (group == NULL)
        return false;
    is_fine = check_pins(reader, group);
    is_fine = check_proxy(reader, group) && is_fine;
    is_fine = check_insecure(reader, group) && is_fine;
    *ret_group = group;
    return is_fine;
}

bool option_tls_read(struct options_reader *reader, const struct node *node,
                     struct paa_options **ret_group)
{
    return read_group(reader, node, ROW_COUNT, ret_group);
}

bool tls_conf_read(const struct node *node, const char *owner, const char *folder,
                   struct arena *arena, struct diag *findings, struct paa_options **ret_group)
{
    struct options_reader reader = { .expect = { .arena = arena, .diag = findings },
                                     .owner = owner,
                                     .folder = folder };

    return read_group(&reader, node, ROW_COUNT - OF_FETCHES, ret_group);
}
