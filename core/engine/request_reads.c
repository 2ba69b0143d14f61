/* SPDX-License-Identifier: MIT */
/* The places that a rule's steps read credentials from: what stands there twice, or in a way that others read as the
 * same, is refused before any plugin runs. */
#include "engine.h"
#include "fields.h"
#include "hint.h"
#include "str.h"

static bool refuse(struct paa_txn *txn, const char *sentence)
{
    (void)reply_refuse(txn, ROW_AMBIGUOUS, 400, PAA_WHY_REQUEST, PAA_REASON_INVALID_REQUEST,
                       sentence);
    return false;
}

/* One bit per (size, first letter), as rule->watch was made: most fields are passed over by it. */
static inline uint64_t watch_bit(struct paa_str name)
{
    unsigned letter = name.size > 0 ? (unsigned char)name.data[0] & 7u : 0;

    return (uint64_t)1 << ((name.size & 7u) << 3 | letter);
}

static bool check_header(struct paa_txn *txn, const struct paa_field *field, uint64_t *seen)
{
    for (uint32_t i = 0; i < txn->rule->read_count; i++) {
        const struct reads *reads = txn->rule->reads[i];
        bool is_so_written;

        if (reads->place != PAA_PLACE_HEADER || reads->name.size != field->name.size)
            continue;
        is_so_written = str_eq_nocase(field->name, reads->name);
        if (!is_so_written && !field_name_same(field->name, reads->name))
            continue;
        if ((*seen >> i & 1) != 0)
            return refuse(txn, "a field that carries a credential came twice");
        *seen |= (uint64_t)1 << i;
        if (!is_so_written)
            return refuse(txn,
                          "a field that carries a credential is written with '_' or '.' for '-'");
        if (LIKELY(field->value.size > 0) && !is_field_value(str_trim(field->value)))
            return refuse(txn, "a field that carries a credential holds control bytes");
    }
    return true;
}

static bool is_doubled(struct paa_txn *txn, const struct reads *reads)
{
    struct paa_str cookie;

    if (reads->place == PAA_PLACE_PARAMETER)
        return query_find(txn->view.query, reads->name, 1, &txn->arena).data != NULL;
    if (reads->place != PAA_PLACE_COOKIE)
        return false;
    cookie = request_header(txn, STR("cookie"), 0);
    return cookie_find(cookie, reads->name, 1).data != NULL ||
           request_header(txn, STR("cookie"), 1).data != NULL;
}

bool request_check_reads(struct paa_txn *txn)
{
    const struct rule *rule = txn->rule;
    uint64_t seen = 0;

    if (UNLIKELY(rule == NULL) || rule->read_count == 0 || txn->handle->direction == PAA_OUTGOING)
        return true;
    for (size_t i = 0; i < txn->header_count; i++)
        if ((rule->watch & watch_bit(txn->headers[i].name)) != 0 &&
            !check_header(txn, &txn->headers[i], &seen))
            return false;
    for (uint32_t i = 0; rule->edits_cookies && i < rule->read_count; i++)
        if (is_doubled(txn, rule->reads[i]))
            return refuse(txn, "a cookie or parameter that carries a credential came twice");
    return true;
}

/* The same bit for both cases of a first letter, and for '-' '_' '.' inside: only size and letter count. */
uint64_t request_watch_bit(struct paa_str name)
{
    return watch_bit(name);
}

struct paa_str request_header(const struct paa_txn *txn, struct paa_str name, size_t index)
{
    for (size_t i = 0; i < txn->header_count; i++)
        if (txn->headers[i].name.size == name.size && str_eq_nocase(txn->headers[i].name, name) &&
            index-- == 0)
            return str_trim(txn->headers[i].value);
    return STR_NONE;
}
