/* SPDX-License-Identifier: MIT */
/* Sources: read, watched, kept, published, masked. The test is the reactor's thread and owns the clock. */
#include "fork.h"
#include "test.h"

#include "clock.h"
#include "pool.h"
#include "reactor.h"
#include "secret.h"
#include "services.h"
#include "sources.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct paa_error error;
static struct services services;
static int64_t now_ms;
static char folder[64];
static char log_text[16384];

/* ---- the stage --------------------------------------------------------------------------------- */

static int64_t fake_now(void *user) PAA_NOEXCEPT
{
    (void)user;
    return now_ms * 1000000; /* ns */
}

static void on_log(enum paa_level level, struct paa_str line, void *user) PAA_NOEXCEPT
{
    size_t size = strlen(log_text);

    (void)level;
    (void)user;
    (void)snprintf(log_text + size, sizeof log_text - size, "%.*s\n", (int)line.size, line.data);
}

static void begin(void)
{
    memset(&services, 0, sizeof services);
    log_text[0] = '\0';
    now_ms = 1000000;
    services.clock.monotonic_fn = fake_now;
    log_init(&services.log, on_log, NULL, true, PAA_LEVEL_DEBUG);
    services.pins = pin_domain_new();
    services.reactor = reactor_new(&services.clock);
    services.workers = pool_new("test", 1, 0);
    services.sources = sources_new(&services);
    (void)snprintf(folder, sizeof folder, "/tmp/paa-sources-XXXXXX");
    if (services.pins == NULL || services.reactor == NULL || services.workers == NULL ||
        services.sources == NULL || pool_start(services.workers) != 0 || mkdtemp(folder) == NULL)
        abort();
}

static void end(void)
{
    char path[256];
    static const char *const names[] = { "secret",    "other",     "new",         "link",
                                         "v1/secret", "v2/secret", "d/b",         "d/a",
                                         "d/.hidden", "..data",    "..new",       "script",
                                         "policy",    "keys.db",   "keys.db-wal", "audit.log",
                                         "conf",      "b.off" };
    static const char *const folders[] = { "v1", "v2", "d/sub", "d", "" };

    sources_stop(services.sources);
    sources_free(services.sources);
    pool_free(services.workers);
    reactor_free(services.reactor);
    pin_domain_free(services.pins);
    log_free(&services.log);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        (void)rmdir(path);
    }
}

static const char *in(const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const char *text, mode_t mode)
{
    int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) != 0 ||
        close(fd) != 0)
        abort();
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, 0600);
}

struct barrier {
    struct task task;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void pass(struct task *task, unsigned worker)
{
    struct barrier *barrier = (struct barrier *)(void *)task;

    (void)worker;
    pthread_mutex_lock(&barrier->lock);
    barrier->is_done = true;
    pthread_cond_signal(&barrier->done);
    pthread_mutex_unlock(&barrier->lock);
}

/* The one worker has done all that was queued before. */
static void wait_worker(void)
{
    struct barrier barrier = { .task.fn = pass };

    pthread_mutex_init(&barrier.lock, NULL);
    pthread_cond_init(&barrier.done, NULL);
    if (!pool_add(services.workers, &barrier.task))
        abort();
    pthread_mutex_lock(&barrier.lock);
    while (!barrier.is_done)
        pthread_cond_wait(&barrier.done, &barrier.lock);
    pthread_mutex_unlock(&barrier.lock);
    pthread_cond_destroy(&barrier.done);
    pthread_mutex_destroy(&barrier.lock);
}

/* Time goes on by ms; everything that follows from it and from events at hand has happened after. */
static void pass_time(int64_t ms)
{
    while (reactor_run_once(services.reactor, 0) > 0)
        continue;
    now_ms += ms;
    while (reactor_run_once(services.reactor, 0) > 0)
        continue;
    wait_worker();
}

static void start(void)
{
    CHECK_INT(sources_start(services.sources), 0);
    pass_time(SOURCE_SETTLE_MS);
}

static void settle(void)
{
    pass_time(SOURCE_SETTLE_MS);
}

static struct source_spec spec_of(enum source_kind kind, const char *text, uint32_t flags)
{
    struct source_spec spec;

