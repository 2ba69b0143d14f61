/* SPDX-License-Identifier: MIT */
/* What is left of a request for operators: counters, audit lines, log lines; and that no key is in any of them. */
#include "host_keys.h"
#include "test.h"

#define RECORDED(audit)                                                                            \
    "stores = { keys = \"keys.db\"; };\n" audit POLICY(                                            \
        "keys = { plugin = \"apikey\"; header = \"X-Api-Key\"; store = \"keys\"; };\n"             \
        "sends = { plugin = \"apikey\"; header = \"X-Api-Key\"; key = \"file:out.key\"; "          \
        "};\n" SCRIPT("w", "verify = \"script:X-W\";"),                                            \
        API("rules = (\n"                                                                          \
            "{ path = \"/k\"; chain = ( { required = \"keys\" } ); },\n"                           \
            "{ path = \"/w\"; chain = ( { required = \"w\" } ); },\n"                              \
            "{ path = \"/s\"; identity = [ \"w\", \"keys\" ];\n"                                   \
            "  chain = ( { sufficient = \"w\" }, { required = \"keys\" } ); } );")                 \
            OUT("chain = ( { required = \"sends\" } );"))

static const char policy[] = RECORDED("");
static const char audited[] = RECORDED("audit = { file = \"audit.log\"; };\n");
static const char strict[] =
    RECORDED("audit = { file = \"nowhere/audit.log\"; required = true; };\n");
static const char out_key[] = "outgoing-key-0123456789abcdef";

static bool open_recorded(struct host *host, const char *text)
{
    struct paa_context_options options;
    char path[HOST_PATH_MAX + 16];
    FILE *file;

    if (!host_init(host) || !host_write(host, text))
        return false;
    (void)snprintf(path, sizeof path, "%s/out.key", host->folder);
    file = fopen(path, "w");
    if (file == NULL)
        return false;
    (void)fchmod(fileno(file), 0600);
    if (fputs(out_key, file) < 0 || fclose(file) != 0)
        return false;
    host_options(host, &options);
    options.log_level = PAA_LEVEL_DEBUG;
    return host_open_with(host, &options);
}

/* ---- counters ---------------------------------------------------------------------------------- */

struct wanted {
    const char *name, *service, *instance, *result;
    double value;
};

static void look_at(const struct paa_sample *sample, void *user)
{
    struct wanted *wanted = user;

    if (strcmp(sample->name, wanted->name) == 0 && strcmp(sample->service, wanted->service) == 0 &&
        strcmp(sample->instance, wanted->instance) == 0 &&
        strcmp(sample->result, wanted->result) == 0)
        wanted->value = sample->value;
}

static int counted(struct host *host, const char *name, const char *service, const char *instance,
                   const char *result)
{
    struct wanted wanted = { name, service, instance, result, 0 };

    paa_context_counters(host->context, look_at, &wanted);
    return (int)wanted.value;
}

TEST(decisions_are_counted_by_service_and_results_by_instance)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(open_recorded(&host, policy));
    for (int i = 0; i < 3; i++)
        CHECK_INT(code_of(&host, "GET", "/w", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: reject", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: unavailable", NULL), 503);
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: number:99", NULL), 500);
    CHECK_INT(code_of(&host, "GET", "/nowhere", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/w/../x", NULL), 400);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "allow"), 3);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "credentials"), 1);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "unavailable"), 1);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "fault"), 1);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "no_rule"), 1);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "ambiguous"), 1);
    CHECK_INT(counted(&host, "paa_results_total", "", "w", "accept"), 3);
    CHECK_INT(counted(&host, "paa_results_total", "", "w", "reject"), 1);
    CHECK_INT(counted(&host, "paa_results_total", "", "w", "forbidden"), 1);
    ask_for(&ask, "GET", "/w", "X-W: after:60000", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    CHECK_INT(counted(&host, "paa_suspended", "", "", ""), 1);
    paa_txn_end(&txn);
    CHECK_INT(counted(&host, "paa_suspended", "", "", ""), 0);
    CHECK_INT(counted(&host, "paa_suspended_total", "", "", ""), 1);
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    CHECK_INT(code_of(&host, "GET", "/w", NULL), 200);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "allow"), 4);
    CHECK_INT(counted(&host, "paa_generation", "", "", ""), 2);
    paa_lane_close(&host.lane);
    CHECK_INT(counted(&host, "paa_decisions_total", "api", "", "allow"), 4);
    host_close(&host);
}

/* ---- audit ------------------------------------------------------------------------------------- */

