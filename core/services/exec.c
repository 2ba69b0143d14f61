/* SPDX-License-Identifier: MIT */
/*
 * exec.h. Three parties: the caller, the keeper and the program.
 *
 * The keeper is cloned with CLONE_VM | CLONE_VFORK and no exit signal: the caller's thread stands still while
 * the keeper, in the same memory, starts the program, reads what it writes, watches the deadline and reaps it.
 * Nothing but system calls happens there: locks of the host may be held by anyone. Its descriptor table is its
 * own and almost empty, so descriptors that the host closes meanwhile are really closed.
 */
#include "exec.h"

#include "secret.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK_SIZE = 256 * 1024, /* each of keeper and program-to-be; sanitizers want much */
    REAP_MS = 1000,          /* after SIGKILL; a process stuck in the kernel is left behind then */
    SCRIPT_LINE_MAX = 256,   /* as the kernel's BINPRM_BUF_SIZE */
    SIGNALS = 64,
    /* descriptors of keeper and program; the program's own are 0, 1, 2 */
    FD_OUTPUT = 3,
    FD_PROGRAM = 4,
    FD_FREE = 5,
    FDS_MAX = 1024 * 1024,
    FD_HIGH = 16 /* where the caller's copies begin, so that none is in the way */
};

enum outcome {
    OUT_NOTHING = 0,
    OUT_DONE,
    OUT_NOT_STARTED,
    OUT_TOO_LARGE,
    OUT_LATE,
    OUT_UNREADABLE
};

struct run { /* written by the keeper while the caller stands still */
    char *const *argv;
    const char *real;
    bool is_script;
    int null_fd;
    int write_fd;
    int read_fd;
    int program_fd;
    int timeout_ms;
    char *data;
    size_t size;
    char *stacks;
    enum outcome outcome;
    int start_errno;
    int status; /* of waitpid; -1, which is neither an exit nor a signal, until then */
};

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNWATCHED __attribute__((no_sanitize_thread, no_sanitize_address))
#elif defined(__clang__)
#define UNWATCHED __attribute__((no_sanitize("thread", "address")))
#else
#define UNWATCHED
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WRAPPED_CLONE
#endif
#elif defined(__SANITIZE_THREAD__)
#define WRAPPED_CLONE
#endif

/* ThreadSanitizer's clone takes the child for a forked one and forgets, in the shared memory, all other threads. */
#ifdef WRAPPED_CLONE
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

PAA_PRINTF(2, 3) static int refuse(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- system calls ------------------------------------------------------------------------------
 * By number: the C library's functions may be wrapped (sanitizers, tracing hosts), and a wrapper would take what
 * the keeper does to its own descriptors and signals for the host's. */

enum { SIGSET_SIZE = SIGNALS / 8 };

UNWATCHED static int sys_dup(int from, int to, int flags)
{
    return (int)syscall(SYS_dup3, from, to, flags);
}

UNWATCHED static ssize_t sys_read(int fd, void *data, size_t size)
{
    return syscall(SYS_read, fd, data, size);
}

UNWATCHED static int sys_poll(struct pollfd *fds, unsigned count, int64_t wait_ms)
{
    struct timespec wait = { (time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000 };

    return (int)syscall(SYS_ppoll, fds, count, &wait, NULL, SIGSET_SIZE);
}

UNWATCHED static pid_t sys_wait(pid_t pid, int *ret_status)
{
    return (pid_t)syscall(SYS_wait4, pid, ret_status, WNOHANG, NULL);
}

/* ---- the program-to-be ------------------------------------------------------------------------- */

/* All zero is SIG_DFL, and an empty mask. */
UNWATCHED static void default_signals(void)
{
    static const unsigned long zero[16];

    for (int number = 1; number <= SIGNALS; number++)
        (void)syscall(SYS_rt_sigaction, number, zero, NULL, SIGSET_SIZE);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, zero, NULL, SIGSET_SIZE);
}

UNWATCHED static int become_program(void *arg)
{
    static const uint64_t no_core[2]; /* the kernel's struct rlimit64: soft, hard */
    static char *const no_environment[] = { NULL };
    struct run *run = arg;

    (void)syscall(SYS_setpgid, 0, 0);
    (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)syscall(SYS_prlimit64, 0, RLIMIT_CORE, no_core, NULL);
    if (syscall(SYS_chdir, "/") == 0) {
        default_signals();
        /* a script's interpreter opens it by its path, so there the path must do: every folder of it was judged */
        if (run->is_script)
            (void)syscall(SYS_execve, run->real, run->argv, no_environment);
        else
            (void)syscall(SYS_execveat, FD_PROGRAM, "", run->argv, no_environment, AT_EMPTY_PATH);
    }
    run->start_errno = errno;
    (void)syscall(SYS_exit_group, 127);
    return 127;
}

/* ---- the keeper -------------------------------------------------------------------------------- */

UNWATCHED static int64_t now_ms(void)
{
    struct timespec now = { 0, 0 };

    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Old kernels and strict sandboxes lack close_range. */
UNWATCHED static void close_from(int first)
{
    uint64_t limit[2]; /* soft, hard */

    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
        return;
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit) != 0 || limit[1] > FDS_MAX)
        limit[1] = FDS_MAX;
    for (int fd = first; fd < (int)limit[1]; fd++)
        (void)syscall(SYS_close, fd);
}