    memset(&spec, 0, sizeof spec);
    spec.kind = kind;
    spec.flags = flags;
    spec.text = paa_str_of(text);
    spec.where.file = "paa.conf";
    spec.where.line = 7;
    return spec;
}

static struct paa_source *open_one(enum source_kind kind, const char *text, uint32_t flags)
{
    struct source_spec spec = spec_of(kind, text, flags);

    return source_open(services.sources, &spec, 1, &error);
}

/* One operation of a plugin. */
struct reader {
    struct op op;
    struct pins pins;
    struct arena arena;
};

static void reader_begin(struct reader *reader)
{
    memset(reader, 0, sizeof *reader);
    arena_init(&reader->arena, NULL, 0, 65536);
    pins_join(&reader->pins, services.pins);
    reader->op.services = &services;
    reader->op.arena = &reader->arena;
    reader->op.pins = &reader->pins;
    reader->op.pub.instance = paa_str_of("tokens");
}

static void reader_end(struct reader *reader)
{
    pins_release(&reader->pins, 0);
    pins_leave(&reader->pins);
    arena_free(&reader->arena);
}

static struct paa_bytes read_part(struct reader *reader, const struct paa_source *source,
                                  size_t part)
{
    return services_host_sources.read(&reader->op.pub, source, part);
}

/* As one operation after the other sees it; "(absent)". */
static const char *value(const struct paa_source *source, size_t part)
{
    static char texts[4][256];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    struct reader reader;
    struct paa_bytes bytes;

    reader_begin(&reader);
    bytes = read_part(&reader, source, part);
    (void)snprintf(text, sizeof texts[0], "%.*s", bytes.data != NULL ? (int)bytes.size : 8,
                   bytes.data != NULL ? (const char *)bytes.data : "(absent)");
    reader_end(&reader);
    return text;
}

static uint64_t version(const struct paa_source *source)
{
    struct reader reader;
    uint64_t number;

    reader_begin(&reader);
    number = services_host_sources.version(&reader.op.pub, source);
    reader_end(&reader);
    return number;
}

#define CHECK_VALUE(source, expected) CHECK_STR(paa_str_of(value((source), 0)), (expected))

/* ---- reading ----------------------------------------------------------------------------------- */

TEST(a_literal_is_what_it_says)
{
    struct paa_source *source;

    begin();
    source = open_one(SOURCE_LITERAL, "hunter2", SOURCE_SECRET);
    CHECK_INT(error.text[0], 0);
    CHECK_VALUE(source, "hunter2");
    CHECK(version(source) > 0);
    CHECK_STR(paa_str_of(value(source, 1)), "(absent)");
    CHECK_VALUE(NULL, "(absent)");
    source_close(source);
    end();
}

TEST(an_environment_variable_is_read_and_a_missing_one_is_named)
{
    struct paa_source *source;

    begin();
    (void)setenv("PAA_TEST_SOURCE", "from-env", 1);
    (void)unsetenv("PAA_TEST_NONE");
    source = open_one(SOURCE_ENV, "PAA_TEST_SOURCE", SOURCE_SECRET);
    CHECK_VALUE(source, "from-env");
    source_close(source);
    source = open_one(SOURCE_ENV, "PAA_TEST_NONE", SOURCE_SECRET);
    CHECK_HAS(error.text, "environment variable PAA_TEST_NONE is not set");
    CHECK_VALUE(source, "(absent)");
    CHECK_INT(version(source), 0);
    source_close(source);
    end();
}

TEST(one_final_newline_of_a_secret_is_dropped)
{
    static const char *const pairs[][2] = {
        { "key", "key" },       { "key\n", "key" },   { "key\r\n", "key" },
        { "key\n\n", "key\n" }, { "key\r", "key\r" }, { " key \n", " key " },
    };
    struct paa_source *source;

    begin();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        write_text("secret", pairs[i][0]);
        source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
        CHECK_VALUE(source, pairs[i][1]);
        source_close(source);
    }
    source = open_one(SOURCE_FILE, in("secret"), 0);
    CHECK_VALUE(source, " key \n");
    source_close(source);
    end();
}

