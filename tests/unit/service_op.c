/* SPDX-License-Identifier: MIT */
/* The wait protocol of operations, and what becomes of those who break it. */
#include "op_driver.h"
#include "test.h"

#include "str.h"

static struct world world;
static struct driver driver;
static char log_text[2048];
static int continued;
static int cancelled;
static int waits_left; /* what the continuation still begins */
static enum paa_result final;

/* ---- the stage: a service whose outcome is at hand, or comes when the test says so -------------- */

static void on_log(enum paa_level level, struct paa_str line, void *user) PAA_NOEXCEPT
{
    size_t size = strlen(log_text);

    (void)level;
    (void)user;
    (void)snprintf(log_text + size, sizeof log_text - size, "%.*s\n", STR_ARGS(line));
}

static void begin(enum op_slot slot)
{
    world_init(&world, 0);
    log_free(&world.services.log);
    log_init(&world.services.log, on_log, NULL, true, PAA_LEVEL_ERROR);
    driver_init(&driver, &world, slot);
    log_text[0] = '\0';
    continued = cancelled = waits_left = 0;
    final = PAA_DONE;
}

static void end(void)
{
    driver_free(&driver);
    world_free(&world);
}

static enum paa_result wait_ready(struct op *op);

static enum paa_result on_worked(struct paa_op *pub, enum paa_status status, void *context)
{
    (void)status;
    (void)context;
    continued++;
    if (waits_left > 0) {
        waits_left--;
        return wait_ready(op_of(pub));
    }
    return final;
}

static enum paa_result resume(struct op *op)
{
    return op->wait.then.worked(&op->pub, op->wait.status, op->wait.context);
}

static bool cancel(struct op *op)
{
    (void)op;
    cancelled++;
    return true;
}

static const struct op_wait_kind kind = { "test.wait", resume, cancel };

static enum paa_result wait_armed(struct op *op)
{
    if (op_wait(op, &kind, NULL))
        op->wait.then.worked = on_worked;
    return PAA_PENDING;
}

static enum paa_result wait_ready(struct op *op)
{
    if (op_wait(op, &kind, NULL)) {
        op->wait.then.worked = on_worked;
        op->wait.status = PAA_STATUS_OK;
        op_wait_ready(op);
    }
    return PAA_PENDING;
}

/* ---- waiting -------------------------------------------------------------------------------------- */

TEST(an_outcome_at_hand_is_told_once_the_slot_has_returned)
{
    begin(OP_SERVE);
    CHECK_INT(wait_ready(&driver.op), PAA_PENDING);
    CHECK_INT(continued, 0);
    CHECK_INT(op_settle(&driver.op, PAA_PENDING), PAA_DONE);
    CHECK_INT(continued, 1);
    end();
}

TEST(a_posted_outcome_is_told_by_the_home)
{
    begin(OP_SERVE);
    CHECK_INT(op_settle(&driver.op, wait_armed(&driver.op)), PAA_PENDING);
    CHECK(!driver_pump(&driver, false));
    driver.op.wait.status = PAA_STATUS_OK;
    op_post(&driver.op);
    CHECK(driver_pump(&driver, false));
    CHECK_INT(continued, 1);
    CHECK_INT(driver.op.wait.state, OP_WAIT_NONE);
    end();
}

TEST(a_continuation_may_wait_again_ten_thousand_times)
{
    begin(OP_SERVE);
    waits_left = 10000;
    CHECK_INT(op_settle(&driver.op, wait_ready(&driver.op)), PAA_DONE);
    CHECK_INT(continued, 10001);
    end();
}

TEST(a_wait_begins_as_if_nothing_had_come_before)
{
    begin(OP_SERVE);
    memset(&driver.op.wait.came, 0x5a, sizeof driver.op.wait.came);
    driver.op.wait.sentence = "of the last wait";
    driver.op.wait.retry_after_ms = 5;
    (void)wait_armed(&driver.op);
    CHECK_INT(driver.op.wait.came.memo.version, 0);
    CHECK(driver.op.wait.sentence == NULL);
    CHECK_INT(driver.op.wait.retry_after_ms, 0);
    CHECK_INT(driver.op.wait.status, PAA_STATUS_UNAVAILABLE);
    end();
}

