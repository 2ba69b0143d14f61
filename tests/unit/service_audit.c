/* SPDX-License-Identifier: MIT */
/* The audit file: written, rotated, refused, recovered. A worker writes; who frees the audit has waited for it. */
#include "audit.h"
#include "audit_fold.h"
#include "fork.h"
#include "pool.h"
#include "reactor.h"
#include "services.h"
#include "test.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

static struct services services;
static int64_t now_ms;
static char folder[64];
static char path[128];
static char log_text[TEXT_MAX];

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

/* With workers, or without: then lines are written when the audit is freed. */
static struct audit *begin(bool has_workers, bool is_required)
{
    memset(&services, 0, sizeof services);
    log_text[0] = '\0';
    now_ms = 1000000;
    services.clock.monotonic_fn = fake_now;
    log_init(&services.log, on_log, NULL, true, PAA_LEVEL_DEBUG);
    (void)snprintf(folder, sizeof folder, "/tmp/paa-audit-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s/audit.log", folder);
    services.workers = pool_new("test", 1, 0);
    if (services.workers == NULL || (has_workers && pool_start(services.workers) != 0))
        abort();
    return audit_new(&services, path, is_required);
}

/* Everything queued so far has been tried: the one worker takes tasks in order. */
struct barrier {
    struct task task;
    int fds[2];
};

static void pass(struct task *task, unsigned worker)
{
    struct barrier *barrier = LIST_ENTRY(task, struct barrier, task);

    (void)worker;
    if (write(barrier->fds[1], "x", 1) != 1)
        abort();
}

static void settle(void)
{
    struct barrier barrier = { .task = { .fn = pass } };
    char byte;

    if (pipe(barrier.fds) != 0 || !pool_add(services.workers, &barrier.task) ||
        read(barrier.fds[0], &byte, 1) != 1)
        abort();
    close(barrier.fds[0]);
    close(barrier.fds[1]);
}

static void end(struct audit *audit)
{
    char command_path[160];

    audit_free(audit);
    pool_free(services.workers);
    log_free(&services.log);
    (void)snprintf(command_path, sizeof command_path, "%s.1", path);
    (void)unlink(command_path);
    (void)unlink(path);
    (void)rmdir(folder);
}