TEST(an_empty_secret_is_none)
{
    struct paa_source *source;

    begin();
    write_text("secret", "\n");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    CHECK_HAS(error.text, "secret is empty");
    CHECK_VALUE(source, "(absent)");
    source_close(source);
    write_text("other", "");
    source = open_one(SOURCE_FILE, in("other"), 0);
    CHECK_INT(error.text[0], 0);
    CHECK_VALUE(source, "");
    source_close(source);
    end();
}

TEST(a_file_that_others_may_write_is_not_read)
{
    struct paa_source *source;

    begin();
    write_bytes("secret", "planted", 0666);
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    CHECK_HAS(error.text, "secret is writable by everybody (mode 0666): chmod go-w");
    CHECK_VALUE(source, "(absent)");
    source_close(source);
    end();
}

TEST(a_secret_that_everybody_may_read_is_warned_of)
{
    struct paa_source *source;

    begin();
    write_bytes("secret", "visible-secret", 0644);
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    CHECK_VALUE(source, "visible-secret");
    CHECK_HAS(log_text, "paa.conf:7: the secret in ");
    CHECK_HAS(log_text, "can be read by every user of this machine: chmod o-r ");
    CHECK(strstr(log_text, "visible-secret") == NULL);
    source_close(source);
    end();
}

TEST(a_folder_is_its_files_in_order_of_name)
{
    struct paa_source *source;

    begin();
    REQUIRE(mkdir(in("d"), 0700) == 0 && mkdir(in("d/sub"), 0700) == 0);
    write_text("d/b", "second");
    write_text("d/a", "first");
    write_text("d/.hidden", "no");
    source = open_one(SOURCE_FILE, in("d"), 0); /* a PATH may be either */
    CHECK_INT(error.text[0], 0);
    CHECK_STR(paa_str_of(value(source, 0)), "first");
    CHECK_STR(paa_str_of(value(source, 1)), "second");
    CHECK_STR(paa_str_of(value(source, 2)), "(absent)");
    source_close(source);
    end();
}

TEST(a_list_is_one_source_of_several_parts)
{
    struct source_spec specs[2];
    struct paa_source *source;

    begin();
    write_text("secret", "from-file\n");
    specs[0] = spec_of(SOURCE_LITERAL, "from-policy", SOURCE_SECRET);
    specs[1] = spec_of(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    source = source_open(services.sources, specs, 2, &error);
    CHECK_STR(paa_str_of(value(source, 0)), "from-policy");
    CHECK_STR(paa_str_of(value(source, 1)), "from-file");
    source_close(source);
    end();
}

TEST(a_program_gives_a_secret_and_check_does_not_run_it)
{
    static const char *const argv[] = { "/bin/echo", "from-exec", NULL };
    struct source_spec spec = spec_of(SOURCE_EXEC, NULL, SOURCE_SECRET);
    struct paa_source *source;

    begin();
    spec.argv = argv;
    source = source_open(services.sources, &spec, 1, &error);
    CHECK_INT(error.text[0], 0);
    CHECK_VALUE(source, "from-exec");
    source_close(source);
    spec.flags |= SOURCE_NO_EXEC;
    source = source_open(services.sources, &spec, 1, &error);
    CHECK_INT(error.text[0], 0);
    CHECK_VALUE(source, "(absent)");
    source_close(source);
    end();
}

TEST(a_missing_file_is_generated_once_and_kept)
{
    struct paa_source *source;
    struct stat st;
    char first[64];

    begin();
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET | SOURCE_GENERATE | SOURCE_NO_EXEC);
    CHECK_INT(error.text[0], 0);
    CHECK_VALUE(source, "(absent)");
    CHECK(stat(in("secret"), &st) != 0);
    source_close(source);
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET | SOURCE_GENERATE);
    CHECK_INT(error.text[0], 0);
    (void)snprintf(first, sizeof first, "%s", value(source, 0));
    CHECK_INT(strlen(first), 43);
    CHECK_INT(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              43);
    REQUIRE(stat(in("secret"), &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(st.st_nlink, 1);
    source_close(source);
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET | SOURCE_GENERATE);
    CHECK_VALUE(source, first);
    source_close(source);
    end();
}

