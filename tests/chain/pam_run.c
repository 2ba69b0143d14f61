/* SPDX-License-Identifier: MIT */
#include "pam_run.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_appl.h>

/*
 * Traps of libpam 1.5.2, each met here: a relative name in include or substack is looked up in the system's
 * folder, so names are absolute; pam_debug says success to a name it does not know, so the tests begin with
 * pam_run_code; a line over about 1,020 bytes fails as perm_denied, so lengths are bounded.
 */
enum { TEXT_MAX = 16384, PATH_SIZE = 512, PAM_LINE_MAX = 1000, COMPLAINT_MAX = 256 };
#define FORBIDDEN_CODE "99"

static const struct {
    const char *name;
    int code;
} pam_codes[] = {
    [ACCEPT] = { "success", PAM_SUCCESS },
    [ABSENT] = { "cred_unavail", PAM_CRED_UNAVAIL },
    [REJECT] = { "auth_err", PAM_AUTH_ERR },
    [UNAVAILABLE] = { "authinfo_unavail", PAM_AUTHINFO_UNAVAIL },
    [IGNORE] = { "ignore", PAM_IGNORE },
    [FAULT] = { "service_err", PAM_SERVICE_ERR },
    [DENIED] = { "perm_denied", PAM_PERM_DENIED },
};

struct pam_run {
    char folder[PATH_SIZE];
    pam_handle_t *keeper; /* holds the modules in memory: loading them anew is most of the time */
    int file_count;
    char text[TREE_STACKS_MAX][TEXT_MAX];
    size_t size[TREE_STACKS_MAX];
};

static char complaint[COMPLAINT_MAX];

/* ---- in place of syslog ---- */

/* A jump that is too long is no mistake of ours: what it leads to is compared as well. */
__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list args)
{
    char text[COMPLAINT_MAX];

    vsnprintf(text, sizeof text, format, args);
    if (strstr(text, "bad jump in stack") == NULL)
        snprintf(complaint, sizeof complaint, "%s", text);
}

#define INSTEAD         __attribute__((visibility("default"), format(printf, 2, 3)))
#define INSTEAD_CHECKED __attribute__((visibility("default"), format(printf, 3, 4)))

#undef syslog /* a macro where FORTIFY has no inline function */
INSTEAD void syslog(int priority, const char *format, ...)
{
    va_list args;

    (void)priority;
    va_start(args, format);
    complain(format, args);
    va_end(args);
}

INSTEAD_CHECKED void __syslog_chk(int priority, int flag, const char *format, ...);
INSTEAD_CHECKED void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)priority;
    (void)flag;
    va_start(args, format);
    complain(format, args);
    va_end(args);
}

/* ---- writing ---- */

__attribute__((format(printf, 3, 4))) static void put(struct pam_run *run, int file,
                                                      const char *format, ...)
{
    size_t left = TEXT_MAX - run->size[file];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(run->text[file] + run->size[file], left, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= left)
        abort();
    run->size[file] += (size_t)size;
}

static const char *action_name(uint16_t action)
{
    static char number[8];

    for (size_t i = 0; i < sizeof action_words / sizeof action_words[0]; i++)
        if (action_words[i].action == action)
            return action_words[i].word;
    snprintf(number, sizeof number, "%u", (unsigned)action);
    return number;
}

static void put_module(struct pam_run *run, int file, int result)
{
    if (result == FORBIDDEN)
        put(run, file, " %s/code.so " FORBIDDEN_CODE "\n", run->folder);
    else
        put(run, file, " pam_debug.so auth=%s\n", pam_codes[result].name);
}

/* `bad` is what PAM does with a code that is not named, so it is left out: that is tested as well. */
static void put_actions(struct pam_run *run, int file, const uint16_t *action)
{
    const char *space = "";

    put(run, file, "auth [");
    for (int i = 0; i < RESULT_COUNT; i++) {
        if (action[i] == ACTION_BAD)
            continue;
        put(run, file, "%s%s=%s", space, pam_codes[i].name, action_name(action[i]));
        space = " ";
    }
    put(run, file, "%s]", *space == 0 ? "default=bad" : "");
}

