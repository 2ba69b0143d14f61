/* SPDX-License-Identifier: MIT */
/* Counters of several lanes, generations and processes, and what is told of one decision. */
#include "decision.h"
#include "fork.h"
#include "str.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

enum { INSTANCES = 2, SERVICES = 2, TEXT_MAX = 8192 };

static char samples[TEXT_MAX];
static char log_text[TEXT_MAX];
static int64_t now_ms;

static int64_t fake_now(void *user) PAA_NOEXCEPT
{
    (void)user;
    return now_ms * 1000000;
}

static void on_log(enum paa_level level, struct paa_str line, void *user) PAA_NOEXCEPT
{
    size_t size = strlen(log_text);

    (void)level;
    (void)user;
    (void)snprintf(log_text + size, sizeof log_text - size, "%.*s\n", (int)line.size, line.data);
}

static void on_sample(const struct paa_sample *sample, void *user) PAA_NOEXCEPT
{
    size_t size = strlen(samples);

    (void)user;
    (void)snprintf(samples + size, sizeof samples - size, "%s{%s|%s|%s} %g\n", sample->name,
                   sample->service, sample->instance, sample->result, sample->value);
}

/* The world has one generation, which stays. */
struct generation *generation_hold(struct paa_context *context)
{
    return atomic_load(&context->current);
}

void generation_let_go(struct generation *generation)
{
    (void)generation;
}

/* ---- a context as far as counters look at it ---------------------------------------------------- */

struct world {
    struct paa_context context;
    struct paa_service handles[SERVICES];
    struct service_conf confs[SERVICES];
    struct service_rules services[SERVICES];
    struct instance_conf instance_confs[INSTANCES];
    struct instance instances[INSTANCES];
    struct policy policy;
    struct generation generation;
};

static void world_open(struct world *w, bool is_shared)
{
    static const char *const service_names[] = { "orders", "billing" };
    static const char *const instance_names[] = { "keys", "tokens" };

    memset(w, 0, sizeof *w);
    log_text[0] = '\0';
    now_ms = 1790000000123;
    w->context.services.clock.real_fn = fake_now;
    w->context.services.clock.monotonic_fn = fake_now;
    log_init(&w->context.services.log, on_log, NULL, true, PAA_LEVEL_INFO);
    pthread_mutex_init(&w->context.lock, NULL);
    w->context.counters = counters_new(is_shared);
    for (uint32_t i = 0; i < SERVICES; i++) {
        w->confs[i].name = service_names[i];
        w->services[i].conf = &w->confs[i];
        w->handles[i].name = strdup(service_names[i]);
        w->handles[i].index = i;
        w->handles[i].direction = PAA_INCOMING;
    }
    for (uint32_t i = 0; i < INSTANCES; i++) {
        w->instance_confs[i].name = instance_names[i];
        w->instances[i].id.name = instance_names[i];
        w->instances[i].index = i;
    }
    w->policy.instances = w->instance_confs;
    w->generation = (struct generation){ .context = &w->context,
                                         .number = 7,
                                         .policy = &w->policy,
                                         .instances = w->instances,
                                         .instance_count = INSTANCES,
                                         .services = w->services,
                                         .service_count = SERVICES };
    atomic_store(&w->context.current, &w->generation);
}

static void world_close(struct world *w)
{
    for (uint32_t i = 0; i < SERVICES; i++)
        free(w->handles[i].name);
    counters_free(w->context.counters);
    log_free(&w->context.services.log);
    pthread_mutex_destroy(&w->context.lock);
}

struct worker { /* a lane with what it has of the generation */
    struct paa_lane lane;
    struct lane_generation lg;
    uint64_t decisions[SERVICES * COUNTER_ROWS];
    uint64_t results[INSTANCES * COUNTER_RESULTS];
};

static void worker_open(struct worker *k, struct world *w)
{
    memset(k, 0, sizeof *k);
    k->lg.generation = &w->generation;
    k->lg.decisions = k->decisions;
    k->lg.results = k->results;
    k->lane.context = &w->context;
    k->lane.generation = &k->lg;
    k->lane.process = process_number;
    k->lane.next = w->context.first_lane;
    w->context.first_lane = &k->lane;
}

