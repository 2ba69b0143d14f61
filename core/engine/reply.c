/* SPDX-License-Identifier: MIT */
/* What a denied transaction tells its host: the answer, and the fields that go with it. */
#include "edits.h"
#include "fields.h"
#include "metadata.h"
#include "str.h"

enum { ANSWER_FIELDS = 6 }; /* the core's own, at most */

static const struct {
    unsigned code;
    const char *title;
} titles[] = {
    { 302, "Found" },
    { 303, "See Other" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 413, "Content Too Large" },
    { 421, "Misdirected Request" },
    { 425, "Too Early" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
};

static const char *title_of(unsigned code)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].code == code)
            return titles[i].title;
    return "Error";
}

/* Says the status and nothing else: why is for operators. RFC 9457 where the policy wants it. */
static void write_content(struct paa_txn *txn)
{
    struct paa_answer *answer = &txn->answer;
    bool is_problem = txn->service != NULL && txn->service->conf->problem_json;
    const char *title = title_of(answer->code);
    char *text =
        is_problem
            ? arena_printf(&txn->arena, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}",
                           title, (unsigned)answer->code)
            : arena_printf(&txn->arena, "%u %s\n", (unsigned)answer->code, title);

    answer->media_type = is_problem ? STR("application/problem+json") : STR("text/plain");
    answer->content = paa_bytes_of(text, text != NULL ? strlen(text) : 0);
}

/* Between one half and one and a half of what is said, so that clients do not come back all at once. */
static int64_t with_chance(const struct paa_txn *txn, int64_t value)
{
    uint32_t chance = 0;

    if (value <= 0 ||
        chance_fill(&txn->lane->context->services.chance, &chance, sizeof chance) != 0)
        return value;
    return value / 2 + (int64_t)((uint64_t)value * (chance >> 8) >> 24);
}

static void set_retry_after(struct paa_txn *txn)
{
    int64_t ms = txn->retry_after_ms > 0 ? txn->retry_after_ms : 1000;
    int64_t s = (ms + 999) / 1000;

    if (s > RETRY_AFTER_MAX_S)
        s = RETRY_AFTER_MAX_S;
    txn->answer.retry_after_s = s + (s > 1 ? with_chance(txn, s) / 4 : 0);
    if (txn->answer.retry_after_s > RETRY_AFTER_MAX_S)
        txn->answer.retry_after_s = RETRY_AFTER_MAX_S;
}

static uint32_t challenge_count(const struct paa_txn *txn)
{
    uint32_t count = 0;

    for (const struct challenge_text *c = txn->challenges; c != NULL; c = c->next)
        count++;
    return count;
}

static void add_allow(struct paa_txn *txn, struct edits *edits)
{
    struct buf buf;

    if (txn->route != NULL) {
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Allow"), STR("GET, HEAD"), 0);
        return;
    }
    buf_init(&buf, FIELD_BYTES_MAX);
    matcher_allow(txn->service->matcher, (int32_t)txn->rule->info.index, &buf);
    edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Allow"),
              arena_str(&txn->arena, buf_str(&buf)), 0);
    buf_free(&buf);
}

static bool is_kept(const struct paa_txn *txn)
{
    return txn->answer.why == PAA_WHY_SERVED && txn->served->is_lasting;
}

/* Metadata is for everybody, scripts of other origins among them; it holds nothing of who asks. */
static void add_served_fields(const struct paa_txn *txn, struct edits *edits)
{
    edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("X-Content-Type-Options"),
              STR("nosniff"), 0);
    if (txn->route->kind == ROUTE_METADATA)
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Access-Control-Allow-Origin"),
                  STR("*"), 0);
}

static void add_answer_fields(struct paa_txn *txn, struct edits *edits)
{
    struct paa_answer *answer = &txn->answer;

    if (answer->code == 401 || answer->code == 400 || answer->code == 403)
        for (const struct challenge_text *c = txn->challenges; c != NULL; c = c->next)
            edits_add(edits, PAA_EDIT_ADD, PAA_MESSAGE_RESPONSE, STR("WWW-Authenticate"), c->text,
                      0);
    if (answer->code == 302 || answer->code == 303)
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Location"), txn->redirect, 0);
    if (answer->code == 405)
        add_allow(txn, edits);
    if (answer->retry_after_s > 0)
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Retry-After"),
                  paa_str_of(arena_printf(&txn->arena, "%lld", (long long)answer->retry_after_s)),
                  0);
    edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_RESPONSE, STR("Cache-Control"),
              is_kept(txn)
                  ? paa_str_of(arena_printf(&txn->arena, "public, max-age=%d", METADATA_FRESH_S))
                  : STR("no-store"),
              0);
    if (answer->why == PAA_WHY_SERVED)
        add_served_fields(txn, edits);
}