TEST(a_file_is_not_generated_where_others_may_write)
{
    struct paa_source *source;

    begin();
    REQUIRE(mkdir(in("d"), 0700) == 0 && chmod(in("d"), 0777) == 0);
    source = open_one(SOURCE_FILE, in("d/a"), SOURCE_SECRET | SOURCE_GENERATE);
    CHECK_HAS(error.text, "/d is writable by everybody (mode 0777)");
    CHECK(access(in("d/a"), F_OK) != 0);
    source_close(source);
    end();
}

/* ---- versions ---------------------------------------------------------------------------------- */

TEST(versions_grow_with_each_change_and_not_without_one)
{
    struct paa_source *source;
    struct paa_source *next;
    uint64_t first;

    begin();
    write_text("secret", "one");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    first = version(source);
    write_text("secret", "one\n");
    source_refresh(source);
    CHECK_INT(version(source), first);
    write_text("secret", "two");
    source_refresh(source);
    CHECK(version(source) > first);
    CHECK_VALUE(source, "two");
    /* the next generation's, before the old one's is closed */
    next = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    CHECK_INT(version(next), version(source));
    source_close(source);
    source_close(next);
    end();
}

TEST(an_operation_sees_the_same_bytes_until_it_ends)
{
    struct paa_source *source;
    struct reader reader;
    struct paa_bytes before;
    struct paa_bytes after;
    uint64_t number;

    begin();
    write_text("secret", "one");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    reader_begin(&reader);
    before = read_part(&reader, source, 0);
    number = services_host_sources.version(&reader.op.pub, source);
    write_text("secret", "two");
    source_refresh(source);
    after = read_part(&reader, source, 0);
    CHECK(before.data == after.data && memcmp(after.data, "one", 3) == 0);
    CHECK_INT(services_host_sources.version(&reader.op.pub, source), number);
    CHECK_VALUE(source, "two");
    source_close(source);
    CHECK(memcmp(before.data, "one", 3) == 0);
    reader_end(&reader);
    pin_collect(services.pins);
    end();
}

/* ---- watching ---------------------------------------------------------------------------------- */

TEST(a_rewritten_file_is_read_again)
{
    struct paa_source *source;

    begin();
    write_text("secret", "one");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    start();
    write_text("secret", "two");
    CHECK_VALUE(source, "one");
    settle();
    CHECK_VALUE(source, "two");
    write_text("new", "three");
    REQUIRE(rename(in("new"), in("secret")) == 0);
    settle();
    CHECK_VALUE(source, "three");
    source_close(source);
    end();
}

TEST(a_change_between_open_and_start_is_seen)
{
    struct paa_source *source;

    begin();
    write_text("secret", "one");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    write_text("secret", "two");
    start();
    CHECK_VALUE(source, "two");
    source_close(source);
    end();
}

TEST(a_swapped_link_on_the_way_is_followed)
{
    struct paa_source *source;

    begin();
    REQUIRE(mkdir(in("v1"), 0700) == 0 && mkdir(in("v2"), 0700) == 0);
    write_text("v1/secret", "one");
    write_text("v2/secret", "two");
    REQUIRE(symlink("v1", in("..data")) == 0 && symlink("..data/secret", in("secret")) == 0);
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    start();
    CHECK_VALUE(source, "one");
    REQUIRE(symlink("v2", in("..new")) == 0 && rename(in("..new"), in("..data")) == 0);
    settle();
    CHECK_VALUE(source, "two");
    write_text("v2/secret", "three"); /* and the folder it leads to now is watched */
    settle();
    CHECK_VALUE(source, "three");
    source_close(source);
    end();
}