/* As the engine does when a lane is closed. */
static void worker_close(struct worker *k)
{
    struct paa_context *context = k->lane.context;
    struct paa_lane **at = &context->first_lane;

    pthread_mutex_lock(&context->lock);
    while (*at != &k->lane)
        at = &(*at)->next;
    *at = k->lane.next;
    counters_fold_latency(context->counters, &k->lane);
    counters_fold(context->counters, &k->lg);
    pthread_mutex_unlock(&context->lock);
}

static const char *read_samples(struct world *w)
{
    samples[0] = '\0';
    paa_context_counters(&w->context, on_sample, NULL);
    return samples;
}

/* ---- counters ---------------------------------------------------------------------------------- */

TEST(counters_are_summed_over_lanes_and_read_twice_are_the_same)
{
    struct world w;
    struct worker a, b;

    world_open(&w, false);
    worker_open(&a, &w);
    worker_open(&b, &w);
    a.decisions[ROW_PASS] = 3;
    b.decisions[ROW_PASS] = 4;
    b.decisions[COUNTER_ROWS + ROW_NO_RULE] = 1;
    a.results[COUNTER_RESULTS + 2] = 5;
    a.lane.latency_ns = 500000000;
    a.lane.latency_samples = 2;
    b.lane.suspended_total = 6;
    for (int i = 0; i < 2; i++) {
        CHECK_HAS(read_samples(&w), "paa_decisions_total{orders||allow} 7\n");
        CHECK_HAS(samples, "paa_decisions_total{billing||no_rule} 1\n");
        CHECK_HAS(samples, "paa_results_total{|tokens|reject} 5\n");
        CHECK_HAS(samples, "paa_latency_seconds_sum{||} 0.5\n");
        CHECK_HAS(samples, "paa_latency_seconds_count{||} 2\n");
        CHECK_HAS(samples, "paa_suspended_total{||} 6\n");
        CHECK_HAS(samples, "paa_generation{||} 7\n");
        CHECK(strstr(samples, "audit") == NULL);
    }
    a.decisions[ROW_PASS]++;
    CHECK_HAS(read_samples(&w), "paa_decisions_total{orders||allow} 8\n");
    worker_close(&a);
    worker_close(&b);
    world_close(&w);
}

TEST(what_a_closed_lane_counted_stays)
{
    struct world w;
    struct worker a, b;

    world_open(&w, false);
    worker_open(&a, &w);
    a.decisions[ROW_CREDENTIALS] = 2;
    CHECK_HAS(read_samples(&w), "paa_decisions_total{orders||credentials} 2\n");
    a.decisions[ROW_CREDENTIALS] = 5;
    worker_close(&a);
    worker_open(&b, &w);
    b.decisions[ROW_CREDENTIALS] = 1;
    worker_close(&b); /* never read before */
    CHECK_HAS(read_samples(&w), "paa_decisions_total{orders||credentials} 6\n");
    world_close(&w);
}

TEST(counters_follow_names_when_a_new_policy_orders_them_anew)
{
    struct world w;
    struct worker a, b;

    world_open(&w, false);
    worker_open(&a, &w);
    a.results[0] = 2; /* keys */
    worker_close(&a);
    w.instance_confs[0].name = "tokens";
    w.instance_confs[1].name = "keys";
    worker_open(&b, &w);
    b.results[COUNTER_RESULTS] = 3; /* keys */
    CHECK_HAS(read_samples(&w), "paa_results_total{|keys|accept} 5\n");
    worker_close(&b);
    world_close(&w);
}

