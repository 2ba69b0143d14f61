/* SPDX-License-Identifier: MIT */
/*
 * paactl is killed by SIGKILL in the middle of mint, revoke and import, a few hundred times. Afterwards the store
 * opens, every key whose command had returned is let in, and no key whose revocation had returned is. What was
 * killed half-way may be either, but never half a key.
 */
#include "fork.h"
#include "test.h"

#include <paa/paa.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 300, KEYS_MAX = 400, IMPORTED_PER_RUN = 20, KEY_MAX = 200 };

struct known {
    char key[KEY_MAX];
    char id[64];
    enum { LIVE = 1, REVOKED, UNSURE } state;
};

static struct known known[KEYS_MAX];
static int known_count;
static char folder[] = FAULT_FOLDER "/kill-XXXXXX";
static char policy[sizeof folder + 32];
static uint32_t chance = 2463534242u;

static uint32_t draw(uint32_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 17;
    chance ^= chance << 5;
    return chance % below;
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t size = strlen(text);
    bool is_good = fd >= 0 && write(fd, text, size) == (ssize_t)size;

    if (fd >= 0)
        close(fd);
    return is_good;
}

static bool prepare(void)
{
    known_count = 0;
    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(policy, sizeof policy, "%s/policy.conf", folder);
    return write_file(policy, "stores = { keys = \"keys.db\"; };\n"
                              "instances = { keys = { plugin = \"apikey\"; }; };\n"
                              "services = { api = { direction = \"incoming\"; chain = ( { required "
                              "= \"keys\" } ); }; };\n");
}

/* ---- running paactl ---------------------------------------------------------------------------- */

struct run {
    int status; /* exit status; -1: killed */
    char output[8192];
};

