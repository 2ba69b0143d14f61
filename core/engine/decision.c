/* SPDX-License-Identifier: MIT */
#include "decision.h"

#include "hint.h"
#include "json.h"
#include "str.h"

enum { ACCEPT_INDEX, ABSENT_INDEX, REJECT_INDEX, UNAVAILABLE_INDEX, IGNORE_INDEX, FAULT_INDEX };

enum {
    MS_PER_S = 1000,
    TIME_MS_TEXT_SIZE = TIME_TEXT_SIZE + 4,
    METHOD_SHOWN_MAX = 64,
    UNREAD_SHOWN_MAX = 4096 /* of a target that was refused: escaped, it fits a line still */
};

/* ---- what there is to tell --------------------------------------------------------------------- */

static const char *site_name(const struct paa_txn *txn, uint32_t site)
{
    int32_t instance;

    if (txn->program == NULL) /* no chain was asked, but the instance that serves the path */
        return txn->route->instance->id.name;
    instance = txn->program->sites[site].instance;

    if (instance >= 0)
        return txn->generation->generation->instances[instance].id.name;
    return instance == SITE_PERMIT ? "permit" : "deny";
}

static const char *result_text(uint8_t result)
{
    return result < RESULT_COUNT ? result_words[result] : "forbidden";
}

static const char *site_reason(const struct paa_txn *txn, uint32_t site)
{
    const struct op *op = txn->sites[site].op;

    return op != NULL ? op->reason : NULL;
}

/* Did this site make its step count against the request? In a group the first one that looked, or the last. */
static bool has_failed(const struct paa_txn *txn, uint32_t site)
{
    const struct step *step = &txn->program->steps[txn->program->sites[site].step];
    bool is_last = site + 1 == (uint32_t)step->first_site + step->site_count;
    uint8_t result = txn->results[site];
    int said;

    if (result == CHAIN_NOT_RUN || result == CHAIN_FORBIDDEN)
        return result == CHAIN_FORBIDDEN;
    said = step->site_count == 1 ? result : group_result(result, is_last);
    return said > ACCEPT_INDEX &&
           (step->action[said] == ACTION_BAD || step->action[said] == ACTION_DIE);
}

/* The step that the denial is about; -1: the chain was not asked, or nobody in it failed. */
static int32_t first_failing(const struct paa_txn *txn)
{
    int32_t other = -1;

    if (txn->state == PAA_TXN_ALLOW || txn->sites == NULL)
        return -1;
    for (uint32_t i = 0; i < txn->program->site_count; i++) {
        if (has_failed(txn, i))
            return (int32_t)i;
        if (other < 0 && txn->results[i] != ACCEPT_INDEX && txn->results[i] != CHAIN_NOT_RUN)
            other = (int32_t)i;
    }
    return other;
}

/* A failure that an accepted walk passed over: `sufficient` and `optional` do that. */
static bool is_swallowed(const struct paa_txn *txn, uint32_t site)
{
    uint8_t result = txn->results[site];

    return result == REJECT_INDEX || result == UNAVAILABLE_INDEX || result == FAULT_INDEX ||
           result == CHAIN_FORBIDDEN;
}

static const char *service_name(const struct paa_txn *txn)
{
    return txn->handle != NULL ? txn->handle->name : "";
}

static struct paa_str method_of(const struct paa_txn *txn)
{
    return txn->is_viewed ? str_slice(txn->view.method, 0, METHOD_SHOWN_MAX) : STR_NONE;
}

/* Where the target could not be read, as it came: its beginning, for whoever makes the line too long is not in it. */
static struct paa_str path_of(const struct paa_txn *txn)
{
    struct paa_str path = txn->is_viewed ? txn->view.path : STR_NONE;

    if (txn->is_viewed && path.data == NULL)
        path = str_slice(txn->given_target, 0, UNREAD_SHOWN_MAX);
    return path.data != NULL ? str_slice(path, 0, str_find(path, '?', 0)) : STR_NONE;
}

/* ---- counters ---------------------------------------------------------------------------------- */

/* Only this lane writes; others read at any time. */
static void add(uint64_t *counter, uint64_t count)
{
    __atomic_store_n(counter, *counter + count, __ATOMIC_RELAXED);
}

static void count(struct paa_txn *txn)
{
    struct lane_generation *lg = txn->generation;
    struct paa_lane *lane = txn->lane;

    if (LIKELY(txn->handle->index < lg->generation->service_count))
        add(&lg->decisions[txn->handle->index * COUNTER_ROWS + (uint32_t)txn->row], 1);
    if (UNLIKELY(txn->began_ns != 0)) {
        int64_t taken_ns = clock_exact_ns(&lane->context->services.clock) - txn->began_ns;

        add(&lane->latency_ns, taken_ns > 0 ? (uint64_t)taken_ns : 0);
        add(&lane->latency_samples, 1);
    }
    lane->unfolded++;
    counters_maybe_fold(lane);
}