TEST(a_file_that_comes_later_is_found)
{
    struct paa_source *source;

    begin();
    source = open_one(SOURCE_FILE, in("d/a"), SOURCE_SECRET);
    CHECK_HAS(error.text, "/d does not exist");
    start();
    REQUIRE(mkdir(in("d"), 0700) == 0);
    settle();
    write_text("d/a", "late");
    settle();
    CHECK_VALUE(source, "late");
    source_close(source);
    end();
}

TEST(the_last_good_bytes_stay_when_a_file_goes_bad)
{
    struct paa_source *source;
    uint64_t number;
    char *told;

    begin();
    write_text("secret", "long-secret");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    number = version(source);
    start();
    REQUIRE(unlink(in("secret")) == 0);
    settle();
    CHECK_VALUE(source, "long-secret");
    CHECK_INT(version(source), number);
    CHECK_HAS(log_text, "paa.conf:7: ");
    CHECK_HAS(log_text, "secret does not exist; the value read before stays in use");
    told = strstr(log_text, "does not exist");
    REQUIRE(told != NULL);
    pass_time(5000);
    settle();
    CHECK(strstr(told + 1, "does not exist") == NULL); /* once, not at every attempt */
    write_bytes("secret", "planted-secret", 0666);
    settle();
    CHECK_VALUE(source, "long-secret");
    CHECK_HAS(log_text, "secret is writable by everybody");
    write_text("secret", "mended-secret");
    settle();
    CHECK_VALUE(source, "mended-secret");
    CHECK_HAS(log_text, "can be read again");
    CHECK(strstr(log_text, "long-secret") == NULL && strstr(log_text, "planted-secret") == NULL);
    source_close(source);
    end();
}

TEST(what_could_not_be_read_is_tried_again_without_an_event)
{
    struct paa_source *source;

    begin();
    REQUIRE(mkdir(in("d"), 0700) == 0);
    write_text("d/a", "value");
    REQUIRE(chmod(folder, 0777) == 0); /* no folder of the file: nobody tells of it */
    source = open_one(SOURCE_FILE, in("d/a"), SOURCE_SECRET);
    CHECK_HAS(error.text, "is writable by everybody (mode 0777)");
    start();
    REQUIRE(chmod(folder, 0700) == 0);
    pass_time(5000);
    settle();
    CHECK_VALUE(source, "value");
    source_close(source);
    end();
}

static int files_told;

static void on_files(void *arg)
{
    ++*(int *)arg;
}

/* inotify cannot be had: no descriptor is free at that moment. */
static void start_blind(void)
{
    struct rlimit before;
    struct rlimit none;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (next < 0 || close(next) != 0 || getrlimit(RLIMIT_NOFILE, &before) != 0)
        abort();
    none = before;
    none.rlim_cur = (rlim_t)next;
    if (setrlimit(RLIMIT_NOFILE, &none) != 0)
        abort();
    CHECK_INT(sources_start(services.sources), 0);
    if (setrlimit(RLIMIT_NOFILE, &before) != 0)
        abort();
    settle();
}

TEST(without_inotify_files_are_compared_every_five_seconds)
{
    struct paa_source *source;
    uint64_t number;

    begin();
    write_text("secret", "one");
    source = open_one(SOURCE_FILE, in("secret"), SOURCE_SECRET);
    start_blind();
    write_text("secret", "another");
    settle();
    CHECK_VALUE(source, "one");
    pass_time(5000);
    settle();
    CHECK_VALUE(source, "another");
    number = version(source);
    pass_time(5000);
    settle();
    CHECK_INT(version(source), number);
    source_close(source);
    end();
}