UNWATCHED static bool arrange_descriptors(const struct run *run)
{
    if (sys_dup(run->null_fd, 0, 0) < 0 || sys_dup(run->write_fd, 1, 0) < 0 ||
        sys_dup(run->null_fd, 2, 0) < 0 || sys_dup(run->read_fd, FD_OUTPUT, O_CLOEXEC) < 0 ||
        sys_dup(run->program_fd, FD_PROGRAM, O_CLOEXEC) < 0)
        return false;
    close_from(FD_FREE);
    return true;
}

/* What is there. True: the other end is closed, or something is wrong. */
UNWATCHED static bool take_output(struct run *run)
{
    for (;;) {
        char extra;
        size_t room = EXEC_OUTPUT_MAX - run->size;
        ssize_t n = room > 0 ? sys_read(FD_OUTPUT, run->data + run->size, room)
                             : sys_read(FD_OUTPUT, &extra, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            run->outcome = OUT_UNREADABLE;
        else if (n > 0 && room == 0)
            run->outcome = OUT_TOO_LARGE;
        if (n <= 0 || room == 0)
            return true;
        run->size += (size_t)n;
    }
}

/* Until the program ended, said too much, or ran out of time. */
UNWATCHED static void follow(struct run *run, int pid_fd)
{
    int64_t end_ms = now_ms() + run->timeout_ms;
    struct pollfd fds[2] = { { FD_OUTPUT, POLLIN, 0 }, { pid_fd, POLLIN, 0 } };

    while (run->outcome == OUT_NOTHING) {
        int64_t left_ms = end_ms - now_ms();

        if (left_ms <= 0) {
            run->outcome = OUT_LATE;
            return;
        }
        if (sys_poll(fds, 2, left_ms) < 0 && errno != EINTR) {
            run->outcome = OUT_UNREADABLE;
            return;
        }
        /* the end is looked at first: what was written before it is in the pipe by now */
        if (fds[1].revents != 0) {
            (void)take_output(run);
            if (run->outcome == OUT_NOTHING)
                run->outcome = OUT_DONE;
        } else if (fds[0].revents != 0 && take_output(run)) {
            fds[0].fd = -1;
        }
    }
}

/* The group dies before its leader is reaped, so its number cannot mean another one. */
UNWATCHED static void reap(struct run *run, pid_t pid)
{
    const struct timespec pause = { REAP_MS / 1000, 0 };
    const uint64_t ended = (uint64_t)1 << (SIGCHLD - 1); /* the kernel's sigset */
    int64_t end_ms = now_ms() + REAP_MS;
    bool is_reaped = false; /* the program itself; then the rest of its group */

    (void)syscall(SYS_kill, -pid, SIGKILL);
    (void)syscall(SYS_kill, pid, SIGKILL);
    for (;;) {
        pid_t got = sys_wait(is_reaped ? -pid : pid, is_reaped ? NULL : &run->status);

        if (got == pid)
            is_reaped = true;
        else if (got < 0 && errno != EINTR)
            return;
        else if (got == 0 && now_ms() >= end_ms)
            return;
        else if (got == 0)
            (void)syscall(SYS_rt_sigtimedwait, &ended, NULL, &pause, SIGSET_SIZE);
    }
}

UNWATCHED static void keep_program(struct run *run)
{
    int pid_fd = -1;
    int pid;

    if (!arrange_descriptors(run)) {
        run->start_errno = errno;
        run->outcome = OUT_NOT_STARTED;
        return;
    }
    /* grandchildren come to the keeper, not to a host that is process 1 */
    (void)syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid = clone(become_program, run->stacks + STACK_SIZE,
                CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, run, &pid_fd);
    if (pid < 0)
        run->start_errno = errno;
    if (run->start_errno != 0)
        run->outcome = OUT_NOT_STARTED;
    if (pid < 0)
        return;
    (void)syscall(SYS_close, 1);
    follow(run, pid_fd);
    reap(run, pid);
}

UNWATCHED static int become_keeper(void *arg)
{
    (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    keep_program(arg);
    (void)syscall(SYS_exit_group, 0);
    return 0;
}

/* ---- the caller -------------------------------------------------------------------------------- */

/* Signals stay blocked: a handler of the host must not run in the keeper. */
static int run_keeper(struct run *run, struct paa_error *error)
{
    sigset_t all;
    sigset_t before;
    siginfo_t info;
    int pid_fd = -1;
    int pid;
    int saved;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = clone(become_keeper, run->stacks + 2 * STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
                run, &pid_fd);
    saved = errno;
    if (pid >= 0) {
        while (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED | __WALL) != 0 && errno == EINTR)
            continue;
        close(pid_fd);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return refuse(error, "%s cannot be run: no process can be made: %s", run->argv[0],
                      strerror(saved));
    return 0;
}

/* A copy above the low numbers, which a host may have closed. The original is closed. */
static int raised(int fd)
{
    int high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FD_HIGH) : -1;

    if (fd >= 0)
        close(fd);
    return high;
}

static int open_pipe(struct run *run)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    run->read_fd = raised(ends[0]);
    run->write_fd = raised(ends[1]);
    if (run->read_fd < 0 || run->write_fd < 0)
        return -1;
    return fcntl(run->read_fd, F_SETFL, O_NONBLOCK);
}

