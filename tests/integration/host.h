/* SPDX-License-Identifier: MIT */
/*
 * A host program in small, for tests of the engine through paa.h: a folder of its own for the policy, a context
 * with clock and chance injected, requests from lines of text. Knows nothing of what is inside the library.
 *
 * PLUGIN_DIR, SCRIPTED (path of the scripted test plugin) and WORK_DIR are given by CMakeLists.txt.
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include "fork.h"
#include "plugin/scripted.h"

#include <dirent.h>
#include <dlfcn.h>
#include <paa/paa.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HOST_FIELDS_MAX = 1100,
    HOST_LOG_MAX = 256 * 1024,
    HOST_PATH_MAX = 512,
    HOST_SLOWER = 20 /* than the machine's clock, so that no deadline is met on a slow machine */
};

#define HOST_TIME_S INT64_C(1767225600) /* what real time begins with: 2026-01-01 */
#define MS_NS       INT64_C(1000000)
#define ALL_CAN                                                                                    \
    (PAA_CAN_PEER_CERT | PAA_CAN_BODY | PAA_CAN_BODY_MATCH | PAA_CAN_PROMPT | PAA_CAN_BROWSER |    \
     PAA_CAN_UPSTREAM | PAA_CAN_CLIENT_KEY | PAA_CAN_RETRY)

/* An instance of the scripted plugin, and a policy around instances and services. */
#define SCRIPT(name, options)       name " = { plugin = \"" SCRIPTED "\"; " options " };\n"
#define POLICY(instances, services) "instances = {\n" instances "};\nservices = {\n" services "};\n"
#define API(members)                                                                               \
    "api = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ]; " members " };"  \
    "\n"
#define OUT(members)                                                                               \
    "out = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ]; " members " };"  \
    "\n"

struct host {
    char folder[HOST_PATH_MAX];
    char policy[HOST_PATH_MAX + 16];
    struct paa_context *context;
    struct paa_lane *lane;
    struct paa_service *api; /* NULL: the policy has none */
    struct paa_service *out;
    struct paa_error error;
    atomic_bool is_live;       /* time passes, slowly; else it stands still until host_pass */
    _Atomic int64_t passed_ns; /* beside that */
    _Atomic int64_t wrong_ns;  /* by which the wall clock alone is wrong */
    atomic_bool has_no_clock;  /* the wall clock fails */
    _Atomic uint64_t chance;
    pthread_mutex_t lock; /* of log */
    char log[HOST_LOG_MAX];
    size_t log_size;
};

/* ---- what is injected -------------------------------------------------------------------------- */

static inline int64_t host_steady(void *user)
{
    struct host *host = user;
    struct timespec now = { 0, 0 };

    if (atomic_load(&host->is_live))
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000 * MS_NS + now.tv_nsec) / HOST_SLOWER +
           atomic_load(&host->passed_ns) + MS_NS;
}

static inline int64_t host_real(void *user)
{
    const struct host *host = user;

    if (atomic_load(&host->has_no_clock))
        return -1;
    return HOST_TIME_S * 1000 * MS_NS + atomic_load(&host->passed_ns) +
           atomic_load(&host->wrong_ns);
}