static void child(const char *const argv[], const int in[2], const int out[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(in[1]);
    close(out[0]);
    close(out[1]);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Reads what it says until it ends, or until the moment to kill it has come. */
static void read_output(pid_t pid, int fd, int64_t kill_at_us, struct run *ret_run)
{
    size_t size = 0;
    ssize_t got = 1;

    while (got > 0) {
        int64_t left_us = kill_at_us - now_us();
        struct timespec wait = { left_us / 1000000, (left_us % 1000000) * 1000 };
        struct pollfd ready = { fd, POLLIN, 0 };

        if (left_us <= 0 || ppoll(&ready, 1, &wait, NULL) == 0) {
            kill(pid, SIGKILL);
            kill_at_us = INT64_MAX / 2;
        } else {
            got = read(fd, ret_run->output + size, sizeof ret_run->output - 1 - size);
            size += got > 0 ? (size_t)got : 0;
        }
    }
    ret_run->output[size] = '\0';
}

static void run_paactl(const char *const argv[], const char *input, int64_t kill_after_us,
                       struct run *ret_run)
{
    int in[2], out[2], status;
    int64_t began = now_us();
    pid_t pid;

    memset(ret_run, 0, sizeof *ret_run);
    ret_run->status = -1;
    if (pipe(in) != 0 || pipe(out) != 0 || (pid = calm_fork()) < 0)
        return;
    if (pid == 0)
        child(argv, in, out);
    close(in[0]);
    close(out[1]);
    if (input != NULL)
        (void)!write(in[1], input, strlen(input));
    close(in[1]);
    read_output(pid, out[0], kill_after_us > 0 ? began + kill_after_us : INT64_MAX / 2, ret_run);
    close(out[0]);
    if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
        ret_run->status = WEXITSTATUS(status);
}

/* "name":"value" of a JSON line. */
static bool member(const char *json, const char *name, char *ret_value, size_t size)
{
    char start[64];
    const char *at, *end;

    snprintf(start, sizeof start, "\"%s\":\"", name);
    at = strstr(json, start);
    end = at != NULL ? strchr(at + strlen(start), '"') : NULL;
    if (end == NULL)
        return false;
    at += strlen(start);
    snprintf(ret_value, size, "%.*s", (int)(end - at), at);
    return true;
}

/* ---- the three commands ------------------------------------------------------------------------ */

static void mint_one(int64_t kill_after_us)
{
    const char *argv[] = { PAACTL, "run", "--json", "-c", policy, "keys", "mint", NULL, NULL };
    struct known *entry = &known[known_count];
    char client[64];
    struct run run;

    snprintf(client, sizeof client, "client=c%d-%u", known_count, draw(1000000));
    argv[7] = client;
    run_paactl(argv, NULL, kill_after_us, &run);
    if (run.status == 0 && known_count < KEYS_MAX &&
        member(run.output, "key", entry->key, sizeof entry->key) &&
        member(run.output, "id", entry->id, sizeof entry->id)) {
        entry->state = LIVE;
        known_count++;
    }
}

/* By chance; NULL: there is none. Whatever was killed, so revocations that end have something to revoke. */
static struct known *draw_revocable(void)
{
    int first = known_count > 0 ? (int)draw((uint32_t)known_count) : 0;

    for (int i = 0; i < known_count; i++) {
        struct known *entry = &known[(first + i) % known_count];

        if (entry->state != REVOKED && entry->id[0] != '\0')
            return entry;
    }
    return NULL;
}

static void revoke_one(int64_t kill_after_us)
{
    const char *argv[] = { PAACTL, "run", "-c", policy, "keys", "revoke", NULL, NULL };
    struct known *entry = draw_revocable();
    char id[80];
    struct run run;

    if (entry == NULL)
        return;
    snprintf(id, sizeof id, "id=%s", entry->id);
    argv[6] = id;
    run_paactl(argv, NULL, kill_after_us, &run);
    entry->state = run.status == 0 ? REVOKED : UNSURE;
}

static void import_some(int64_t kill_after_us)
{
    const char *argv[] = { PAACTL, "run", "-c", policy, "keys", "import", NULL };
    char input[IMPORTED_PER_RUN * 64] = "";
    int first = known_count;
    struct run run;

    if (known_count + IMPORTED_PER_RUN > KEYS_MAX)
        return;
    for (int i = 0; i < IMPORTED_PER_RUN; i++) {
        struct known *entry = &known[first + i];
        size_t used = strlen(input);

        snprintf(entry->key, sizeof entry->key, "legacy-%08x%08x%08x%08x", draw(UINT32_MAX),
                 draw(UINT32_MAX), draw(UINT32_MAX), draw(UINT32_MAX));
        entry->id[0] = '\0';
        snprintf(input + used, sizeof input - used, "%s\tlegacy%d-%d\n", entry->key, first, i);
    }
    run_paactl(argv, input, kill_after_us, &run);
    for (int i = 0; i < IMPORTED_PER_RUN; i++)
        known[first + i].state = run.status == 0 ? LIVE : UNSURE;
    known_count += IMPORTED_PER_RUN;
}

/* ---- what the store says afterwards -------------------------------------------------------------- */

static bool is_let_in(struct paa_lane *lane, struct paa_service *service, const char *key)
{
    struct paa_field field = paa_field_of("apikey", key);
    struct paa_request request;
    struct paa_txn *txn;
    enum paa_state state;

    paa_init(&request, sizeof request);
    request.method = paa_str_of("GET");
    request.scheme = paa_str_of("https");
    request.authority = paa_str_of("api.example.com");
    request.target = paa_str_of("/");
    request.headers = &field;
    request.header_count = 1;
    state = paa_txn_begin(&txn, lane, service, &request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state == PAA_TXN_ANSWER && paa_txn_answer(txn)->code != 401)
        TEST_FAIL("answered %u: %.*s", paa_txn_answer(txn)->code,
                  (int)paa_txn_answer(txn)->sentence.size, paa_txn_answer(txn)->sentence.data);
    paa_txn_end(&txn);
    return state == PAA_TXN_ALLOW;
}

static void check_store(void)
{
    struct paa_context_options options;
    struct paa_context *context;
    struct paa_service *service;
    struct paa_lane *lane;
    struct paa_error error;
    int live = 0, revoked = 0;

    paa_init(&options, sizeof options);
    options.policy = policy;
    options.log_level = PAA_LEVEL_ERROR;
    REQUIRE(paa_context_open(&context, &options, &error) == 0);
    service = paa_service_find(context, "api", PAA_INCOMING, &error);
    REQUIRE(service != NULL);
    REQUIRE(paa_lane_open(&lane, context, &error) == 0);
    for (int i = 0; i < known_count; i++) {
        bool is_in = is_let_in(lane, service, known[i].key);

        live += known[i].state == LIVE;
        revoked += known[i].state == REVOKED;
        if (known[i].state == LIVE && !is_in)
            TEST_FAIL("a key whose command had returned is gone (number %d)", i);
        if (known[i].state == REVOKED && is_in)
            TEST_FAIL("a revoked key works (number %d)", i);
    }
    printf("%d keys known: %d live, %d revoked, %d may be either\n", known_count, live, revoked,
           known_count - live - revoked);
    CHECK(live > 20);
    CHECK(revoked > 5);
    paa_lane_close(&lane);
    paa_context_close(&context);
}

static void remove_folder(void)
{
    static const char *const names[] = { "policy.conf", "keys.db", "keys.db-wal", "keys.db-shm",
                                         "keys.db.gen" };
    char path[sizeof folder + 32];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* How long an undisturbed mint takes, so that kills fall all over it. */
static int64_t usual_us(void)
{
    int64_t began = now_us();

    mint_one(0);
    return now_us() - began;
}

TEST(a_paactl_killed_at_any_moment_loses_no_key_and_revives_none)
{
    int64_t usual;

    REQUIRE(prepare());
    (void)usual_us(); /* makes the store */
    usual = usual_us();
    REQUIRE(known_count == 2);
    for (int i = 0; i < ROUNDS; i++) {
        /* Every fourth is left in peace, so that there is something to lose on a slow machine too. */
        int64_t kill_after_us = i % 4 == 0 ? 0 : 1 + (int64_t)draw((uint32_t)(usual * 3 / 2));
        uint32_t what = draw(20);

        if (what == 0)
            import_some(kill_after_us * 2);
        else if (what < 12)
            mint_one(kill_after_us);
        else
            revoke_one(kill_after_us);
    }
    check_store();
    remove_folder();
}
