/* SPDX-License-Identifier: MIT */
/* host->http: cancelled fetches, services that stop, children of a process, and the thread that does it. */
#include "fork.h"
#include "http_bench.h"
#include "test.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct fault_answer held = { .flags = FAULT_HOLD, .body = "late" };

TEST(a_cancelled_fetch_is_aborted_and_never_comes)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    caller_open(&c, &h, "/a");
    caller_begin(&c);
    fault_server_await(h.server, 1);
    CHECK(caller_cancel(&c));
    settle(&h); /* it is aborted by now, whenever the response comes */
    fault_server_release(h.server);
    fault_server_await_closed(h.server, 1); /* the transfer ended with the connection */
    settle(&h);
    CHECK(list_empty(&c.a.queue));
    CHECK_INT(c.a.calls, 0);
    caller_close(&c);
    http_bench_close(&h);
}

TEST(a_fetch_that_was_posted_cannot_be_cancelled_and_its_answer_goes_with_the_operation)
{
    struct http_bench h;
    struct caller c;
    struct list *link;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/a", 200, "secret");
    caller_open(&c, &h, "/a");
    caller_begin(&c);
    pthread_mutex_lock(&c.a.lock);
    while (list_empty(&c.a.queue))
        pthread_cond_wait(&c.a.posted, &c.a.lock);
    link = list_take_first(&c.a.queue);
    pthread_mutex_unlock(&c.a.lock);
    CHECK(link == &c.a.op.ready);
    CHECK(!caller_cancel(&c));
    CHECK_INT(c.a.calls, 0);
    CHECK(c.a.op.fetch != NULL);
    caller_close(&c);
    http_bench_close(&h);
}

TEST(a_fetch_that_is_cancelled_at_its_deadline_was_too_slow)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    caller_open(&c, &h, "/a");
    c.request.timeout_ms = 20000;
    caller_begin(&c);
    fault_server_await(h.server, 1);
    pass_ms(&h.b, 19999);
    atomic_fetch_add(&h.b.now_ms, 1); /* the engine looks at the time before the reactor does */
    if (caller_cancel(&c))
        settle(&h);
    else
        await_answer(&c.a);
    caller_close(&c);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_LIMITED);
    http_bench_close(&h);
}

static enum paa_result then_again(struct paa_op *op, enum paa_status status,
                                  const struct paa_http_response *response, void *context)
{
    struct caller *c = context;

    CHECK_INT(status, PAA_STATUS_OK);
    CHECK(response != NULL && response->code == 200);
    return services_host_http.fetch(op, &c->request, on_answer, c);
}

TEST(a_continuation_may_fetch_again)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/a", 200, "x");
    caller_open(&c, &h, "/a");
    returned(&c.a, services_host_http.fetch(&c.a.op.pub, &c.request, then_again, &c));
    CHECK_INT(caller_await(&c), PAA_STATUS_OK);
    CHECK_INT(fault_server_requests(h.server), 2);
    caller_close(&c);
    http_bench_close(&h);
}

TEST(a_fetch_without_a_continuation_is_a_plugins_fault)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    caller_open(&c, &h, "/a");
    returned(&c.a, services_host_http.fetch(&c.a.op.pub, &c.request, NULL, &c));
    await_answer(&c.a);
    CHECK_INT(c.a.result, PAA_FAULT);
    caller_close(&c);
    http_bench_close(&h);
}

TEST(errno_and_openssls_errors_stay_as_they_were)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_SELF_SIGNED);
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 1);
    errno = E2BIG;
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(errno, E2BIG);
    CHECK_INT(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
    CHECK_INT(ERR_get_error(), 0);
    http_bench_close(&h);
}

/* ---- services that stop ---- */

enum { MANY = 40 };

static struct caller many[MANY];

TEST(services_stop_with_fetches_under_way)
{
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    for (int i = 0; i < MANY; i++) {
        caller_open(&many[i], &h, "/a");
        caller_begin(&many[i]);
    }
    fault_server_await(h.server, HTTP_ORIGIN_RUNNING_MAX);
    CHECK(caller_cancel(&many[0])); /* one that runs, and one that waits */
    CHECK(caller_cancel(&many[MANY - 1]));
    services_stop(&h.b.services);
    fault_server_release(h.server);
    fault_server_await_closed(h.server, HTTP_ORIGIN_RUNNING_MAX);
    for (int i = 0; i < MANY; i++) {
        CHECK(list_empty(&many[i].a.queue));
        CHECK_INT(many[i].a.calls, 0);
        caller_close(&many[i]);
    }
    http_bench_close(&h);
}

TEST(cancelling_and_ending_meet_at_any_moment)
{
    struct http_bench h;
    int begun = 0, came = 0;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/a", 200, "x");
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < MANY; i++) {
            caller_open(&many[i], &h, "/a");
            caller_begin(&many[i]);
            begun++;
        }
        CHECK(caller_await(&many[round % 4]) == PAA_STATUS_OK); /* some others have ended too */
        for (int i = 0; i < MANY; i++) {
            if (many[i].a.result == PAA_PENDING && !caller_cancel(&many[i]))
                await_answer(&many[i].a);
            came += many[i].a.calls;
            CHECK(many[i].a.calls <= 1);
            caller_close(&many[i]);
        }
    }
    settle(&h);
    CHECK(came >= 10 && came <= begun);
    CHECK_INT(fetch_once(&h, &many[0], "/a"), PAA_STATUS_OK);
    http_bench_close(&h);
}

/* ---- processes ---- */

TEST(a_process_that_fetches_nothing_begins_nothing)
{
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    settle(&h);
    CHECK_INT(fault_server_connections(h.server), 0);
    http_bench_close(&h);
}

#if !defined(__SANITIZE_THREAD__) /* TSan knows no threads that a child of threads begins */
static int child_fetches(struct http_bench *h)
{
    struct paa_error error;
    struct caller c;
    bool is_good;

    if (services_start(&h->b.services, &error) != 0)
        return 2;
    is_good = fetch_once(h, &c, "/child") == PAA_STATUS_OK && c.code == 200;
    services_stop(&h->b.services);
    return is_good ? 0 : 3;
}

TEST(a_child_after_fork_has_connections_of_its_own)
{
    struct http_bench h;
    struct caller c, held_one;
    int status = -1;
    pid_t child;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/child", 200, "x");
    fault_server_answer(h.server, "/a", &held);
    CHECK_INT(fetch_once(&h, &c, "/child"), PAA_STATUS_OK);
    caller_open(&held_one, &h, "/a");
    caller_begin(&held_one);
    fault_server_await(h.server, 2);
    CHECK_INT(fault_server_connections(h.server), 1);
    child = calm_fork();
    if (child == 0)
        _exit(child_fetches(&h));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK_INT(fault_server_connections(h.server), 2);
    fault_server_release(h.server); /* what the parent was about goes on, on its own connection */
    CHECK_INT(caller_await(&held_one), PAA_STATUS_OK);
    caller_close(&held_one);
    CHECK_INT(fetch_once(&h, &c, "/child"), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 2);
    http_bench_close(&h);
}
#endif
