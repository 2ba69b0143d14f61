/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_PER_S = 1000000000, CALIBRATE_SHARE = 4 };

void bench_fail(const char *format, ...)
{
    va_list args;

    fputs("paa-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        bench_fail("the clock failed");
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- one run ----------------------------------------------------------------------------------- */

static void prepare(const struct bench_case *c, unsigned thread)
{
    if (c->prepare != NULL)
        c->prepare(c->state[thread], c->count);
}

static double run_ns(const struct bench_options *options, const struct bench_case *c,
                     unsigned thread)
{
    clockid_t id = options->cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    uint64_t from = clock_ns(id);

    c->run(c->state[thread], c->count);
    return (double)(clock_ns(id) - from) / (double)c->count;
}

struct half { /* what the second thread does */
    const struct bench_options *options;
    const struct bench_case *c;
    pthread_barrier_t start;
    double ns;
};

static void *second(void *arg)
{
    struct half *half = arg;

    pthread_barrier_wait(&half->start);
    half->ns = run_ns(half->options, half->c, 1);
    return NULL;
}

static double run_one(const struct bench_options *options, const struct bench_case *c)
{
    prepare(c, 0);
    return run_ns(options, c, 0);
}

/* ns an operation of both together: throughputs add up. */
static double run_two(const struct bench_options *options, const struct bench_case *c)
{
    struct half half = { .options = options, .c = c };
    pthread_t thread;
    double ns;

    prepare(c, 0);
    prepare(c, 1);
    if (pthread_barrier_init(&half.start, NULL, BENCH_THREADS) != 0 ||
        pthread_create(&thread, NULL, second, &half) != 0)
        bench_fail("no second thread");
    pthread_barrier_wait(&half.start);
    ns = run_ns(options, c, 0);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&half.start);
    return 1 / (1 / ns + 1 / half.ns);
}

/* Doubles until a run takes a fair part of the slice. */
static void calibrate(const struct bench_options *options, struct bench_case *c)
{
    double slice = (double)options->slice_ns;
    double ns;

    c->count = 1;
    for (unsigned i = 0; i < BENCH_THREADS && c->state[i] != NULL; i++) {
        prepare(c, i);
        c->run(c->state[i], 1);
    }
    while ((ns = run_one(options, c)) * (double)c->count < slice / CALIBRATE_SHARE)
        c->count *= 2;
    c->count = (uint64_t)(slice / ns) + 1;
}

/* ---- statistics -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct spread {
    double median;
    double least;
    double most;
};

static struct spread spread_of(const double *values, unsigned count)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return (struct spread){ sorted[count / 2], sorted[0], sorted[count - 1] };
}

/* Of a to b, round by round: what slows the whole machine slows both. */
static struct spread ratio_of(const double *a, const double *b, unsigned count)
{
    double ratios[BENCH_ROUNDS_MAX];

    for (unsigned i = 0; i < count; i++)
        ratios[i] = a[i] / b[i];
    return spread_of(ratios, count);
}

double bench_ns(const struct bench_case *c, const struct bench_options *options)
{
    return spread_of(c->one, options->rounds).median;
}

double bench_ratio(const struct bench_case *a, const struct bench_case *b,
                   const struct bench_options *options)
{
    return ratio_of(a->one, b->one, options->rounds).median;
}

double bench_speed_up(const struct bench_case *c, const struct bench_options *options)
{
    return c->state[1] != NULL ? ratio_of(c->one, c->two, options->rounds).median : 0;
}

/* ---- the table --------------------------------------------------------------------------------- */

enum { TIME_TEXT = 24 };

static const char *time_text(double ns, char text[TIME_TEXT])
{
    if (ns < 1000)
        snprintf(text, TIME_TEXT, "%.1f ns", ns);
    else if (ns < 1000000)
        snprintf(text, TIME_TEXT, "%.2f us", ns / 1000);
    else
        snprintf(text, TIME_TEXT, "%.2f ms", ns / 1000000);
    return text;
}

static void print_case(const struct bench_options *options, const struct bench_case *c,
                       const struct bench_case *first)
{
    struct spread s = spread_of(c->one, options->rounds);
    char median[TIME_TEXT], least[TIME_TEXT], most[TIME_TEXT];

    printf("%-46s %10s  %10s - %-10s %8.2f", c->name, time_text(s.median, median),
           time_text(s.least, least), time_text(s.most, most),
           ratio_of(c->one, first->one, options->rounds).median);
    if (c->state[1] != NULL)
        printf("  %8.2f", bench_speed_up(c, options));
    printf("\n");
}

void bench_group(const struct bench_options *options, const char *title, struct bench_case *cases,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        calibrate(options, &cases[i]);
    for (unsigned round = 0; round < options->rounds; round++)
        for (size_t i = 0; i < count; i++) {
            cases[i].one[round] = run_one(options, &cases[i]);
            if (cases[i].state[1] != NULL)
                cases[i].two[round] = run_two(options, &cases[i]);
        }
    printf("\n%-46s %10s  %23s %8s  %s\n", title, "median", "min - max      ", "to first",
           "2 threads");
    for (size_t i = 0; i < count; i++)
        print_case(options, &cases[i], &cases[0]);
    fflush(stdout);
}

/* ---- promises ---------------------------------------------------------------------------------- */

static bool has_missed;

const char *bench_verdict(const struct bench_options *options, bool holds)
{
    has_missed = has_missed || (!options->quick && !holds);
    return options->quick ? "-" : holds ? "holds" : "MISSED";
}

bool bench_has_missed(void)
{
    return has_missed;
}

void bench_promise_ratio(const struct bench_options *options, const char *what,
                         const struct bench_case *a, const struct bench_case *b, double least,
                         double most)
{
    struct spread s = ratio_of(a->one, b->one, options->rounds);
    bool holds = s.median >= least && (most <= 0 || s.median <= most);

    printf("  %-7s %s: %.2f (%.2f - %.2f; ", bench_verdict(options, holds), what, s.median, s.least,
           s.most);
    if (most > 0)
        printf("at most %.2f)\n", most);
    else
        printf("at least %.0f)\n", least);
}

void bench_promise_speed_up(const struct bench_options *options, const struct bench_case *c,
                            double least)
{
    double speed_up = bench_speed_up(c, options);

    printf("  %-7s %s, 2 threads: %.2f times one (at least %.2f)\n",
           bench_verdict(options, speed_up >= least), c->name, speed_up, least);
}