static inline int host_random(void *ret_bytes, size_t size, void *user)
{
    struct host *host = user;
    unsigned char *bytes = ret_bytes;

    for (size_t i = 0; i < size; i++) {
        uint64_t x = atomic_fetch_add(&host->chance, 1) * UINT64_C(0x9e3779b97f4a7c15);

        bytes[i] = (unsigned char)((x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
    }
    return 0;
}

static inline void host_log(enum paa_level level, struct paa_str line, void *user)
{
    struct host *host = user;

    (void)level;
    pthread_mutex_lock(&host->lock);
    if (host->log_size + line.size + 2 < sizeof host->log) {
        memcpy(host->log + host->log_size, line.data, line.size);
        host->log_size += line.size;
        host->log[host->log_size++] = '\n';
        host->log[host->log_size] = '\0';
    }
    pthread_mutex_unlock(&host->lock);
}

static inline void host_finding(enum paa_level level, const char *file, int line,
                                const char *sentence, void *user)
{
    char text[1024];
    int size = snprintf(text, sizeof text, "%s:%d: %s", file, line, sentence);

    if (size > 0)
        host_log(level,
                 paa_str_of_n(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1),
                 user);
}

static inline void host_pass(struct host *host, int64_t ms)
{
    atomic_fetch_add(&host->passed_ns, ms * MS_NS);
}

/* ---- folder and policy ------------------------------------------------------------------------- */

static inline bool host_init(struct host *host)
{
    memset(host, 0, sizeof *host);
    atomic_store(&host->chance, 1);
    pthread_mutex_init(&host->lock, NULL);
    (void)mkdir(WORK_DIR, 0700);
    (void)snprintf(host->folder, sizeof host->folder, "%s/XXXXXX", WORK_DIR);
    if (mkdtemp(host->folder) == NULL)
        return false;
    (void)snprintf(host->policy, sizeof host->policy, "%s/paa.conf", host->folder);
    return true;
}

/* Whole or not at all, as an operator should. */
static inline bool host_write(struct host *host, const char *text)
{
    char path[HOST_PATH_MAX + 32];
    FILE *file;
    bool is_done;

    (void)snprintf(path, sizeof path, "%s.new", host->policy);
    file = fopen(path, "w");
    if (file == NULL)
        return false;
    (void)fchmod(fileno(file), 0600);
    is_done = fputs(text, file) >= 0;
    is_done = fclose(file) == 0 && is_done;
    return is_done && rename(path, host->policy) == 0;
}

static inline void host_options(struct host *host, struct paa_context_options *ret_options)
{
    paa_init(ret_options, sizeof *ret_options);
    ret_options->flags = PAA_OPEN_ANY_THREAD;
    ret_options->can = ALL_CAN;
    ret_options->log_level = PAA_LEVEL_INFO;
    ret_options->policy = host->policy;
    ret_options->plugin_dir = PLUGIN_DIR;
    ret_options->log_fn = host_log;
    ret_options->diagnostic_fn = host_finding;
    ret_options->real_time_fn = host_real;
    ret_options->monotonic_fn = host_steady;
    ret_options->random_fn = host_random;
    ret_options->user = host;
}

/* The context alone; false with host->error. */
static inline bool host_open_context(struct host *host, const struct paa_context_options *options)
{
    if (paa_context_open(&host->context, options, &host->error) != 0) {
        fprintf(stderr, "the policy is refused: %s\n", host->error.text);
        return false;
    }
    host->api = paa_service_find(host->context, "api", PAA_INCOMING, NULL);
    host->out = paa_service_find(host->context, "out", PAA_OUTGOING, NULL);
    return true;
}

static inline bool host_open_with(struct host *host, const struct paa_context_options *options)
{
    return host_open_context(host, options) &&
           paa_lane_open(&host->lane, host->context, &host->error) == 0;
}

static inline bool host_open(struct host *host, const char *policy)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy))
        return false;
    host_options(host, &options);
    return host_open_with(host, &options);
}

/* The same context for another thread, without a lane yet. Never closed. */
static inline void host_share(const struct host *host, struct host *ret_view)
{
    memset(ret_view, 0, sizeof *ret_view);
    ret_view->context = host->context;
    ret_view->api = host->api;
    ret_view->out = host->out;
}

static inline void host_clear_folder(const struct host *host)
{
    DIR *folder = opendir(host->folder);
    const struct dirent *entry;
    char path[HOST_PATH_MAX + 300];

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", host->folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(host->folder);
}

static inline void host_close(struct host *host)
{
    paa_lane_close(&host->lane);
    paa_context_close(&host->context);
    host_clear_folder(host);
    pthread_mutex_destroy(&host->lock);
}

/* The scripted plugin's counters; they are of the whole process. */
static inline struct scripted_counts *host_counts(void)
{
    void *plugin = dlopen(SCRIPTED, RTLD_NOW | RTLD_LOCAL);

    return plugin != NULL ? dlsym(plugin, "paa_scripted_counts") : NULL;
}

/* How many promises to plugins were broken so far. */
static inline unsigned long host_broken_promises(void)
{
    const struct scripted_counts *counts = host_counts();

    return counts == NULL ? 1
                          : atomic_load(&counts->overlaps) + atomic_load(&counts->dirty) +
                                atomic_load(&counts->wrong_lanes) + atomic_load(&counts->late);
}

/* ---- processes ----------------------------------------------------------------------------------- */