static void put_step(struct pam_run *run, int file, const struct line *line, enum pam_how how)
{
    if (line->result[0] == FORBIDDEN && (how & PAM_AS_BAD_FAULT) != 0) {
        put(run, file, "auth [default=bad] pam_debug.so auth=%s\n", pam_codes[FAULT].name);
        return;
    }
    if (line->word == WORD_NONE)
        put_actions(run, file, line->action);
    else if ((how & PAM_IN_BRACKETS) != 0)
        put(run, file, "auth %s", control_words[line->word].pam);
    else
        put(run, file, "auth %s", control_words[line->word].word);
    put_module(run, file, line->result[0]);
}

/* ---- groups ---- */

/* A group's jump table: the lines that act, in this order, ABSENT first because it is fallen into. */
static const int pads[] = { ABSENT, ACCEPT, REJECT, UNAVAILABLE, FAULT };
enum { PAD_COUNT = sizeof pads / sizeof pads[0], PAD_LINES = 2 };

static int lines_of(const struct line *line, enum pam_how how)
{
    if (line->kind != LINE_STEP || line->member_count == 1 || (how & PAM_AS_SUBSTACK) != 0)
        return 1;
    return line->member_count + PAD_COUNT * PAD_LINES;
}

/* A jump over so many steps, as one over PAM's lines. */
static uint16_t jump_of(const struct stack *stack, int from, uint16_t count, enum pam_how how)
{
    int lines = 0;

    for (int i = from + 1; i <= from + count; i++)
        lines += i < stack->count ? lines_of(&stack->line[i], how) : 1;
    return (uint16_t)lines;
}

/* Each member jumps to the line of its result, or falls through to the next; that line does what the control
 * word says; the next leaves the others out. So PAM itself finds the first member that decides. */
static void put_group(struct pam_run *run, int file, const struct line *line)
{
    for (int i = 0; i < line->member_count; i++) {
        int rest = line->member_count - 1 - i;

        put(run, file, "auth [%s=ignore %s=ignore", pam_codes[ABSENT].name, pam_codes[IGNORE].name);
        for (int pad = 1; pad < PAD_COUNT; pad++)
            put(run, file, " %s=%d", pam_codes[pads[pad]].name, rest + pad * PAD_LINES);
        put(run, file, "]");
        put_module(run, file, line->result[i]);
    }
    for (int pad = 0; pad < PAD_COUNT; pad++) {
        int rest = (PAD_COUNT - 1 - pad) * PAD_LINES;
        uint16_t action = line->action[pads[pad]];

        if (action <= ACTION_JUMP_MAX)
            action = (uint16_t)(action + rest + 1);
        put(run, file, "auth [default=%s]", action_name(action));
        put_module(run, file, pads[pad]);
        if (rest > 0)
            put(run, file, "auth [success=%d]", rest);
        else
            put(run, file, "auth [success=ignore]");
        put_module(run, file, ACCEPT);
    }
}

/* A substack of alternatives, closed by a line that is ABSENT. */
static void put_substack(struct pam_run *run, int file, const struct line *line)
{
    int child = run->file_count++;

    if (line->word != REQUIRED || child >= TREE_STACKS_MAX)
        abort();
    run->size[child] = 0;
    put(run, file, "auth substack %s/s%d\n", run->folder, child);
    for (int i = 0; i < line->member_count; i++) {
        put(run, child, "auth [success=done cred_unavail=ignore ignore=ignore default=die]");
        put_module(run, child, line->result[i]);
    }
    put(run, child, "auth required");
    put_module(run, child, ABSENT);
}

static void put_line(struct pam_run *run, const struct stack *stack, int file, int index,
                     enum pam_how how)
{
    struct line line = stack->line[index];

    for (int i = 0; i < RESULT_COUNT; i++)
        if (line.action[i] <= ACTION_JUMP_MAX)
            line.action[i] = jump_of(stack, index, line.action[i], how);
    if (line.kind != LINE_STEP)
        put(run, file, "auth %s %s/s%d\n", line.kind == LINE_INCLUDE ? "include" : "substack",
            run->folder, line.child);
    else if (line.member_count == 1)
        put_step(run, file, &line, how);
    else if ((how & PAM_AS_SUBSTACK) != 0)
        put_substack(run, file, &line);
    else
        put_group(run, file, &line);
}

/* ---- files ---- */

static void write_file(const struct pam_run *run, const char *name, const char *text, size_t size)
{
    char path[PATH_SIZE + 16];
    int fd;

    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size || close(fd) != 0)
        abort();
}

