/* SPDX-License-Identifier: MIT */
/*
 * paa-bench: what PAA promises about speed, measured against its peers in the same run. README: tests/README.md.
 * Its numbers are the machine's; its ratios are what counts.
 */
#include "groups.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, ROUNDS_QUICK = 2, SLICE_MS = 25, NS_PER_MS = 1000000 };
enum { STATUS_MISSED = 1, STATUS_USAGE = 2 };

static const char usage[] =
    "usage: paa-bench [--quick] [--cpu-time] [GROUP ...]\n"
    "       paa-bench --help\n"
    "  --quick     only shows that everything runs: no promise is judged\n"
    "  --cpu-time  of the thread, not of the wall: where others use the machine too\n"
    "  GROUP       chain, rules, attach, tokens, seen, session, allocations, seal, certs, "
    "keys-1e3,\n"
    "              keys-1e5, keys-1e6; without one, all\n"
    "It exits with 0 if each promise holds, with 1 if one is MISSED or something failed, with 2 if "
    "it "
    "was called wrongly.\n";

static void thousand_keys(const struct bench_options *options)
{
    group_keys(options, 1000, false);
}

static void more_keys(const struct bench_options *options)
{
    group_keys(options, options->quick ? 2000 : 100000, false);
}

static void million_keys(const struct bench_options *options)
{
    group_keys(options, options->quick ? 3000 : 1000000, true);
}

static const struct {
    const char *name;
    void (*run)(const struct bench_options *options);
} groups[] = {
    { "chain", group_chain },      { "rules", group_rules },  { "attach", group_attach },
    { "tokens", group_tokens },    { "seen", group_seen },    { "allocations", group_allocations },
    { "session", group_session },  { "seal", group_seal },    { "certs", group_certs },
    { "keys-1e3", thousand_keys }, { "keys-1e5", more_keys }, { "keys-1e6", million_keys },
};

enum { GROUPS = sizeof groups / sizeof groups[0] };

static bool run_named(const struct bench_options *options, const char *name)
{
    bool is_found = name == NULL;

    for (size_t i = 0; i < GROUPS; i++) {
        if (name != NULL && strcmp(name, groups[i].name) != 0)
            continue;
        groups[i].run(options);
        is_found = true;
    }
    return is_found;
}

/* False: there is no such option. */
static bool read_option(struct bench_options *options, const char *text)
{
    if (strcmp(text, "--cpu-time") == 0) {
        options->cpu_time = true;
        return true;
    }
    if (strcmp(text, "--quick") != 0)
        return false;
    options->quick = true;
    options->rounds = ROUNDS_QUICK;
    options->slice_ns = NS_PER_MS / 5;
    return true;
}

static int usage_to(FILE *file, int status)
{
    fputs(usage, file);
    return status;
}

int main(int argc, char **argv)
{
    struct bench_options options = { .rounds = ROUNDS, .slice_ns = (uint64_t)SLICE_MS * NS_PER_MS };
    bool is_any = false;

    atexit(world_remove);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage_to(stdout, 0);
        if (strncmp(argv[i], "--", 2) == 0 && !read_option(&options, argv[i]))
            return usage_to(stderr, STATUS_USAGE);
    }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0)
            continue;
        is_any = true;
        if (!run_named(&options, argv[i]))
            return usage_to(stderr, STATUS_USAGE);
    }
    if (!is_any)
        (void)run_named(&options, NULL);
    return bench_has_missed() ? STATUS_MISSED : 0;
}