TEST(the_largest_hint_of_its_waits_is_the_operations)
{
    begin(OP_SERVE);
    (void)wait_ready(&driver.op);
    driver.op.wait.retry_after_ms = 700;
    waits_left = 1;
    CHECK_INT(op_settle(&driver.op, PAA_PENDING), PAA_DONE);
    CHECK_INT(driver.op.retry_after_ms, 700);
    end();
}

/* ---- misuse --------------------------------------------------------------------------------------- */

TEST(a_second_wait_is_refused_and_ends_in_fault)
{
    begin(OP_SERVE);
    (void)wait_ready(&driver.op);
    CHECK(!op_wait(&driver.op, &kind, NULL));
    CHECK_INT(op_settle(&driver.op, PAA_PENDING), PAA_FAULT);
    CHECK_HAS(log_text, "instance partner-keys: a second wait while one is under way in serve");
    end();
}

TEST(pending_without_a_wait_is_fault)
{
    begin(OP_VERIFY);
    CHECK_INT(op_settle(&driver.op, PAA_PENDING), PAA_FAULT);
    CHECK_HAS(log_text, "PENDING without a wait in verify");
    end();
}

TEST(a_result_beside_an_outcome_at_hand_is_fault_and_nothing_is_told)
{
    begin(OP_VERIFY);
    (void)wait_ready(&driver.op);
    CHECK_INT(op_settle(&driver.op, PAA_ACCEPT), PAA_FAULT);
    CHECK_INT(continued, 0);
    CHECK_INT(cancelled, 1);
    CHECK_INT(driver.op.wait.state, OP_WAIT_NONE);
    end();
}

TEST(a_result_beside_an_armed_wait_is_fault_and_leaves_the_wait_to_its_owner)
{
    begin(OP_VERIFY);
    (void)wait_armed(&driver.op);
    CHECK_INT(op_settle(&driver.op, PAA_ACCEPT), PAA_FAULT);
    CHECK_INT(continued, 0);
    CHECK_INT(driver.op.wait.state == OP_WAIT_ARMED || cancelled == 1, 1);
    end();
}

TEST(nothing_waits_in_create_and_decode)
{
    static const enum op_slot slots[] = { OP_CREATE, OP_DECODE };

    for (size_t i = 0; i < 2; i++) {
        begin(slots[i]);
        CHECK(!op_wait(&driver.op, &kind, NULL));
        CHECK_INT(driver.op.wait.state, OP_WAIT_NONE);
        CHECK(driver.op.misused);
        end();
    }
}

TEST(what_is_no_result_becomes_fault)
{
    static const int wrong[] = { 0, 99, PAA_STATUS_OK, PAA_ACCEPT - 1, PAA_DONE + 1 };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        begin(OP_VERIFY);
        CHECK_INT(op_settle(&driver.op, (enum paa_result)wrong[i]), PAA_FAULT);
        CHECK(driver.op.forbidden);
        end();
    }
}