static const char *content(const char *of)
{
    static char text[TEXT_MAX];
    int fd = open(of, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

TEST(lines_are_appended_in_order_to_a_private_file)
{
    struct audit *audit = begin(true, false);
    struct stat st;

    REQUIRE(audit != NULL);
    CHECK(access(path, F_OK) != 0);
    CHECK(audit_write(audit, paa_str_of("{\"a\":1}")));
    CHECK(audit_write(audit, paa_str_of("{\"a\":2}")));
    settle();
    CHECK_STR(paa_str_of(content(path)), "{\"a\":1}\n{\"a\":2}\n");
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK_INT(audit_lost(audit), 0);
    CHECK(!audit_blocks(audit));
    end(audit);
}

TEST(what_is_queued_is_written_when_the_audit_is_freed)
{
    struct audit *audit = begin(false, false);

    REQUIRE(audit != NULL);
    CHECK(audit_write(audit, paa_str_of("one")));
    CHECK(audit_write(audit, paa_str_of("two")));
    CHECK(access(path, F_OK) != 0);
    audit_free(audit);
    CHECK_STR(paa_str_of(content(path)), "one\ntwo\n");
    end(NULL);
}

TEST(a_file_that_was_renamed_away_is_opened_anew_within_a_second)
{
    struct audit *audit = begin(true, false);
    char old[160];

    REQUIRE(audit != NULL);
    (void)snprintf(old, sizeof old, "%s.1", path);
    CHECK(audit_write(audit, paa_str_of("one")));
    settle();
    CHECK_INT(rename(path, old), 0);
    CHECK(audit_write(audit, paa_str_of("two")));
    settle();
    CHECK(access(path, F_OK) != 0);
    now_ms += AUDIT_LOOK_MS;
    CHECK(audit_write(audit, paa_str_of("three")));
    settle();
    CHECK_STR(paa_str_of(content(old)), "one\ntwo\n");
    CHECK_STR(paa_str_of(content(path)), "three\n");
    end(audit);
}

TEST(a_file_that_others_may_write_is_refused_and_lines_wait_for_its_mending)
{
    struct audit *audit = begin(true, true);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    REQUIRE(audit != NULL && fd >= 0);
    CHECK_INT(fchmod(fd, 0666), 0);
    CHECK(audit_write(audit, paa_str_of("one")));
    settle();
    CHECK(audit_blocks(audit));
    CHECK_HAS(log_text, "the audit cannot be written");
    CHECK_HAS(log_text, "every request is answered 503");
    log_text[0] = '\0';
    now_ms += AUDIT_LOOK_MS;
    CHECK(audit_write(audit, paa_str_of("two")));
    settle();
    CHECK_STR(paa_str_of(log_text), ""); /* told once */
    CHECK_INT(fchmod(fd, 0600), 0);
    CHECK(audit_write(audit, paa_str_of("three")));
    settle();
    CHECK(audit_blocks(audit)); /* not looked at again so soon */
    now_ms += AUDIT_LOOK_MS;
    CHECK(audit_write(audit, paa_str_of("four")));
    settle();
    CHECK(!audit_blocks(audit));
    CHECK_HAS(log_text, "the audit is written again; 0 lines were lost");
    CHECK_STR(paa_str_of(content(path)), "one\ntwo\nthree\nfour\n");
    close(fd);
    end(audit);
}

TEST(a_symbolic_link_in_its_place_is_not_followed)
{
    struct audit *audit = begin(true, true);

    REQUIRE(audit != NULL);
    CHECK_INT(symlink("/dev/null", path), 0);
    CHECK(audit_write(audit, paa_str_of("one")));
    settle();
    CHECK(audit_blocks(audit));
    end(audit);
}

TEST(a_pipe_in_its_place_holds_nobody_up)
{
    struct audit *audit = begin(true, true);

    REQUIRE(audit != NULL);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK(audit_write(audit, paa_str_of("one")));
    settle();
    CHECK(audit_blocks(audit));
    end(audit);
}

TEST(an_audit_that_is_not_required_blocks_nothing)
{
    struct audit *audit = begin(true, false);

    REQUIRE(audit != NULL);
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK(audit_write(audit, paa_str_of("one")));
    settle();
    CHECK(!audit_blocks(audit));
    CHECK_HAS(log_text, "the audit cannot be written");
    end(audit);
    CHECK_INT(rmdir(path), 0);
    CHECK_INT(rmdir(folder), 0);
}

TEST(lines_beyond_the_queue_are_lost_and_counted)
{
    struct audit *audit = begin(false, true);

    REQUIRE(audit != NULL);
    for (int i = 0; i < AUDIT_QUEUE_MAX; i++)
        CHECK(audit_write(audit, paa_str_of("x")));
    CHECK(!audit_blocks(audit));
    CHECK(!audit_write(audit, paa_str_of("y")));
    CHECK(audit_blocks(audit));
    CHECK_INT(audit_lost(audit), 1);
    end(audit);
}

TEST(a_line_for_which_there_was_no_memory_counts_as_lost)
{
    struct audit *audit = begin(false, false);
    struct paa_str absent = { NULL, 0 };

    REQUIRE(audit != NULL);
    CHECK(!audit_write(audit, absent));
    CHECK_INT(audit_lost(audit), 1);
    end(audit);
}

TEST(a_child_does_not_write_what_its_parent_queued)
{
    struct audit *audit = begin(false, false);
    int status = 0;
    pid_t child;

    REQUIRE(audit != NULL);
    CHECK(audit_write(audit, paa_str_of("parent")));
    child = calm_fork();
    if (child == 0) {
        (void)audit_write(audit, paa_str_of("child"));
        audit_free(audit);
        _exit(strcmp(content(path), "child\n") == 0 ? 0 : 1);
    }
    REQUIRE(child > 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    audit_free(audit);
    CHECK_STR(paa_str_of(content(path)), "child\nparent\n");
    end(NULL);
}

/* ---- equal lines ------------------------------------------------------------------------------- */

static bool refuse(struct audit *audit, const char *time, const char *rest)
{
    char line[256];

    (void)snprintf(line, sizeof line, "{\"time\":\"%s\",%s}", time, rest);
    return audit_write_once(audit, paa_str_of(line));
}

TEST(equal_lines_are_written_once_and_counted_with_their_first_and_last_time)
{
    struct audit *audit = begin(true, false);

    REQUIRE(audit != NULL);
    CHECK(refuse(audit, "t1", "\"a\":1"));
    CHECK(refuse(audit, "t2", "\"a\":1"));
    CHECK(refuse(audit, "t3", "\"a\":2"));
    CHECK(refuse(audit, "t4", "\"a\":1"));
    settle();
    CHECK_STR(paa_str_of(content(path)), "{\"time\":\"t1\",\"a\":1}\n{\"time\":\"t3\",\"a\":2}\n");
    now_ms += 10 * 1000;
    CHECK(refuse(audit, "t5", "\"a\":1")); /* begins the next ten seconds */
    settle();
    CHECK_STR(paa_str_of(content(path)),
              "{\"time\":\"t1\",\"a\":1}\n{\"time\":\"t3\",\"a\":2}\n"
              "{\"time\":\"t4\",\"a\":1,\"count\":2,\"first\":\"t2\",\"last\":\"t4\"}\n");
    end(audit);
}

TEST(what_was_counted_is_written_when_the_audit_ends)
{
    struct audit *audit = begin(true, false);
    char kept[TEXT_MAX];

    REQUIRE(audit != NULL);
    CHECK(refuse(audit, "t1", "\"a\":1"));
    CHECK(refuse(audit, "t2", "\"a\":1"));
    settle();
    audit_free(audit);
    (void)snprintf(kept, sizeof kept, "%s", content(path));
    CHECK_HAS(kept, "{\"time\":\"t2\",\"a\":1,\"count\":1,\"first\":\"t2\",\"last\":\"t2\"}\n");
    end(NULL);
}

TEST(what_was_counted_is_due_by_the_clock_without_another_line)
{
    struct audit *audit = begin(true, false);

    REQUIRE(audit != NULL);
    services.reactor = reactor_new(&services.clock);
    REQUIRE(services.reactor != NULL);
    CHECK(refuse(audit, "t1", "\"a\":1"));
    CHECK(refuse(audit, "t2", "\"a\":1"));
    CHECK_INT(reactor_run_once(services.reactor, 0), 0);
    now_ms += 10 * 1000;
    CHECK_INT(reactor_run_once(services.reactor, 0), 1);
    settle();
    CHECK_HAS(content(path), "\"count\":1");
    now_ms += 10 * 1000; /* nothing more came: forgotten */
    CHECK_INT(reactor_run_once(services.reactor, 0), 1);
    now_ms += 10 * 1000;
    CHECK_INT(reactor_run_once(services.reactor, 0), 0);
    CHECK(refuse(audit, "t9", "\"a\":1"));
    settle();
    CHECK_HAS(content(path), "{\"time\":\"t9\",\"a\":1}\n");
    audit_free(audit);
    reactor_free(services.reactor);
    services.reactor = NULL;
    end(NULL);
}

TEST(beyond_the_kinds_that_are_counted_every_line_is_written)
{
    struct audit *audit = begin(true, false);
    char rest[32];
    size_t lines = 0;

    REQUIRE(audit != NULL);
    for (int i = 0; i < FOLD_LINES_MAX + 1; i++) {
        (void)snprintf(rest, sizeof rest, "\"a\":%d", i);
        CHECK(refuse(audit, "t1", rest));
    }
    CHECK(refuse(audit, "t2", rest)); /* of the one that found no room */
    settle();
    for (const char *at = content(path); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_INT(lines, FOLD_LINES_MAX + 2);
    CHECK_INT(audit_lost(audit), 0);
    end(audit);
}

TEST(what_is_no_such_line_is_written_as_it_is)
{
    struct audit *audit = begin(true, false);

    REQUIRE(audit != NULL);
    for (int i = 0; i < 2; i++)
        CHECK(audit_write_once(audit, paa_str_of("{\"a\":1}")));
    settle();
    CHECK_STR(paa_str_of(content(path)), "{\"a\":1}\n{\"a\":1}\n");
    CHECK(!audit_write_once(audit, paa_str_of(NULL)));
    CHECK_INT(audit_lost(audit), 1);
    end(audit);
}