static void check_audit(struct host *host, const char *method, const char *target, const char *line,
                        const char *const *parts)
{
    char text[4096], small[8];
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, method, target, line, NULL);
    size_t size = paa_txn_audit(txn, text, sizeof text);

    CHECK(size == strlen(text) && size > 0 && strchr(text, '\n') == NULL);
    CHECK_INT(paa_txn_audit(txn, small, sizeof small), size);
    CHECK(strlen(small) == 7 && memcmp(small, text, 7) == 0);
    CHECK_INT(paa_txn_audit(txn, NULL, 0), size);
    for (; *parts != NULL; parts++)
        CHECK_HAS(text, *parts);
    paa_txn_end(&txn);
}

TEST(an_audit_line_says_who_did_what_and_why_it_was_decided_so)
{
    static const char *const allowed[] = {
        "{\"time\":\"2026-01-01T00:00:00.000Z\",\"event\":\"decision\",\"generation\":1,",
        "\"service\":\"api\"",
        "paa.conf:",
        "\"method\":\"GET\"",
        "\"path\":\"/w\"",
        "\"verdict\":\"allow\"",
        "\"subject\":\"al\\\"ice\"",
        "\"issuer\":\"paa:w\"",
        NULL
    };
    static const char *const denied[] = { "\"verdict\":\"deny\"", "\"status\":403",
                                          "\"reason\":\"expired\"",
                                          "\"failed\":{\"instance\":\"w\",\"result\":\"reject\"",
                                          NULL };
    static const char *const swallowed[] = { "\"failed\":{\"instance\":\"keys\"", NULL };
    struct host host;

    REQUIRE(open_recorded(&host, policy));
    check_audit(&host, "GET", "/w?token=secret", "X-W: who:al\"ice", allowed);
    check_audit(&host, "GET", "/w", "X-W: reject:expired", denied);
    check_audit(&host, "GET", "/s", "X-W: reject", swallowed);
    host_close(&host);
}

static size_t read_audit(const struct host *host, char *ret_text, size_t size)
{
    char path[HOST_PATH_MAX + 16];
    FILE *file;
    size_t count = 0;

    (void)snprintf(path, sizeof path, "%s/audit.log", host->folder);
    file = fopen(path, "r");
    if (file != NULL) {
        count = fread(ret_text, 1, size - 1, file);
        (void)fclose(file);
    }
    ret_text[count] = '\0';
    return count;
}

TEST(the_audit_file_gets_a_line_for_each_decision)
{
    static char text[16384];
    struct host host;
    size_t lines = 0;

    REQUIRE(open_recorded(&host, audited));
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: who:alice", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: reject", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/w//x", NULL), 400);
    paa_lane_close(&host.lane);
    paa_context_close(&host.context);
    CHECK(read_audit(&host, text, sizeof text) > 0);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_INT(lines, 3);
    CHECK_HAS(text, "\"subject\":\"alice\"");
    CHECK_HAS(text, "\"status\":400");
    host_close(&host);
}