TEST(each_slot_says_only_what_it_may)
{
    static const struct {
        enum op_slot slot;
        enum paa_result may, may_not;
    } rows[] = {
        { OP_VERIFY, PAA_ACCEPT, PAA_DONE },    { OP_ATTACH, PAA_IGNORE, PAA_DONE },
        { OP_CHALLENGE, PAA_DONE, PAA_REJECT }, { OP_ANSWERED, PAA_ABSENT, PAA_ACCEPT },
        { OP_SERVE, PAA_REJECT, PAA_ACCEPT },   { OP_DESCRIBE, PAA_DONE, PAA_IGNORE },
        { OP_VERB, PAA_REJECT, PAA_ACCEPT },    { OP_PRODUCE, PAA_REJECT, PAA_IGNORE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(op_result_allowed(rows[i].slot, rows[i].may));
        CHECK(!op_result_allowed(rows[i].slot, rows[i].may_not));
        CHECK(op_result_allowed(rows[i].slot, PAA_PENDING));
    }
    CHECK(!op_result_allowed(OP_CREATE, PAA_PENDING));
    CHECK(!op_result_allowed(OP_DECODE, PAA_DONE));
}

TEST(a_refused_call_turns_accept_into_fault_and_leaves_reject)
{
    begin(OP_VERIFY);
    driver.op.broken = true;
    CHECK_INT(op_settle(&driver.op, PAA_ACCEPT), PAA_FAULT);
    CHECK_INT(op_settle(&driver.op, PAA_REJECT), PAA_REJECT);
    end();
}

TEST(misuse_is_logged_once_and_turns_every_result_into_fault)
{
    const char *second;

    begin(OP_ATTACH);
    op_misuse(&driver.op, "a first fault");
    op_misuse(&driver.op, "a second fault");
    CHECK_INT(op_settle(&driver.op, PAA_REJECT), PAA_FAULT);
    CHECK_HAS(log_text, "instance partner-keys: a first fault in attach");
    second = strstr(log_text, "a second fault");
    CHECK(second == NULL);
    end();
}

/* ---- fail and alloc ------------------------------------------------------------------------------- */

TEST(fail_gives_back_failures_and_makes_fault_of_all_else)
{
    static const enum paa_result keeps[] = { PAA_ABSENT, PAA_REJECT, PAA_UNAVAILABLE, PAA_IGNORE,
                                             PAA_FAULT };
    static const enum paa_result turns[] = { PAA_ACCEPT, PAA_DONE, PAA_PENDING,
                                             (enum paa_result)7 };

    begin(OP_VERIFY);
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++)
        CHECK_INT(op_fail(&driver.op.pub, keeps[i], "why", STR_NONE), keeps[i]);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++)
        CHECK_INT(op_fail(&driver.op.pub, turns[i], "why", STR_NONE), PAA_FAULT);
    end();
}

TEST(fail_copies_its_sentence)
{
    char sentence[] = "the issuer does not answer";

    begin(OP_VERIFY);
    (void)op_fail(&driver.op.pub, PAA_UNAVAILABLE, "fetch", paa_str_of(sentence));
    memset(sentence, 'x', sizeof sentence - 1);
    CHECK_STR(driver.op.sentence, "the issuer does not answer");
    end();
}

TEST(fail_without_a_sentence_says_what_the_last_wait_said)
{
    begin(OP_VERIFY);
    driver.op.wait.sentence = "the store is locked";
    (void)op_fail(&driver.op.pub, PAA_UNAVAILABLE, "store", STR_NONE);
    CHECK_STR(driver.op.sentence, "the store is locked");
    end();
}

TEST(no_sentence_is_copied_that_nobody_reads)
{
    begin(OP_VERIFY);
    (void)op_fail(&driver.op.pub, PAA_ABSENT, "no_key", STR("no field of that name"));
    CHECK(driver.op.sentence.data == NULL);
    driver.op.trace = true;
    (void)op_fail(&driver.op.pub, PAA_ABSENT, "no_key", STR("no field of that name"));
    CHECK_STR(driver.op.sentence, "no field of that name");
    end();
}

TEST(alloc_gives_zeroed_memory_up_to_its_limit)
{
    unsigned char *memory;

    begin(OP_VERIFY);
    memory = op_alloc(&driver.op.pub, 256 * 1024);
    REQUIRE(memory != NULL);
    CHECK(memory[0] == 0 && memory[256 * 1024 - 1] == 0);
    CHECK(op_alloc(&driver.op.pub, 256 * 1024 + 1) == NULL);
    end();
}