/* Fills answer and response edits from row, code and what was collected. */
static void build(struct paa_txn *txn, enum paa_why why, unsigned code)
{
    struct paa_answer *answer = &txn->answer;
    struct edits edits;

    paa_init(answer, sizeof *answer);
    answer->why = why;
    answer->code = code;
    answer->reason = paa_str_of(txn->reason != NULL ? txn->reason : "denied");
    answer->sentence = paa_str_of(txn->sentence != NULL ? txn->sentence : "");
    if (why == PAA_WHY_UNAVAILABLE || why == PAA_WHY_LIMITED)
        set_retry_after(txn);
    if (txn->service != NULL && (why == PAA_WHY_CREDENTIALS || why == PAA_WHY_FORBIDDEN))
        answer->delay_ms = with_chance(txn, txn->service->conf->failure_delay_ms);
    if (why == PAA_WHY_SERVED && txn->redirect.data == NULL) {
        answer->media_type = txn->served->media_type;
        answer->content = txn->served->content;
    } else {
        write_content(txn);
    }
    txn->state = PAA_TXN_ANSWER;
    txn->phase = PHASE_OVER;
    txn->edit_count[0] = 0;
    txn->edit_count[1] = 0;
    if (!edits_room(txn, &edits, txn->effect_count + challenge_count(txn) + ANSWER_FIELDS))
        return;
    add_answer_fields(txn, &edits);
    if (txn->results != NULL || txn->route != NULL)
        edits_add_effects(txn, &edits, PAA_MESSAGE_RESPONSE, PAA_ON_DENY);
    edits_done(txn, PAA_MESSAGE_RESPONSE, &edits);
}

/* The step that says most about a denial: the first that failed, else the first that found nothing. */
static const struct op *telling_op(const struct paa_txn *txn)
{
    const struct op *found = NULL;

    for (uint32_t i = 0; i < txn->program->site_count; i++) {
        const struct op *op = txn->sites[i].op;

        if (op == NULL || txn->results[i] == 0 || txn->results[i] == CHAIN_NOT_RUN)
            continue;
        if (op->reason != NULL)
            return op;
        if (found == NULL)
            found = op;
    }
    return found;
}

static void explain(struct paa_txn *txn)
{
    const struct op *op = txn->reason == NULL ? telling_op(txn) : NULL;

    if (op != NULL) {
        txn->reason = op->reason;
        if (op->sentence.data != NULL)
            txn->sentence =
                arena_printf(&txn->arena, "%s: %.*s", op->instance->name, STR_ARGS(op->sentence));
    }
    if (txn->reason == NULL) {
        bool is_absent = chain_status(&txn->chain) == 1;

        txn->reason = is_absent ? "no-credential" : "denied";
        txn->sentence = is_absent ? "the request carries no credential that the chain looks for"
                                  : "the chain did not accept";
    }
}

void reply_answer(struct paa_txn *txn)
{
    enum paa_why why = txn->plan.why;
    unsigned code = txn->plan.code;

    explain(txn);
    if (txn->row == ROW_LOGIN && txn->redirect.data == NULL && txn->is_login_unavailable) {
        build(txn, PAA_WHY_UNAVAILABLE, 503);
        return;
    }
    if (txn->row == ROW_LOGIN && txn->redirect.data == NULL) {
        code = 401;
        why = PAA_WHY_CREDENTIALS;
    }
    if (code == 401 && txn->challenges == NULL && txn->handle->direction == PAA_INCOMING) {
        code = 403; /* RFC 9110 15.5.2: a 401 needs a challenge */
        why = PAA_WHY_FORBIDDEN;
    }
    build(txn, why, code);
}

/* A redirect after a form goes to a page (RFC 9110 15.4.4). */
void reply_served(struct paa_txn *txn)
{
    bool is_plain = paa_str_eq(txn->view.method, "GET") || paa_str_eq(txn->view.method, "HEAD");
    unsigned code = txn->redirect.data == NULL ? txn->served->code : is_plain ? 302 : 303;

    txn->row = ROW_SERVED;
    txn->reason = "served";
    txn->sentence = "PAA itself answers this path";
    build(txn, PAA_WHY_SERVED, code);
}

enum paa_state reply_refuse(struct paa_txn *txn, enum answer_row row, unsigned code,
                            enum paa_why why, const char *reason, const char *sentence)
{
    txn->row = row;
    txn->reason = reason;
    txn->sentence = sentence;
    build(txn, why, code);
    return txn->state;
}