/* How often `part` stands in the text. */
static size_t times(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

TEST(the_audit_says_when_a_policy_was_taken_or_refused_and_why)
{
    static char text[16384];
    struct host host;

    REQUIRE(open_recorded(&host, audited));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    REQUIRE(host_write(&host, "services = { broken"));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    REQUIRE(host_write(&host, policy)); /* without an audit: seen where it was */
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    paa_lane_close(&host.lane);
    paa_context_close(&host.context);
    CHECK(read_audit(&host, text, sizeof text) > 0);
    CHECK_INT(times(text, "\"event\":\"reload\""), 3);
    CHECK_HAS(text,
              "{\"time\":\"2026-01-01T00:00:00.000Z\",\"event\":\"reload\",\"generation\":2,");
    CHECK_HAS(text, "\"verdict\":\"taken\",\"reason\":null}\n");
    CHECK_HAS(text, "\"event\":\"reload\",\"generation\":2,\"policy\":\"");
    CHECK_HAS(text, "\"verdict\":\"refused\",\"reason\":\"");
    CHECK_HAS(text, "paa.conf:1: ");
    CHECK_HAS(text, "\"event\":\"reload\",\"generation\":3,");
    host_close(&host);
}

TEST(where_the_audit_is_required_and_cannot_be_written_nobody_is_let_in)
{
    struct host host;
    unsigned code = 200;

    REQUIRE(open_recorded(&host, strict));
    while (code == 200) { /* until the worker that fails to write has said so */
        code = code_of(&host, "GET", "/w", "X-W: work:1 accept", NULL);
        host_pass(&host, 10);
    }
    CHECK_INT(code, 503);
    host_close(&host);
}

/* ---- secrets ------------------------------------------------------------------------------------- */

/* The part of a key that nobody may see: after its id. */
static const char *secret_of(const struct host_key *key)
{
    const char *at = strstr(key->text, key->id);

    return at != NULL ? at + strlen(key->id) : key->text;
}

static void check_hidden(const char *text, const char *secret)
{
    if (strstr(text, secret) != NULL)
        TEST_FAIL("a secret stands in \"%s\"", text);
}

static void check_txn_hidden(struct host *host, const char *line, unsigned code, const char *secret)
{
    static struct ask ask;
    char text[8192];
    struct paa_txn *txn;
    enum paa_state state;
    const struct paa_step *step;

    ask_for(&ask, "GET", "/k?q=1", line, NULL);
    ask.request.flags = PAA_REQUEST_TRACE;
    state = host_ask(host, &ask, &txn);
    CHECK_INT(txn_code(state, txn), code);
    (void)paa_txn_audit(txn, text, sizeof text);
    check_hidden(text, secret);
    for (size_t i = 0; (step = paa_txn_step(txn, i)) != NULL; i++)
        if (step->sentence.data != NULL)
            check_hidden(step->sentence.data, secret);
    if (state == PAA_TXN_ANSWER) {
        check_hidden(paa_txn_answer(txn)->sentence.data, secret);
        check_hidden(paa_txn_answer(txn)->reason.data, secret);
    }
    paa_txn_end(&txn);
}

TEST(no_key_stands_in_logs_errors_steps_or_the_audit)
{
    static char text[32768];
    struct host_key key, gone;
    char wrong[400];
    struct host host;

    REQUIRE(open_recorded(&host, audited));
    REQUIRE(host_mint(&host, "partner", &key) && host_mint(&host, "partner", &gone));
    REQUIRE(host_revoke(&host, &gone));
    check_txn_hidden(&host, key.line, 200, secret_of(&key));
    check_txn_hidden(&host, gone.line, 401, secret_of(&gone));
    (void)snprintf(wrong, sizeof wrong, "%sX", key.line);
    check_txn_hidden(&host, wrong, 401, secret_of(&key));
    (void)snprintf(wrong, sizeof wrong, "X-Api-Key: %s %s", key.text, key.text);
    check_txn_hidden(&host, wrong, 400, secret_of(&key));
    (void)snprintf(wrong, sizeof wrong, "X_Api_Key: %s", key.text);
    check_txn_hidden(&host, wrong, 400, secret_of(&key));
    paa_lane_close(&host.lane);
    paa_context_close(&host.context);
    check_hidden(host.log, secret_of(&key));
    check_hidden(host.log, secret_of(&gone));
    CHECK(read_audit(&host, text, sizeof text) > 0);
    check_hidden(text, secret_of(&key));
    check_hidden(text, secret_of(&gone));
    host_close(&host);
}

TEST(a_key_that_is_sent_is_marked_secret_and_stands_in_no_log)
{
    enum paa_state state;
    struct paa_txn *txn;
    char text[4096];
    struct host host;
    struct ask ask;

    REQUIRE(open_recorded(&host, audited));
    ask_for(&ask, "GET", "https://out.example.com/x", NULL);
    ask.request.authority = paa_str_of(NULL);
    ask.request.flags = PAA_REQUEST_TRACE;
    state = paa_txn_begin(&txn, host.lane, host.out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Api-Key"), out_key);
    REQUIRE(edit_of(txn, PAA_MESSAGE_REQUEST, "X-Api-Key", 0) != NULL);
    CHECK_INT(edit_of(txn, PAA_MESSAGE_REQUEST, "X-Api-Key", 0)->flags, PAA_EDIT_SECRET);
    (void)paa_txn_audit(txn, text, sizeof text);
    check_hidden(text, out_key);
    paa_txn_end(&txn);
    check_hidden(host.log, out_key);
    host_close(&host);
}

TEST(log_lines_cannot_be_forged_from_a_request)
{
    struct host host;

    REQUIRE(open_recorded(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/w\nnotice: all is well\x1b[2J", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/w", "X-W: log:\x1b[31mred\nnext reject:a\nb", NULL), 403);
    CHECK(strstr(host.log, "\nnotice") == NULL && strchr(host.log, '\x1b') == NULL);
    CHECK(strstr(host.log, "\nnext") == NULL);
    host_close(&host);
}
