/* SPDX-License-Identifier: MIT */
/* Logins that are given up, on several lanes, beside a child; and logins of verbs, with curl. */
#include "host.h"
#include "test.h"

#include "host_browser.h"

#include <signal.h>

enum { LANES = 4, ROUNDS = 12, POINTS = 6 };

/* ---- given up, and several lanes ---------------------------------------------------------------- */

/* Ends the transaction at that point; its browser hears something or is let go. */
static void give_up_at(struct host *host, int point)
{
    char response[RESPONSE_MAX];
    unsigned port;
    struct paa_txn *txn = begin(host, LOGIN, &port);
    int fd = -1;

    if (point == 1)
        fd = connect_to(port);
    if (point == 2)
        hear(ask(port, "/other"), response);
    if (point >= 3)
        fd = ask(port, "/callback?a=b");
    if (point == 4)
        await_closed(port);
    if (point == 5)
        CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    if (fd >= 0)
        hear(fd, response);
    if (point >= 4)
        CHECK_INT(status_of(response), point == 4 ? 400 : 200);
}

static void *log_in_lane(void *arg)
{
    struct host *host = arg;

    if (paa_lane_open(&host->lane, host->context, NULL) != 0)
        return NULL;
    for (int i = 0; i < ROUNDS; i++)
        give_up_at(host, i % POINTS);
    paa_lane_close(&host->lane);
    return arg;
}

TEST(several_lanes_give_up_logins_at_every_point)
{
    static struct host hosts[LANES];
    pthread_t threads[LANES];
    struct host host;
    void *done;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < LANES; i++) {
        host_share(&host, &hosts[i]);
        REQUIRE(pthread_create(&threads[i], NULL, log_in_lane, &hosts[i]) == 0);
    }
    for (int i = 0; i < LANES; i++) {
        pthread_join(threads[i], &done);
        CHECK(done == &hosts[i]);
    }
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

static int child_opens_a_lane(struct host *host)
{
    struct paa_lane *lane;

    if (paa_lane_open(&lane, host->context, NULL) != 0)
        return 1;
    (void)pause(); /* until it is killed */
    return 0;
}

TEST(a_child_does_not_keep_its_parents_listener_open)
{
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    pid_t child;
    int status;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    child = calm_fork();
    REQUIRE(child >= 0);
    if (child == 0)
        _exit(child_opens_a_lane(&host));
    paa_txn_end(&txn);
    await_closed(port); /* the child, too, has let go of it */
    (void)kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child);
    host_close(&host);
}

/* ---- in a verb ---------------------------------------------------------------------------------- */

struct verb {
    struct host *host;
    const char *script;
    int status;
    pthread_mutex_t lock;
    pthread_cond_t written;
    char output[4096];
    size_t size;
};

static void on_write(const char *data, size_t size, void *user)
{
    struct verb *verb = user;

    pthread_mutex_lock(&verb->lock);
    if (verb->size + size < sizeof verb->output) {
        memcpy(verb->output + verb->size, data, size);
        verb->size += size;
        verb->output[verb->size] = '\0';
    }
    pthread_cond_signal(&verb->written);
    pthread_mutex_unlock(&verb->lock);
}

static void *run_verb(void *arg)
{
    struct verb *verb = arg;
    const char *arguments[] = { verb->script };
    struct paa_command command;

    paa_init(&command, sizeof command);
    command.flags = PAA_COMMAND_JSON; /* a record is written as it is emitted */
    command.instance = "w";
    command.verb = "run";
    command.arguments = arguments;
    command.argument_count = 1;
    command.write_fn = on_write;
    command.user = verb;
    verb->status = paa_context_run(verb->host->context, &command, &verb->host->error);
    return NULL;
}

/* Once the verb has said where it listens. */
static unsigned await_port(struct verb *verb)
{
    const char *uri;
    unsigned port = 0;

    pthread_mutex_lock(&verb->lock);
    while ((uri = strstr(verb->output, "http://127.0.0.1:")) == NULL || strchr(uri, '\n') == NULL)
        pthread_cond_wait(&verb->written, &verb->lock);
    CHECK(sscanf(uri, "http://127.0.0.1:%u/", &port) == 1);
    pthread_mutex_unlock(&verb->lock);
    return port;
}

static bool start_verb(struct verb *verb, struct host *host, const char *script,
                       pthread_t *ret_thread)
{
    memset(verb, 0, sizeof *verb);
    verb->host = host;
    verb->script = script;
    pthread_mutex_init(&verb->lock, NULL);
    pthread_cond_init(&verb->written, NULL);
    return pthread_create(ret_thread, NULL, run_verb, verb) == 0;
}

/* What a program prints. */
static void output_of(const char *command, char ret_text[RESPONSE_MAX])
{
    FILE *pipe = popen(command, "r");
    size_t size = pipe != NULL ? fread(ret_text, 1, RESPONSE_MAX - 1, pipe) : 0;

    ret_text[size] = '\0';
    CHECK(pipe != NULL && pclose(pipe) == 0);
}

TEST(a_verb_logs_in_and_curl_sees_the_page)
{
    char command[256], response[RESPONSE_MAX];
    struct verb verb;
    struct host host;
    pthread_t thread;
    unsigned port;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    REQUIRE(start_verb(&verb, &host,
                       "script=listen:/callback need:ok redirected need:ok page:Welcome. done",
                       &thread));
    port = await_port(&verb);
    (void)snprintf(command, sizeof command,
                   "curl -s -i 'http://127.0.0.1:%u/callback?code=4711&state=x'", port);
    output_of(command, response);
    pthread_join(thread, NULL);
    CHECK_INT(verb.status, 0);
    CHECK_INT(status_of(response), 200);
    CHECK_HAS(response, "<p>Welcome.</p>");
    CHECK_HAS(verb.output, "4711");
    host_close(&host);
}

TEST(a_verb_waits_no_longer_than_five_minutes)
{
    struct verb verb;
    struct host host;
    pthread_t thread;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    REQUIRE(start_verb(&verb, &host,
                       "script=listen:/callback need:ok redirected need:unavailable done",
                       &thread));
    port = await_port(&verb);
    /* Time passes, and again if the verb had not begun to wait by then; each connection has it looked at. */
    while ((fd = connect_to(port)) >= 0) {
        host_pass(&host, 5 * MINUTE_MS);
        close(fd);
    }
    pthread_join(thread, NULL);
    CHECK_INT(verb.status, 0);
    host_close(&host);
}