TEST(processes_that_share_counters_are_summed)
{
    struct world w;
    struct worker parent;
    int status = -1;
    pid_t child;

    world_open(&w, true);
    worker_open(&parent, &w);
    parent.decisions[ROW_PASS] = 1;
    child = calm_fork();
    if (child == 0) {
        struct worker own;

        parent.lane.process = process_number + 1; /* as one that was opened before the fork */
        worker_open(&own, &w);
        own.decisions[ROW_PASS] = 10;
        (void)read_samples(&w);
        _exit(strstr(samples, "{orders||allow} 10\n") != NULL ? 0 : 1);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK_HAS(read_samples(&w), "paa_decisions_total{orders||allow} 11\n");
    worker_close(&parent);
    world_close(&w);
}

/* What is in the totals, without folding first as a reader does. */
static bool is_folded(const struct worker *k)
{
    return k->lg.folded != NULL && k->lane.unfolded == 0;
}

TEST(a_busy_lane_folds_shared_counters_after_many_decisions_or_a_second)
{
    struct world w;
    struct worker a;

    world_open(&w, true);
    worker_open(&a, &w);
    a.lane.folded_ms = now_ms;
    a.lane.unfolded = 1023;
    counters_maybe_fold(&a.lane);
    CHECK(!is_folded(&a));
    a.lane.unfolded = 1024;
    counters_maybe_fold(&a.lane);
    CHECK(is_folded(&a));
    a.lane.unfolded = 1;
    counters_maybe_fold(&a.lane);
    CHECK(!is_folded(&a));
    now_ms += 1000;
    counters_maybe_fold(&a.lane);
    CHECK(is_folded(&a));
    worker_close(&a);
    world_close(&w);
}

/* ---- decisions --------------------------------------------------------------------------------- */

struct request { /* a transaction that was decided: keys first, then tokens */
    struct world w;
    struct worker worker;
    struct step steps[2];
    struct site sites[2];
    struct site_state states[2];
    struct op ops[2];
    uint8_t results[2];
    struct program program;
    struct rule_conf conf;
    struct rule rule;
    struct identity identity;
    const struct identity *contributors[1];
    struct note note;
    struct paa_txn txn;
};

static struct request *request_new(enum paa_state state, int keys, int tokens)
{
    struct request *r = calloc(1, sizeof *r);

    if (r == NULL)
        abort();
    world_open(&r->w, false);
    worker_open(&r->worker, &r->w);
    for (uint16_t i = 0; i < 2; i++) {
        memcpy(r->steps[i].action, control_words[i == 0 ? 2 : 0].action, sizeof r->steps[i].action);
        r->steps[i].first_site = i;
        r->steps[i].site_count = 1;
        r->sites[i] = (struct site){ i, i };
    }
    r->program = (struct program){ r->steps, 2, 2, r->sites };
    r->conf.where = (struct where){ "p.conf", 12 };
    r->rule.conf = &r->conf;
    r->results[0] = (uint8_t)keys;
    r->results[1] = (uint8_t)tokens;
    r->ops[0].reason = "unknown-key";
    r->states[0].op = &r->ops[0];
    r->txn = (struct paa_txn){ .lane = &r->worker.lane,
                               .generation = &r->worker.lg,
                               .handle = &r->w.handles[0],
                               .rule = &r->rule,
                               .program = &r->program,
                               .state = state,
                               .sites = r->states,
                               .results = r->results,
                               .is_viewed = true };
    r->txn.row = state == PAA_TXN_ALLOW ? ROW_PASS : ROW_CREDENTIALS;
    r->txn.view.method = STR("GET");
    r->txn.view.path = STR("/v1/orders");
    r->txn.given_target = STR("/v1/orders?key=SECRET");
    r->txn.answer.code = 401;
    r->txn.answer.reason = STR("invalid_token");
    return r;
}

static void request_free(struct request *r)
{
    worker_close(&r->worker);
    world_close(&r->w);
    free(r);
}

static const char *audit_of(const struct request *r)
{
    static char line[TEXT_MAX];
    size_t size = paa_txn_audit(&r->txn, line, sizeof line);

    CHECK_INT(size, strlen(line));
    return line;
}

TEST(an_allowed_request_is_audited_with_who_it_was_and_what_was_passed_over)
{
    struct request *r = request_new(PAA_TXN_ALLOW, 2, 0);

    r->identity.principal.instance = STR("tokens");
    r->identity.principal.subject = STR("al\"ice\n");
    r->contributors[0] = &r->identity;
    r->txn.contributors = r->contributors;
    r->txn.contributor_count = 1;
    r->note = (struct note){ NULL, { STR("key_id"), STR("k7") }, 0 };
    r->txn.notes = &r->note;
    CHECK_STR(
        paa_str_of(audit_of(r)),
        "{\"time\":\"2026-09-21T14:13:20.123Z\",\"event\":\"decision\",\"generation\":7,"
        "\"service\":\"orders\",\"rule\":"
        "\"p.conf:12\",\"method\":\"GET\",\"path\":\"/v1/orders\",\"peer\":null,\"client\":null,"
        "\"direction\":\"incoming\",\"verdict\":\"allow\",\"status\":null,\"reason\":null,"
        "\"principals\":[{\"instance\":\"tokens\",\"issuer\":null,\"subject\":\"al\\\"ice\\u000a\","
        "\"client_id\":null}],\"notes\":[{\"instance\":\"keys\",\"name\":\"key_id\",\"value\":"
        "\"k7\"}],"
        "\"failed\":null,\"swallowed\":[{\"instance\":\"keys\",\"result\":\"reject\",\"reason\":"
        "\"unknown-key\"}]}");
    decision_made(&r->txn);
    CHECK_HAS(log_text,
              "orders: GET /v1/orders allowed although step \"keys\" said reject, unknown-key");
    CHECK_INT(r->worker.decisions[ROW_PASS], 1);
    request_free(r);
}

TEST(a_denied_request_is_audited_with_the_step_that_failed)
{
    struct request *r = request_new(PAA_TXN_ANSWER, 1, 2);

    CHECK_HAS(audit_of(r), "\"verdict\":\"deny\",\"status\":401,\"reason\":\"invalid_token\"");
    CHECK_HAS(audit_of(r),
              "\"failed\":{\"instance\":\"tokens\",\"result\":\"reject\",\"reason\":null}");
    CHECK_HAS(audit_of(r), "\"swallowed\":[]}");
    decision_made(&r->txn);
    CHECK_HAS(log_text,
              "orders: GET /v1/orders denied with 401: invalid_token; step \"tokens\" said reject");
    CHECK(strstr(log_text, "SECRET") == NULL);
    CHECK_INT(r->worker.decisions[ROW_CREDENTIALS], 1);
    request_free(r);
}

TEST(a_request_that_could_not_be_read_is_audited_without_its_query)
{
    struct request *r = request_new(PAA_TXN_ANSWER, 1, 1);

    r->txn.sites = NULL;
    r->txn.rule = NULL;
    r->txn.view.path = STR_NONE;
    CHECK_HAS(audit_of(r), "\"rule\":null,\"method\":\"GET\",\"path\":\"/v1/orders\",");
    CHECK_HAS(audit_of(r), "\"failed\":null");
    r->txn.is_viewed = false; /* what stands there is of the request before */
    CHECK_HAS(audit_of(r), "\"method\":null,\"path\":null,");
    request_free(r);
}

TEST(a_retry_that_comes_to_nothing_is_no_decision)
{
    struct request *r = request_new(PAA_TXN_OVER, 1, 1);

    decision_made(&r->txn);
    CHECK_INT(r->worker.decisions[ROW_CREDENTIALS], 0);
    CHECK_STR(paa_str_of(log_text), "");
    request_free(r);
}

TEST(a_sampled_request_adds_its_latency)
{
    struct request *r = request_new(PAA_TXN_ALLOW, 0, CHAIN_NOT_RUN);

    r->txn.began_ns = fake_now(NULL) - 2500;
    decision_made(&r->txn);
    CHECK_INT(r->worker.lane.latency_ns, 2500);
    CHECK_INT(r->worker.lane.latency_samples, 1);
    request_free(r);
}

TEST(the_audit_line_of_no_transaction_is_empty_and_a_short_buffer_is_filled_as_by_snprintf)
{
    struct request *r = request_new(PAA_TXN_ANSWER, 1, 2);
    char line[8] = "unset";
    size_t whole = strlen(audit_of(r));

    CHECK_INT(paa_txn_audit(NULL, line, sizeof line), 0);
    CHECK_STR(paa_str_of(line), "");
    CHECK_INT(paa_txn_audit(&r->txn, line, sizeof line), whole);
    CHECK_STR(paa_str_of(line), "{\"time\"");
    CHECK_INT(paa_txn_audit(&r->txn, NULL, 0), whole);
    request_free(r);
}