static void write_stacks(struct pam_run *run)
{
    char name[16];

    for (int i = 0; i < run->file_count; i++) {
        snprintf(name, sizeof name, "s%d", i);
        write_file(run, name, run->text[i], run->size[i]);
    }
}

static bool has_long_line(const char *text)
{
    while (*text != 0) {
        size_t size = strcspn(text, "\n");

        if (size > PAM_LINE_MAX)
            return true;
        text += size + (text[size] == '\n');
    }
    return false;
}

/* ---- running ---- */

/* pam_debug tells what it is about to return; nobody reads it. libpam frees the responses. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data)
{
    (void)messages;
    (void)data;
    *responses = calloc((size_t)count, sizeof **responses);
    return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int authenticate(const struct pam_run *run, pam_handle_t **ret_handle)
{
    static const struct pam_conv conv = { converse, NULL };

    if (pam_start_confdir("s0", "somebody", &conv, run->folder, ret_handle) != PAM_SUCCESS)
        return -1;
    return pam_authenticate(*ret_handle, PAM_SILENT);
}

static int run_written(struct pam_run *run)
{
    pam_handle_t *handle = NULL;
    int code;

    complaint[0] = 0;
    for (int i = 0; i < run->file_count; i++)
        if (has_long_line(run->text[i]))
            snprintf(complaint, sizeof complaint, "a line of s%d is too long for libpam", i);
    write_stacks(run);
    code = authenticate(run, &handle);
    if (handle != NULL)
        pam_end(handle, code);
    return complaint[0] == 0 ? code : -1;
}

int pam_run_stack(struct pam_run *run, const struct tree *tree, enum pam_how how)
{
    run->file_count = tree->count;
    for (int i = 0; i < tree->count; i++)
        run->size[i] = 0;
    for (int i = 0; i < tree->count; i++)
        for (int line = 0; line < tree->stack[i].count; line++)
            put_line(run, &tree->stack[i], i, line, how);
    return run_written(run);
}

/* As [default=ok]: then the code of the one line is that of the stack. */
int pam_run_code(struct pam_run *run, int result)
{
    run->file_count = 1;
    run->size[0] = 0;
    put(run, 0, "auth [default=ok]");
    put_module(run, 0, result);
    return run_written(run);
}

void pam_run_print(const struct pam_run *run)
{
    for (int i = 0; i < run->file_count; i++)
        fprintf(stderr, "# s%d\n%.*s", i, (int)run->size[i], run->text[i]);
    if (complaint[0] != 0)
        fprintf(stderr, "libpam complained: %s\n", complaint);
}

int pam_code_of(int status)
{
    return status <= DENIED ? pam_codes[status].code : -1;
}

static bool keep_modules(struct pam_run *run)
{
    run->file_count = 1;
    run->size[0] = 0;
    put(run, 0, "auth required");
    put_module(run, 0, ACCEPT);
    put(run, 0, "auth [default=ignore] %s/code.so 0\n", run->folder);
    write_stacks(run);
    return authenticate(run, &run->keeper) == PAM_SUCCESS && complaint[0] == 0;
}

struct pam_run *pam_run_open(void)
{
    struct pam_run *run = calloc(1, sizeof *run);
    const char *tmp = getenv("TMPDIR");
    char path[PATH_SIZE + 16];

    if (run == NULL)
        return NULL;
    snprintf(run->folder, sizeof run->folder, "%s/paa-oracle-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(run->folder) == NULL) {
        perror(run->folder);
        free(run);
        return NULL;
    }
    complaint[0] = 0;
    write_file(run, "other", "", 0); /* or else libpam complains at every start */
    snprintf(path, sizeof path, "%s/code.so", run->folder);
    if (symlink(PAM_CODE_MODULE, path) != 0 || !keep_modules(run)) {
        pam_run_print(run);
        pam_run_close(&run);
    }
    return run;
}

static void remove_file(const struct pam_run *run, const char *name)
{
    char path[PATH_SIZE + 16];

    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    unlink(path);
}

void pam_run_close(struct pam_run **run)
{
    char name[16];

    if (*run == NULL)
        return;
    if ((*run)->keeper != NULL)
        pam_end((*run)->keeper, PAM_SUCCESS);
    for (int i = 0; i < TREE_STACKS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        remove_file(*run, name);
    }
    remove_file(*run, "other");
    remove_file(*run, "code.so");
    if (rmdir((*run)->folder) != 0)
        perror((*run)->folder);
    free(*run);
    *run = NULL;
}
