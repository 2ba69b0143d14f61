/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include <openssl/evp.h>
#include <stdio.h>

enum { TEXT = 64 };

static EVP_MD_CTX *context; /* freed by no one: the program ends with it */

static void run(void *state, uint64_t count)
{
    unsigned char *text = state, digest[EVP_MAX_MD_SIZE];

    for (uint64_t i = 0; i < count; i++) {
        if (EVP_DigestInit_ex2(context, NULL, NULL) != 1 ||
            EVP_DigestUpdate(context, text, TEXT) != 1 ||
            EVP_DigestFinal_ex(context, digest, NULL) != 1)
            bench_fail("libcrypto digests no more");
        text[0] = digest[0]; /* the next one waits for it */
    }
}

void pace_case(struct bench_case *ret_case)
{
    static unsigned char text[TEXT];

    if (context == NULL)
        context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex2(context, EVP_sha256(), NULL) != 1)
        bench_fail("libcrypto has no SHA-256");
    *ret_case = (struct bench_case){ .name = "the pace: EVP SHA-256 of 64 bytes",
                                     .run = run,
                                     .state = { text } };
}

static void promise(const struct bench_options *options, const char *what, double ratio,
                    double here, double most, double aim)
{
    double ns = ratio * PACE_NS;

    printf("  %-7s %s: %.0f ns where the pace is %d (at most %.0f, aim %.0f); %.0f ns here\n",
           bench_verdict(options, ns <= most), what, ns, PACE_NS, most, aim, here);
}

void pace_promise(const struct bench_options *options, const struct bench_case *c,
                  const struct bench_case *pace, double most, double aim)
{
    promise(options, c->name, bench_ratio(c, pace, options), bench_ns(c, options), most, aim);
}

void pace_promise_between(const struct bench_options *options, const char *what,
                          const struct bench_case *with, const struct bench_case *without,
                          const struct bench_case *pace, double most, double aim)
{
    promise(options, what, bench_ratio(with, pace, options) - bench_ratio(without, pace, options),
            bench_ns(with, options) - bench_ns(without, options), most, aim);
}
