/* SPDX-License-Identifier: MIT */
/* Programs run for their output, and what the host sees of them: nothing. */
#include "test.h"

#include "exec.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 60 * 1000 }; /* no program is late, however slow the machine */

static struct paa_error error;
static char folder[64];
static char script[128];
static char fifo[128];
static char output[EXEC_OUTPUT_MAX + 1]; /* of the last run that went well */
static size_t output_size;

/* A shell script in a folder of the test's own, with a named pipe beside it. */
static void begin(const char *text)
{
    int fd;

    (void)snprintf(folder, sizeof folder, "/tmp/paa-exec-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(script, sizeof script, "%s/script", folder);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    fd = open(script, O_WRONLY | O_CREAT | O_EXCL, 0700);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0 ||
        mkfifo(fifo, 0600) != 0)
        abort();
}

static void end(void)
{
    (void)unlink(script);
    (void)unlink(fifo);
    (void)rmdir(folder);
}

static int run_within(int timeout_ms, const char *program, const char *one, const char *two)
{
    char *argv[] = { strdup(program), one != NULL ? strdup(one) : NULL,
                     two != NULL ? strdup(two) : NULL, NULL };
    char *data = NULL;
    int result = exec_output_within(argv, timeout_ms, &data, &output_size, &error);

    if (result == 0) {
        memcpy(output, data, output_size);
        output[output_size] = '\0';
        secret_free(data, EXEC_OUTPUT_MAX);
    }
    for (size_t i = 0; i < 3; i++)
        free(argv[i]);
    return result;
}

static int run(const char *program, const char *one, const char *two)
{
    return run_within(PATIENCE_MS, program, one, two);
}

/* Opened before anybody writes to it. */
static int open_fifo(void)
{
    int fd = open(fifo, O_RDONLY | O_NONBLOCK);

    if (fd < 0 || fcntl(fd, F_SETFL, 0) != 0)
        abort();
    return fd;
}

/* Returns once nobody has the writing end: a process that was killed closes its files one by one, and some after the
 * pipe that the library reads. One that lives keeps this waiting until ctest ends it. */
static bool ends(int fd)
{
    char byte;

    return read(fd, &byte, 1) == 0;
}

TEST(what_a_program_writes_comes_back)
{
    CHECK_INT(run("/bin/echo", "a  b", "$HOME;`id`"), 0);
    CHECK(strcmp(output, "a  b $HOME;`id`\n") == 0);
}

TEST(scripts_run_by_their_interpreter)
{
    begin("#!/bin/sh\nprintf '%s-%s' \"$1\" \"$2\"\n");
    CHECK_INT(run(script, "x", "y"), 0);
    CHECK(strcmp(output, "x-y") == 0);
    end();
}

TEST(the_environment_is_empty_and_the_folder_is_the_root)
{
    (void)setenv("PAA_TEST_SECRET", "leak", 1);
    CHECK_INT(run("/usr/bin/env", NULL, NULL), 0);
    CHECK_INT(output_size, 0);
    CHECK_INT(run("/bin/readlink", "/proc/self/cwd", NULL), 0);
    CHECK(strcmp(output, "/\n") == 0);
}

TEST(only_three_descriptors_reach_the_program)
{
    int leaked = fcntl(2, F_DUPFD, 9); /* without O_CLOEXEC, as a careless host would */

    CHECK_INT(run("/bin/sh", "-c",
                  "for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do "
                  "[ ! -e /proc/$$/fd/$i ] || echo $i; done"),
              0);
    CHECK(strcmp(output, "0\n1\n2\n") == 0);
    close(leaked);
}

TEST(signals_are_at_their_defaults_and_not_blocked)
{
    sigset_t some;
    sigset_t before;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&some);
    (void)sigaddset(&some, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &some, &before);
    CHECK_INT(run("/bin/grep", "^Sig[BI]", "/proc/self/status"), 0);
    CHECK_HAS(output, "SigBlk:\t0000000000000000\n");
    CHECK_HAS(output, "SigIgn:\t0000000000000000\n");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
}

TEST(a_program_that_fails_gives_nothing_and_its_words_are_not_told)
{
    CHECK_INT(run("/bin/sh", "-c", "echo half-a-secret; exit 3"), -1);
    CHECK_HAS(error.text, "/bin/sh ended with status 3");
    CHECK(strstr(error.text, "half") == NULL);
    CHECK_INT(run("/bin/sh", "-c", "kill -SEGV $$"), -1);
    CHECK_HAS(error.text, "/bin/sh was ended by signal 11");
}

TEST(what_is_too_long_is_refused_at_the_limit)
{
    CHECK_INT(run("/usr/bin/head", "-c65536", "/dev/zero"), 0);
    CHECK_INT(output_size, EXEC_OUTPUT_MAX);
    CHECK_INT(run("/usr/bin/head", "-c65537", "/dev/zero"), -1);
    CHECK_HAS(error.text, "wrote more than 65536 bytes");
}