/* Runs fn in a child; how many of its checks failed. */
static inline int in_child(int (*fn)(struct host *host), struct host *host)
{
    int status = -1;
    pid_t child;

    (void)fflush(NULL);
    child = calm_fork();
    if (child == 0)
        _exit(fn(host));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* ---- requests ---------------------------------------------------------------------------------- */

struct ask {
    struct paa_request request;
    struct paa_field fields[HOST_FIELDS_MAX];
};

/* "Name: value" */
static inline void ask_add(struct ask *ask, const char *line)
{
    size_t name = strcspn(line, ":");
    struct paa_field *field = &ask->fields[ask->request.header_count++];

    field->name = paa_str_of_n(line, name);
    field->value = paa_str_of(line[name] == ':' ? line + name + 1 + (line[name + 1] == ' ') : "");
}

static inline void ask_lines(struct ask *ask, const char *method, const char *target, va_list lines)
{
    const char *line;

    paa_init(&ask->request, sizeof ask->request);
    ask->request.method = paa_str_of(method);
    ask->request.scheme = paa_str_of("https");
    ask->request.authority = paa_str_of("api.example.com");
    ask->request.target = paa_str_of(target);
    ask->request.headers = ask->fields;
    while ((line = va_arg(lines, const char *)) != NULL)
        ask_add(ask, line);
}

/* Lines until NULL. */
static inline void ask_for(struct ask *ask, const char *method, const char *target, ...)
{
    va_list lines;

    va_start(lines, target);
    ask_lines(ask, method, target, lines);
    va_end(lines);
}

/* Begun, and waited for until it is decided. */
static inline enum paa_state host_ask(struct host *host, const struct ask *ask,
                                      struct paa_txn **ret_txn)
{
    enum paa_state state = paa_txn_begin(ret_txn, host->lane, host->api, &ask->request);

    return state == PAA_TXN_PENDING ? paa_txn_wait(*ret_txn, -1) : state;
}

/* 200 for what is allowed, else the answer's status. */
static inline unsigned txn_code(enum paa_state state, const struct paa_txn *txn)
{
    if (state == PAA_TXN_ALLOW)
        return 200;
    return state == PAA_TXN_ANSWER ? paa_txn_answer(txn)->code : 0;
}

static inline unsigned ask_code(struct host *host, const struct ask *ask)
{
    struct paa_txn *txn;
    enum paa_state state = host_ask(host, ask, &txn);
    unsigned code = txn_code(state, txn);

    paa_txn_end(&txn);
    return code;
}

static inline unsigned code_of(struct host *host, const char *method, const char *target, ...)
{
    static _Thread_local struct ask ask;
    va_list lines;

    va_start(lines, target);
    ask_lines(&ask, method, target, lines);
    va_end(lines);
    return ask_code(host, &ask);
}

/* The caller ends it. */
static inline struct paa_txn *txn_of(struct host *host, enum paa_state *ret_state,
                                     const char *method, const char *target, ...)
{
    static _Thread_local struct ask ask;
    struct paa_txn *txn;
    va_list lines;

    va_start(lines, target);
    ask_lines(&ask, method, target, lines);
    va_end(lines);
    *ret_state = host_ask(host, &ask, &txn);
    return txn;
}

/* ---- what came of it --------------------------------------------------------------------------- */

/* The index-th edit of that name, as written; NULL: there is none. */
static inline const struct paa_edit *edit_of(const struct paa_txn *txn, enum paa_message where,
                                             const char *name, size_t index)
{
    const struct paa_edit *edit;

    for (size_t i = 0; (edit = paa_txn_edit(txn, where, i)) != NULL; i++)
        if (paa_str_eq(edit->name, name) && index-- == 0)
            return edit;
    return NULL;
}

static inline struct paa_str edit_value(const struct paa_txn *txn, enum paa_message where,
                                        const char *name)
{
    const struct paa_edit *edit = edit_of(txn, where, name, 0);

    return edit != NULL ? edit->value : paa_str_of(NULL);
}

static inline bool has_edit(const struct paa_txn *txn, enum paa_message where,
                            enum paa_edit_kind kind, const char *name)
{
    const struct paa_edit *edit = edit_of(txn, where, name, 0);

    return edit != NULL && edit->kind == kind;
}

/* Names compare without case, and '_' equals '-' (paa.h, PAA_EDIT_REMOVE). */
static inline char name_fold(char c)
{
    if (c == '_' || c == '.')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* As hosts compare names when they apply an edit. */
static inline bool same_name(struct paa_str a, struct paa_str b)
{
    for (size_t i = 0; i < a.size && a.size == b.size; i++)
        if (name_fold(a.data[i]) != name_fold(b.data[i]))
            return false;
    return a.size == b.size;
}

/* How often a field of that name, however it is written, is in the request once the edits are applied; its
 * value. */
static inline size_t field_after(const struct paa_txn *txn, const struct ask *ask, const char *name,
                                 struct paa_str *ret_value)
{
    struct paa_str wanted = paa_str_of(name);
    const struct paa_edit *edit;
    size_t count = 0;

    *ret_value = paa_str_of(NULL);
    for (size_t i = 0; i < ask->request.header_count; i++) {
        if (!same_name(ask->fields[i].name, wanted))
            continue;
        count++;
        *ret_value = ask->fields[i].value;
    }
    for (size_t i = 0; (edit = paa_txn_edit(txn, PAA_MESSAGE_REQUEST, i)) != NULL; i++) {
        if (!same_name(edit->name, wanted))
            continue;
        count = edit->kind == PAA_EDIT_ADD ? count + 1 : edit->kind == PAA_EDIT_SET;
        *ret_value = edit->kind == PAA_EDIT_REMOVE ? paa_str_of(NULL) : edit->value;
    }
    return count;
}

#endif