/* "#!" and an interpreter, which decides as much as the script: judged too. */
static int judge_script(struct run *run, struct paa_error *error)
{
    char line[SCRIPT_LINE_MAX + 1];
    ssize_t size = pread(run->program_fd, line, SCRIPT_LINE_MAX, 0);
    struct stat st;
    char *interpreter;
    int fd;

    if (size < 0)
        return refuse(error, "%s cannot be read: %s", run->argv[0], strerror(errno));
    if (size < 2 || line[0] != '#' || line[1] != '!')
        return 0;
    run->is_script = true;
    line[size] = '\0';
    line[2 + strcspn(line + 2, "\n")] = '\0';
    interpreter = line + 2 + strspn(line + 2, " \t");
    interpreter[strcspn(interpreter, " \t")] = '\0';
    if (interpreter[0] != '/')
        return refuse(error,
                      "%s names no absolute path after \"#!\": write the interpreter's whole path",
                      run->argv[0]);
    fd = trust_open(interpreter, TRUST_EXECUTABLE, &st, NULL, error);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int judge_arguments(char *const argv[], struct paa_error *error)
{
    size_t count = 0;

    while (argv[count] != NULL)
        count++;
    if (count == 0 || argv[0][0] != '/')
        return refuse(error, "%s: name the program by its absolute path",
                      count > 0 ? argv[0] : "exec:");
    if (count > EXEC_ARGS_MAX)
        return refuse(error, "%s: more than %d arguments", argv[0], EXEC_ARGS_MAX);
    if (getauxval(AT_SECURE) != 0)
        return refuse(error,
                      "%s: a process with raised rights runs no programs: use file:", argv[0]);
    return 0;
}

static int prepare(struct run *run, char **ret_real, struct paa_error *error)
{
    struct stat st;

    if (judge_arguments(run->argv, error) != 0)
        return -1;
    run->program_fd = raised(trust_open(run->argv[0], TRUST_EXECUTABLE, &st, ret_real, error));
    if (run->program_fd < 0)
        return error->text[0] != '\0'
                   ? -1
                   : refuse(error, "%s cannot be run: no descriptor is free", run->argv[0]);
    run->real = *ret_real;
    if (judge_script(run, error) != 0)
        return -1;
    run->null_fd = raised(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (run->null_fd < 0 || open_pipe(run) != 0)
        return refuse(error, "%s cannot be run: %s", run->argv[0], strerror(errno));
    run->stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    run->data = secret_alloc(EXEC_OUTPUT_MAX);
    if (run->stacks == MAP_FAILED || run->data == NULL)
        return refuse(error, "%s cannot be run: no memory", run->argv[0]);
    return 0;
}

/* Never what the program wrote: it may be half a secret. */
static int judge_outcome(const struct run *run, struct paa_error *error)
{
    const char *path = run->argv[0];

    switch (run->outcome) {
    case OUT_NOT_STARTED:
        return refuse(error, "%s cannot be run: %s", path, strerror(run->start_errno));
    case OUT_TOO_LARGE:
        return refuse(error, "%s wrote more than %d bytes", path, EXEC_OUTPUT_MAX);
    case OUT_LATE:
        return refuse(error, "%s did not end within %d ms and was killed", path, run->timeout_ms);
    case OUT_DONE:
        break;
    default:
        return refuse(error, "what %s wrote cannot be read", path);
    }
    if (WIFSIGNALED(run->status))
        return refuse(error, "%s was ended by signal %d", path, WTERMSIG(run->status));
    if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != 0)
        return refuse(error, "%s ended with status %d, not 0", path, WEXITSTATUS(run->status));
    return 0;
}

static void close_run(struct run *run)
{
    const int fds[] = { run->null_fd, run->write_fd, run->read_fd, run->program_fd };

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (run->stacks != MAP_FAILED)
        munmap(run->stacks, 2 * STACK_SIZE);
    secret_free(run->data, EXEC_OUTPUT_MAX);
}

int exec_output_within(char *const argv[], int timeout_ms, char **ret_data, size_t *ret_size,
                       struct paa_error *error)
{
    struct run run = { .argv = argv, .timeout_ms = timeout_ms, .stacks = MAP_FAILED, .status = -1 };
    char *real = NULL;
    int result = -1;

    error->text[0] = '\0';
    run.null_fd = run.write_fd = run.read_fd = run.program_fd = -1;
    if (prepare(&run, &real, error) != 0 || run_keeper(&run, error) != 0 ||
        judge_outcome(&run, error) != 0)
        goto done;
    *ret_data = run.data;
    *ret_size = run.size;
    run.data = NULL;
    result = 0;
done:
    close_run(&run);
    free(real);
    return result;
}

int exec_output(char *const argv[], char **ret_data, size_t *ret_size, struct paa_error *error)
{
    return exec_output_within(argv, EXEC_TIMEOUT_MS, ret_data, ret_size, error);
}