TEST(at_the_deadline_the_whole_group_is_killed)
{
    int fd;

    begin("#!/bin/sh\n(exec sleep 1000) &\nexec sleep 1000\n");
    /* both sleepers hold the pipe's writing end: it ends when both are gone */
    (void)unlink(script);
    fd = open(script, O_WRONLY | O_CREAT | O_EXCL, 0700);
    REQUIRE(fd >= 0);
    (void)dprintf(fd, "#!/bin/sh\nexec 3>%s\n(exec sleep 1000) &\nexec sleep 1000\n", fifo);
    close(fd);
    fd = open_fifo();
    CHECK_INT(run_within(300, script, NULL, NULL), -1);
    CHECK_HAS(error.text, "did not end within 300 ms and was killed");
    CHECK(ends(fd));
    close(fd);
    end();
}

TEST(what_a_program_leaves_behind_neither_delays_nor_lives)
{
    int fd;

    begin("");
    fd = open(script, O_WRONLY | O_TRUNC);
    REQUIRE(fd >= 0);
    (void)dprintf(fd, "#!/bin/sh\nexec 3>%s\nsleep 1000 &\necho done\n", fifo);
    close(fd);
    fd = open_fifo();
    CHECK_INT(run(script, NULL, NULL), 0);
    CHECK(strcmp(output, "done\n") == 0);
    CHECK(ends(fd));
    close(fd);
    end();
}

TEST(paths_are_absolute_and_judged)
{
    CHECK_INT(run("echo", NULL, NULL), -1);
    CHECK_HAS(error.text, "name the program by its absolute path");
    CHECK_INT(run("/bin/no-such-program", NULL, NULL), -1);
    CHECK_HAS(error.text, "no-such-program does not exist");
    CHECK_INT(run("/etc/passwd", NULL, NULL), -1);
    CHECK_HAS(error.text, "/etc/passwd is not executable");
    begin("#!/bin/sh\n");
    REQUIRE(chmod(script, 0777) == 0);
    CHECK_INT(run(script, NULL, NULL), -1);
    CHECK_HAS(error.text, "script is writable by everybody (mode 0777)");
    end();
}

TEST(a_script_s_interpreter_is_judged_too)
{
    begin("#! sh -e\n");
    CHECK_INT(run(script, NULL, NULL), -1);
    CHECK_HAS(error.text, "names no absolute path after \"#!\"");
    end();
    begin("#!/no/such/interpreter -e\n");
    CHECK_INT(run(script, NULL, NULL), -1);
    CHECK_HAS(error.text, "/no does not exist");
    end();
}

TEST(a_file_that_no_kernel_can_run_says_so)
{
    begin("neither script nor program\n");
    CHECK_INT(run(script, NULL, NULL), -1);
    CHECK_HAS(error.text, "script cannot be run: Exec format error");
    end();
}

TEST(too_many_arguments_are_refused)
{
    char name[] = "/bin/echo";
    char *argv[EXEC_ARGS_MAX + 2];
    char *data;
    size_t size;

    for (size_t i = 0; i < EXEC_ARGS_MAX + 1; i++)
        argv[i] = name;
    argv[EXEC_ARGS_MAX + 1] = NULL;
    CHECK_INT(exec_output(argv, &data, &size, &error), -1);
    CHECK_HAS(error.text, "more than 32 arguments");
}

/* ---- the host's children ----------------------------------------------------------------------- */

static volatile sig_atomic_t signals_seen;

static void on_signal(int number)
{
    (void)number;
    signals_seen++;
}

static void *run_script(void *result)
{
    *(int *)result = run(script, fifo, NULL);
    return NULL;
}

TEST(the_host_s_sigchld_and_waitpid_meet_no_child)
{
    struct sigaction action;
    pthread_t thread;
    int result = -1;
    int fd;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    REQUIRE(sigaction(SIGCHLD, &action, NULL) == 0);
    begin("#!/bin/sh\nread word < \"$1\"\necho got $word\n");
    REQUIRE(pthread_create(&thread, NULL, run_script, &result) == 0);
    fd = open(fifo, O_WRONLY); /* returns when the script has opened its end: it runs */
    REQUIRE(fd >= 0);
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_INT(errno, ECHILD);
    CHECK_INT(write(fd, "it\n", 3), 3);
    close(fd);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_INT(result, 0);
    CHECK(strcmp(output, "got it\n") == 0);
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_INT(errno, ECHILD);
    CHECK_INT(run("/bin/sh", "-c", "sleep 1000 & exit 1"), -1);
    CHECK_INT(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    CHECK_INT(errno, ECHILD);
    CHECK_INT(signals_seen, 0);
    end();
}

TEST(no_descriptor_is_left_open)
{
    int before = open("/dev/null", O_RDONLY);
    int after;

    REQUIRE(before >= 0);
    close(before);
    CHECK_INT(run("/bin/echo", "x", NULL), 0);
    CHECK_INT(run("/bin/sh", "-c", "exit 1"), -1);
    CHECK_INT(run("/bin/none", NULL, NULL), -1);
    after = open("/dev/null", O_RDONLY);
    CHECK_INT(after, before);
    close(after);
}

TEST(it_works_for_a_host_that_closed_its_first_descriptors)
{
    int saved = fcntl(0, F_DUPFD_CLOEXEC, 50);

    close(0);
    CHECK_INT(run("/bin/sh", "-c", "cat; echo fine"), 0);
    CHECK(strcmp(output, "fine\n") == 0);
    if (saved >= 0) {
        (void)dup2(saved, 0);
        close(saved);
    }
}
