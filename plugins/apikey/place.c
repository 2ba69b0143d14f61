/* SPDX-License-Identifier: MIT */
/* Where in a request the key stands: a field, the Authorization field under an auth-scheme, a cookie, or a
 * query parameter. Knows nothing of keys. */
#include "apikey.h"

#include "fields.h"

#define DEFAULT_FIELD "apikey"
#define AUTHORIZATION "Authorization"

static enum paa_status refuse(struct paa_op *op, const char *option, const char *sentence)
{
    return op->host->options->refuse(op->options, option, paa_str_of(sentence));
}

/* ---- options ---------------------------------------------------------------------------------- */

/* The one option of the four that is given; NULL: none. *ret_count: how many are. */
static const char *given_option(struct paa_op *op, size_t *ret_count)
{
    static const char *const names[] = { "header", "scheme", "cookie", "query" };
    const char *given = NULL;

    *ret_count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (op->host->options->count(op->options, names[i]) > 0) {
            given = names[i];
            (*ret_count)++;
        }
    }
    return given;
}

static struct place place_of(struct paa_op *op, const char *option)
{
    struct place place;

    memset(&place, 0, sizeof place);
    place.value_prefix = paa_option_string(op, "value_prefix");
    place.kind = PAA_PLACE_HEADER;
    place.name = STR(DEFAULT_FIELD);
    if (option == NULL)
        return place;
    place.name = paa_option_string(op, option);
    if (strcmp(option, "scheme") == 0) {
        place.scheme = place.name;
        place.name = STR(AUTHORIZATION);
    } else if (strcmp(option, "cookie") == 0) {
        place.kind = PAA_PLACE_COOKIE;
    } else if (strcmp(option, "query") == 0) {
        place.kind = PAA_PLACE_PARAMETER;
    }
    return place;
}

static enum paa_status check_names(struct paa_op *op, const struct place *place, const char *option)
{
    if (place->kind == PAA_PLACE_PARAMETER)
        return place->name.size > 0 ? PAA_STATUS_OK
                                    : refuse(op, option, "the name of the parameter is empty");
    if (!is_token(place->scheme.data != NULL ? place->scheme : place->name))
        return refuse(op, option, "it may hold letters, digits and !#$%&'*+-.^_`|~ only");
    if (place->value_prefix.size > 0 &&
        (place->kind != PAA_PLACE_HEADER || place->scheme.data != NULL))
        return refuse(op, "value_prefix",
                      "it goes with a key in a header field of its own only; "
                      "leave it out, or name the field with \"header\"");
    return PAA_STATUS_OK;
}

static enum paa_status check_query(struct paa_op *op, const struct place *place)
{
    if (place->kind != PAA_PLACE_PARAMETER)
        return PAA_STATUS_OK;
    if (op->host->options->number(op->options, "allow_query", 0) == 0)
        return refuse(op, "query",
                      "keys in URLs end up in logs, histories and Referer fields; use "
                      "\"header\", or say allow_query = true");
    return op->host->options->warn(op->options, "query",
                                   paa_str_of("keys in URLs end up in logs, histories and Referer "
                                              "fields; move clients to a header field"));
}

static void warn_of_bare_key(struct paa_op *op, const struct place *place)
{
    if (place->scheme.data == NULL && place->kind == PAA_PLACE_HEADER &&
        str_eq_nocase(place->name, STR(AUTHORIZATION)))
        op->host->options->warn(op->options, "header",
                                paa_str_of(
                                    "every other use of Authorization counts as a wrong key; "
                                    "say scheme = \"ApiKey\" in its place"));
}

enum paa_status place_create(struct paa_op *op, struct place *ret_place, bool is_incoming)
{
    size_t count;
    const char *option = given_option(op, &count);
    struct place place = place_of(op, option);
    enum paa_status status;

    if (count > 1)
        return refuse(op, option,
                      "the key stands in one place: keep one of header, scheme, cookie "
                      "and query");
    status = check_names(op, &place, option);
    if (status == PAA_STATUS_OK)
        status = check_query(op, &place);
    if (status == PAA_STATUS_OK && is_incoming) {
        warn_of_bare_key(op, &place);
        status = op->host->options->reads(op->options, place.kind, place.name);
    }
    *ret_place = place;
    return status;
}

/* ---- reading and writing ---------------------------------------------------------------------- */

struct paa_str place_read(struct paa_op *op, const struct place *place, size_t index)
{
    const struct paa_host_request *request = op->host->request;
    struct paa_str value;

    if (place->kind == PAA_PLACE_COOKIE)
        return request->cookie(op, place->name, index);
    if (place->kind == PAA_PLACE_PARAMETER)
        return request->parameter(op, place->name, index);
    value = request->header(op, place->name, index);
    if (value.data == NULL || place->scheme.data == NULL)
        return value;
    return credentials_of(value, place->scheme);
}

/* before and key as one text, in memory that is wiped with the operation. */
static struct paa_str joined(struct paa_op *op, struct paa_str before, const char *between,
                             struct paa_str key)
{
    size_t gap = strlen(between);
    char *text = (char *)op->host->alloc(op, before.size + gap + key.size + 1);

    if (text == NULL)
        return STR_NONE;
    if (before.size > 0)
        memcpy(text, before.data, before.size);
    memcpy(text + before.size, between, gap);
    memcpy(text + before.size + gap, key.data, key.size);
    return paa_str_of_n(text, before.size + gap + key.size);
}

bool place_write(struct paa_op *op, const struct place *place, struct paa_str key)
{
    const struct paa_host_outcome *outcome = op->host->outcome;
    struct paa_str value = key;

    if (place->kind == PAA_PLACE_COOKIE) {
        if (!is_cookie_value(key))
            return false;
        outcome->cookie_remove(op, place->name);
        outcome->cookie_add(op, place->name, key, PAA_SECRET);
        return true;
    }
    if (place->kind == PAA_PLACE_PARAMETER) {
        outcome->parameter_remove(op, place->name);
        outcome->parameter_add(op, place->name, key, PAA_SECRET);
        return true;
    }
    if (place->scheme.data != NULL)
        value = joined(op, place->scheme, " ", key);
    else if (place->value_prefix.size > 0)
        value = joined(op, place->value_prefix, "", key);
    if (value.data == NULL || !is_field_value(value))
        return false;
    outcome->header_set(op, PAA_MESSAGE_REQUEST, place->name, value, PAA_SECRET);
    return true;
}