TEST(the_policy_s_files_are_told_of_at_most_once_a_second)
{
    const char *paths[1];

    begin();
    write_text("policy", "one");
    start();
    paths[0] = in("policy");
    files_told = 0;
    REQUIRE(sources_watch_files(services.sources, paths, 1, on_files, &files_told) == 0);
    settle();
    CHECK_INT(files_told, 0);
    write_text("policy", "two");
    settle();
    CHECK_INT(files_told, 1);
    write_text("policy", "three");
    settle();
    write_text("policy", "four");
    settle();
    CHECK_INT(files_told, 1);
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 2);
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 2);
    REQUIRE(sources_watch_files(services.sources, NULL, 0, NULL, NULL) == 0);
    write_text("policy", "five");
    pass_time(2 * SOURCE_FILES_MS);
    CHECK_INT(files_told, 2);
    end();
}

TEST(of_a_policy_s_folder_only_its_policies_are_told_of)
{
    const char *paths[1] = { folder };

    begin();
    write_text("a.conf", "one");
    start();
    files_told = 0;
    REQUIRE(sources_watch_files(services.sources, paths, 1, on_files, &files_told) == 0);
    write_text("keys.db", "one");
    write_text("keys.db-wal", "one");
    write_text("audit.log", "one");
    write_text("conf", "one");
    settle();
    CHECK_INT(files_told, 0);
    write_text("b.conf", "one");
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 1);
    REQUIRE(unlink(in("a.conf")) == 0);
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 2);
    REQUIRE(rename(in("b.conf"), in("b.off")) == 0);
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 3);
    REQUIRE(symlink("nowhere", in("..data")) == 0);
    pass_time(SOURCE_FILES_MS);
    CHECK_INT(files_told, 4);
    REQUIRE(unlink(in("..data")) == 0);
    end();
}

/* ---- derive and mask --------------------------------------------------------------------------- */

TEST(derived_keys_differ_by_label_and_instance_and_are_the_same_in_a_child)
{
    struct reader reader;
    unsigned char a[32];
    unsigned char b[32];
    int pipes[2];
    int status = -1;
    pid_t child;

    begin();
    reader_begin(&reader);
    CHECK_INT(services_host_sources.derive(&reader.op.pub, "cookie", 0, a, 32), PAA_STATUS_OK);
    CHECK_INT(services_host_sources.derive(&reader.op.pub, "cookie", 0, b, 32), PAA_STATUS_OK);
    CHECK(memcmp(a, b, 32) == 0);
    CHECK_INT(services_host_sources.derive(&reader.op.pub, "nonce", 0, b, 32), PAA_STATUS_OK);
    CHECK(memcmp(a, b, 32) != 0);
    CHECK_INT(services_host_sources.derive(&reader.op.pub, "cookie", 1, b, 32), PAA_STATUS_NONE);
    reader.op.pub.instance = paa_str_of("token");
    CHECK_INT(services_host_sources.derive(&reader.op.pub, "scookie", 0, b, 32), PAA_STATUS_OK);
    CHECK(memcmp(a, b, 32) != 0);
    reader.op.pub.instance = paa_str_of("tokens");
    REQUIRE(pipe(pipes) == 0);
    child = calm_fork();
    if (child == 0) {
        (void)services_host_sources.derive(&reader.op.pub, "cookie", 0, b, 32);
        _exit(write(pipes[1], b, 32) == 32 ? 0 : 1);
    }
    CHECK_INT(read(pipes[0], b, 32), 32);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(memcmp(a, b, 32) == 0);
    close(pipes[0]);
    close(pipes[1]);
    reader_end(&reader);
    end();
}

TEST(secrets_are_masked_the_longest_first)
{
    struct paa_source *one;
    struct paa_source *two;
    struct paa_source *three;
    char text[] = "a secret-value, a secret-value-2, short and secret-val.";

    begin();
    one = open_one(SOURCE_LITERAL, "secret-value", SOURCE_SECRET);
    two = open_one(SOURCE_LITERAL, "secret-value-2", SOURCE_SECRET);
    three = open_one(SOURCE_LITERAL, "short", SOURCE_SECRET); /* five bytes: would blot out words */
    sources_mask(services.sources, text);
    CHECK_STR(paa_str_of(text), "a ***, a ***, short and secret-val.");
    source_close(one);
    source_close(two);
    source_close(three);
    end();
}
