/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[WORLD_PATH];

/* ---- files ------------------------------------------------------------------------------------- */

static void make_folder(void)
{
    const char *under = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/paa-bench-XXXXXX", under != NULL ? under : "/tmp");
    if (mkdtemp(folder) == NULL)
        bench_fail("%s: %s", folder, strerror(errno));
}

void world_path(char ret_path[WORLD_PATH], const char *name)
{
    if (folder[0] == '\0')
        make_folder();
    if (snprintf(ret_path, WORLD_PATH, "%s/%s", folder, name) >= WORLD_PATH)
        bench_fail("%s is too long a path", folder);
}

void world_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t size = strlen(text);

    if (fd < 0 || write(fd, text, size) != (ssize_t)size || close(fd) != 0)
        bench_fail("%s: %s", path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void world_remove(void)
{
    if (folder[0] != '\0')
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

uint64_t world_resident(void)
{
    unsigned long whole = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL || fscanf(file, "%lu %lu", &whole, &resident) != 2)
        bench_fail("/proc/self/statm cannot be read");
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- hosts ------------------------------------------------------------------------------------- */

void host_open(struct host *host, const char *policy, enum paa_direction direction)
{
    struct paa_context_options options;
    struct paa_error error;

    paa_init(&options, sizeof options);
    options.policy = policy;
    options.can = PAA_CAN_UPSTREAM | PAA_CAN_BROWSER;
    options.plugin_dir = BENCH_PLUGIN_DIR;
    options.log_level = PAA_LEVEL_ERROR;
    if (paa_context_open(&host->context, &options, &error) != 0)
        bench_fail("%s", error.text);
    host->service = paa_service_find(host->context, "api", direction, &error);
    if (host->service == NULL)
        bench_fail("%s", error.text);
    for (unsigned i = 0; i < BENCH_THREADS; i++)
        if (paa_lane_open(&host->lanes[i], host->context, &error) != 0)
            bench_fail("%s", error.text);
}

void host_open_text(struct host *host, const char *text, enum paa_direction direction)
{
    char path[WORLD_PATH];

    world_path(path, "policy.conf");
    world_write(path, text);
    host_open(host, path, direction);
}

void host_close(struct host *host)
{
    for (unsigned i = 0; i < BENCH_THREADS; i++)
        paa_lane_close(&host->lanes[i]);
    paa_context_close(&host->context);
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* What a client behind a proxy sends, the first four being curl's. */
static const char *const usual[WORLD_FIELDS_MAX][2] = {
    { "Host", "api.example.com" },
    { "User-Agent", "curl/7.88.1" },
    { "Accept", "*/*" },
    { "X-Request-Id", "8e1f3c9a-55aa-4a6c-9d5e-0c3b9e8f7a61" },
    { "Accept-Encoding", "gzip, deflate, br" },
    { "Accept-Language", "de-DE,de;q=0.9,en;q=0.8" },
    { "Cache-Control", "no-cache" },
    { "X-Forwarded-For", "203.0.113.7" },
    { "X-Forwarded-Proto", "https" },
    { "Referer", "https://www.example.com/orders" },
    { "If-None-Match", "\"33a64df551425fcc55e4d42a148795d9f25f89d4\"" },
    { "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
};

void work_init(struct work *work, const struct host *host, unsigned thread, size_t fields)
{
    memset(work, 0, sizeof *work);
    work->lane = host->lanes[thread];
    work->service = host->service;
    work->expected = PAA_TXN_ALLOW;
    for (size_t i = 0; i < fields; i++)
        work->fields[i] = paa_field_of(usual[i][0], usual[i][1]);
    paa_init(&work->request, sizeof work->request);
    work->request.flags = PAA_REQUEST_STABLE;
    work->request.method = paa_str_of("GET");
    work->request.scheme = paa_str_of("https");
    work->request.authority = paa_str_of("api.example.com");
    work->request.target = paa_str_of("/v1/orders/4711?x=1&y"); /* 21 bytes */
    work->request.headers = work->fields;
    work->request.header_count = fields;
}

void work_run(void *state, uint64_t count)
{
    struct work *work = state;

    for (uint64_t i = 0; i < count; i++) {
        struct paa_txn *txn;
        enum paa_state got = paa_txn_begin(&txn, work->lane, work->service, &work->request);

        if (got == PAA_TXN_PENDING)
            got = paa_txn_wait(txn, -1);
        if (got != work->expected)
            bench_fail("a request came out as %#x: %s", (unsigned)got,
                       paa_txn_answer(txn)->sentence.data);
        paa_txn_end(&txn);
    }
}