/* ---- the log ----------------------------------------------------------------------------------- */

static void log_denial(const struct paa_txn *txn, struct log *log)
{
    int32_t failed = first_failing(txn);
    const char *reason = failed >= 0 ? site_reason(txn, (uint32_t)failed) : NULL;
    struct paa_str path = path_of(txn);

    if (txn->row == ROW_SERVED) {
        log_line(log, PAA_LEVEL_INFO, "%s: %.*s %.*s answered by PAA itself with %u",
                 service_name(txn), STR_ARGS(method_of(txn)), STR_ARGS(path),
                 (unsigned)txn->answer.code);
        return;
    }
    log_line(log, PAA_LEVEL_INFO, "%s: %.*s %.*s denied with %u: %.*s%s%s%s%s%s%s",
             service_name(txn), STR_ARGS(method_of(txn)), STR_ARGS(path),
             (unsigned)txn->answer.code, STR_ARGS(txn->answer.reason),
             failed >= 0 ? "; step \"" : "", failed >= 0 ? site_name(txn, (uint32_t)failed) : "",
             failed >= 0 ? "\" said " : "", failed >= 0 ? result_text(txn->results[failed]) : "",
             reason != NULL ? ", " : "", reason != NULL ? reason : "");
}

static void log_swallowed(const struct paa_txn *txn, struct log *log)
{
    for (uint32_t i = 0; txn->sites != NULL && i < txn->program->site_count; i++) {
        const char *reason = is_swallowed(txn, i) ? site_reason(txn, i) : NULL;
        struct paa_str path = path_of(txn);

        if (is_swallowed(txn, i))
            log_line(log, PAA_LEVEL_INFO,
                     "%s: %.*s %.*s allowed although step \"%s\" said %s%s%s: its control word "
                     "passes over that",
                     service_name(txn), STR_ARGS(method_of(txn)), STR_ARGS(path), site_name(txn, i),
                     result_text(txn->results[i]), reason != NULL ? ", " : "",
                     reason != NULL ? reason : "");
    }
}

/* ---- the audit record -------------------------------------------------------------------------- */

/* What every line begins with. */
static void write_head(struct json *json, const struct paa_context *context, const char *event,
                       uint64_t generation)
{
    int64_t now_ms = clock_real_ms(&context->services.clock);
    char text[TIME_MS_TEXT_SIZE];
    char second[TIME_TEXT_SIZE];

    if (now_ms < 0) {
        json_null(json, "time");
    } else {
        time_format(now_ms / MS_PER_S, second);
        (void)snprintf(text, sizeof text, "%.*s.%03uZ", TIME_TEXT_SIZE - 2, second,
                       (unsigned)(now_ms % MS_PER_S));
        json_text(json, "time", text);
    }
    json_text(json, "event", event);
    json_int(json, "generation", (int64_t)generation);
}

static void write_rule(const struct paa_txn *txn, struct json *json)
{
    struct buf text;

    if (txn->rule == NULL) {
        json_null(json, "rule");
        return;
    }
    buf_init(&text, AUDIT_LINE_MAX);
    buf_printf(&text, "%s:%u", txn->rule->conf->where.file, txn->rule->conf->where.line);
    json_str(json, "rule", buf_str(&text));
    buf_free(&text);
}

/* `client` only where it is somebody else than the peer. */
static void write_addresses(const struct paa_txn *txn, struct json *json)
{
    bool has_peer = txn->is_viewed && txn->peer != NULL && txn->peer->address[0] != '\0';
    const char *peer = has_peer ? txn->peer->address : NULL;
    char client[ADDRESS_TEXT_MAX];
    bool has_client = txn->is_viewed && txn->client.data != NULL &&
                      address_text(txn->client, client) &&
                      (peer == NULL || strcmp(client, peer) != 0);

    json_text(json, "peer", peer);
    json_text(json, "client", has_client ? client : NULL);
}

static void write_verdict(const struct paa_txn *txn, struct json *json)
{
    bool is_allowed = txn->state == PAA_TXN_ALLOW;

    json_text(json, "direction", txn->handle->direction == PAA_OUTGOING ? "outgoing" : "incoming");
    json_text(json, "verdict", is_allowed ? "allow" : txn->row == ROW_SERVED ? "served" : "deny");
    if (is_allowed)
        json_null(json, "status");
    else
        json_int(json, "status", txn->answer.code);
    json_str(json, "reason", is_allowed ? STR_NONE : txn->answer.reason);
}

static void write_principals(const struct paa_txn *txn, struct json *json)
{
    json_open(json, "principals", '[');
    for (uint32_t i = 0; i < txn->contributor_count; i++) {
        const struct paa_principal *who = &txn->contributors[i]->principal;

        json_open(json, NULL, '{');
        json_str(json, "instance", who->instance);
        json_str(json, "issuer", who->issuer);
        json_str(json, "subject", who->subject);
        json_str(json, "client_id", who->client_id);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* The newest first, as they are kept. */
static void write_notes(const struct paa_txn *txn, struct json *json)
{
    json_open(json, "notes", '[');
    for (const struct note *note = txn->notes; note != NULL; note = note->next) {
        json_open(json, NULL, '{');
        json_text(json, "instance", site_name(txn, note->site));
        json_str(json, "name", note->field.name);
        json_str(json, "value", note->field.value);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_site(const struct paa_txn *txn, struct json *json, const char *name,
                       uint32_t site)
{
    json_open(json, name, '{');
    json_text(json, "instance", site_name(txn, site));
    json_text(json, "result", result_text(txn->results[site]));
    json_text(json, "reason", site_reason(txn, site));
    json_close(json, '}');
}

static void write_steps(const struct paa_txn *txn, struct json *json)
{
    int32_t failed = first_failing(txn);
    bool is_allowed = txn->state == PAA_TXN_ALLOW && txn->sites != NULL;

    if (failed >= 0)
        write_site(txn, json, "failed", (uint32_t)failed);
    else
        json_null(json, "failed");
    json_open(json, "swallowed", '[');
    for (uint32_t i = 0; is_allowed && i < txn->program->site_count; i++)
        if (is_swallowed(txn, i))
            write_site(txn, json, NULL, i);
    json_close(json, ']');
}

void decision_audit(const struct paa_txn *txn, struct buf *buf)
{
    struct json json;

    json_init(&json, buf);
    json_open(&json, NULL, '{');
    write_head(&json, txn->lane->context, "decision", txn->generation->generation->number);
    json_text(&json, "service", service_name(txn));
    write_rule(txn, &json);
    json_str(&json, "method", method_of(txn));
    json_str(&json, "path", path_of(txn));
    write_addresses(txn, &json);
    write_verdict(txn, &json);
    write_principals(txn, &json);
    write_notes(txn, &json);
    write_steps(txn, &json);
    json_close(&json, '}');
}

static void audit(const struct paa_txn *txn, struct audit *to)
{
    struct buf line;

    buf_init(&line, AUDIT_LINE_MAX);
    decision_audit(txn, &line);
    if (txn->state == PAA_TXN_ANSWER)
        (void)audit_write_once(to, line.failed ? STR_NONE : buf_str(&line));
    else
        (void)audit_write(to, line.failed ? STR_NONE : buf_str(&line));
    buf_free(&line);
}

size_t paa_txn_audit(const struct paa_txn *txn, char *ret_line, size_t size)
{
    struct buf line;
    size_t needed;

    buf_init(&line, AUDIT_LINE_MAX);
    if (txn != NULL)
        decision_audit(txn, &line);
    needed = line.failed ? 0 : line.size;
    if (size > 0) {
        size_t given = needed < size ? needed : size - 1;

        if (given > 0)
            memcpy(ret_line, line.data, given);
        ret_line[given] = '\0';
    }
    buf_free(&line);
    return needed;
}

void decision_reload(const struct paa_context *context, struct audit *to, uint64_t generation,
                     const char *why_not)
{
    struct json json;
    struct buf line;

    buf_init(&line, AUDIT_LINE_MAX);
    json_init(&json, &line);
    json_open(&json, NULL, '{');
    write_head(&json, context, "reload", generation);
    json_text(&json, "policy", context->policy_path);
    json_text(&json, "verdict", why_not == NULL ? "taken" : "refused");
    json_text(&json, "reason", why_not);
    json_close(&json, '}');
    (void)audit_write(to, line.failed ? STR_NONE : buf_str(&line));
    buf_free(&line);
}

/* A retry that comes to nothing decides nothing: the response stands. */
void decision_made(struct paa_txn *txn)
{
    struct log *log = &txn->lane->context->services.log;
    struct audit *to = txn->generation->generation->audit;

    if (UNLIKELY(txn->state != PAA_TXN_ALLOW && txn->state != PAA_TXN_ANSWER))
        return;
    count(txn);
    if (UNLIKELY(log_wants(log, PAA_LEVEL_INFO))) {
        if (txn->state == PAA_TXN_ANSWER)
            log_denial(txn, log);
        else
            log_swallowed(txn, log);
    }
    if (UNLIKELY(to != NULL))
        audit(txn, to);
}
