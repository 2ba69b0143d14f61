/* SPDX-License-Identifier: MIT */
/*
 * Client certificates: on a connection that is kept, on a new connection with one that is remembered, and one that nobody
 * has seen; then what many anchors and a long revocation list cost.
 *
 * What mtls takes to look is the transaction's time less that of the same one with a plugin that says the same of everybody
 * (vouch.c). Raw is what a program with libcrypto alone cannot do without.
 */
#include "allocations.h"
#include "cert_chain.h"
#include "crl.h"
#include "groups.h"
#include "identity.h"
#include "issued.h"
#include "pace.h"
#include "verdict.h"
#include "world.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIELDS = 4,
    ANCHORS = 1000,
    ANCHORS_QUICK = 20,
    ENTRIES = 100000,
    ENTRIES_QUICK = 1000,
    ANCHOR_PEM = 1024,
    NS_PER_MS = 1000000,
    MIB = 1024 * 1024
};

#define SERVICE(step)                                                                              \
    "services = { api = { direction = \"incoming\"; chain = ( { required = \"" step "\" } ); }; "  \
    "};\n"

static const char policy[] = "instances = { peers = { plugin = \"mtls\"; trust = \"ca.pem\"; }; "
                             "};\n" SERVICE("peers");
static const char nothing[] =
    "instances = { anybody = { plugin = \"" BENCH_VOUCH "\"; }; };\n" SERVICE("anybody");

/* ---- whole transactions --------------------------------------------------------------------------- */

struct connecting { /* one thread's */
    struct work work;
    const struct host *host;
    struct paa_bytes der;
    struct paa_peer *peer;
};

static void show(struct paa_peer *peer, void *user)
{
    const struct connecting *c = user;

    (void)paa_peer_cert(peer, c->der);
}

static void open_peer(struct connecting *c)
{
    struct paa_peer_options options;

    paa_init(&options, sizeof options);
    options.flags = PAA_PEER_TLS;
    options.cert_fn = show;
    options.user = c;
    if (paa_peer_open(&c->peer, c->host->context, &options) != 0)
        bench_fail("no peer");
    c->work.request.peer = c->peer;
}

static void init(struct connecting *c, const struct host *host, unsigned thread,
                 struct paa_bytes der)
{
    memset(c, 0, sizeof *c);
    work_init(&c->work, host, thread, FIELDS);
    c->host = host;
    c->der = der;
    open_peer(c);
}

static void on_kept(void *state, uint64_t count)
{
    work_run(&((struct connecting *)state)->work, count);
}

static void on_new(void *state, uint64_t count)
{
    struct connecting *c = state;

    for (uint64_t i = 0; i < count; i++) {
        paa_peer_close(&c->peer);
        open_peer(c);
        work_run(&c->work, 1);
    }
}

static void sha256(void *state, uint64_t count)
{
    const struct connecting *c = state;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[32];

    for (uint64_t i = 0; i < count; i++)
        if (EVP_DigestInit_ex(context, i == 0 ? EVP_sha256() : NULL, NULL) != 1 ||
            EVP_DigestUpdate(context, c->der.data, c->der.size) != 1 ||
            EVP_DigestFinal_ex(context, digest, NULL) != 1)
            bench_fail("SHA-256");
    EVP_MD_CTX_free(context);
}

enum { KEPT, VOUCHED, NEW_SEEN, NEW_VOUCHED, SHA, REFUSED, CONNECTIONS, PACE = CONNECTIONS, CASES };

static void write_ca(const struct issued *ca)
{
    char path[WORLD_PATH], pem[ISSUED_PEM_MAX] = "";

    issued_pem(ca, pem);
    world_path(path, "ca.pem");
    world_write(path, pem);
}

/* Of now, not of the tests' time. */
static struct recipe now(struct recipe recipe)
{
    recipe.from_s = (int64_t)time(NULL) - ISSUED_NOW_S - ISSUED_DAY_S;
    recipe.until_s = recipe.from_s + 30 * (int64_t)ISSUED_DAY_S;
    return recipe;
}

static struct issued *ca_of_now(const char *name)
{
    struct recipe recipe = now((struct recipe){
        .name = name, .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign" });

    return issue(&recipe, NULL);
}

static struct issued *client_of_now(const struct issued *ca)
{
    struct recipe recipe = now((struct recipe){ .name = "orders",
                                                .organization = "Example",
                                                .extended = "clientAuth",
                                                .names = "DNS:orders.example.com" });

    return issue(&recipe, ca);
}

static void connections(const struct bench_options *options)
{
    static struct connecting all[CONNECTIONS][BENCH_THREADS];
    static struct bench_case cases[CASES];
    static const char *const names[CONNECTIONS] = {
        "a certificate on a kept connection",    "the same, vouched for without a look",
        "a remembered one on a new connection",  "the same, vouched for without a look",
        "one SHA-256 of its DER (kept context)", "a refused one on a kept connection"
    };
    static void (*const runs[CONNECTIONS])(void *, uint64_t) = { on_kept, on_kept, on_new,
                                                                 on_new,  sha256,  on_kept };
    struct issued *ca = ca_of_now("Bench CA"), *client = client_of_now(ca);
    struct issued *stranger = client_of_now(NULL);
    struct paa_bytes der = issued_der(client), strange = issued_der(stranger);
    struct host host, bare;

    write_ca(ca);
    host_open_text(&host, policy, PAA_INCOMING);
    host_open_text(&bare, nothing, PAA_INCOMING);
    memset(cases, 0, sizeof cases);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        cases[i].name = names[i];
        cases[i].run = runs[i];
        for (unsigned t = 0; t < BENCH_THREADS; t++) {
            init(&all[i][t], i == VOUCHED || i == NEW_VOUCHED ? &bare : &host, t,
                 i == REFUSED ? strange : der);
            if (i == REFUSED)
                all[i][t].work.expected = PAA_TXN_ANSWER;
            cases[i].state[t] = &all[i][t];
        }
    }
    pace_case(&cases[PACE]);
    bench_group(options, "client certificates, the whole transaction", cases, CASES);
    pace_promise_between(options, "the look at a kept connection", &cases[KEPT], &cases[VOUCHED],
                         &cases[PACE], 60, 30);
    bench_promise_ratio(options, "a remembered one, new connection and all, to SHA-256",
                        &cases[NEW_SEEN], &cases[SHA], 0, 3);
    bench_promise_ratio(options, "a refused one on a kept connection, to one that is let in",
                        &cases[REFUSED], &cases[KEPT], 0, 5);
    bench_promise_speed_up(options, &cases[KEPT], 1.9);
    allocations_promise("a certificate on a kept connection", on_kept, &all[KEPT][0]);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        for (unsigned t = 0; t < BENCH_THREADS; t++)
            paa_peer_close(&all[i][t].peer);
    host_close(&host);
    host_close(&bare);
    OPENSSL_free((void *)(uintptr_t)der.data);
    OPENSSL_free((void *)(uintptr_t)strange.data);
    issued_free(client);
    issued_free(stranger);
    issued_free(ca);
}

/* ---- never seen ---------------------------------------------------------------------------------- */

struct checking {
    struct presented presented;
    struct cert_chain_rules rules;
    struct cert_chain_input input;
    struct identity_rules identity;
};

static void raw(void *state, uint64_t count)
{
    struct checking *c = state;

    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *at = c->presented.der[0].data;
        X509 *leaf = d2i_X509(NULL, &at, (long)c->presented.der[0].size);
        X509_STORE_CTX *context = X509_STORE_CTX_new();

        if (leaf == NULL ||
            X509_STORE_CTX_init(context, c->input.anchors->store, leaf, NULL) != 1 ||
            X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) != 1 ||
            X509_verify_cert(context) != 1)
            bench_fail("a good certificate is refused");
        X509_STORE_CTX_free(context);
        X509_free(leaf);
    }
}

static void ours(void *state, uint64_t count)
{
    static const uint64_t versions[INPUTS_MAX];
    struct checking *c = state;

    for (uint64_t i = 0; i < count; i++) {
        struct cert_chain_result chain;
        struct identified who;
        struct verdict *verdict;
        struct cert_chain_finding finding = cert_chain_verify(&c->presented, &c->input, &chain);

        if (finding.verdict == CERT_CHAIN_GOOD)
            finding = identity_of(&chain, &c->identity, &who);
        if (finding.verdict != CERT_CHAIN_GOOD)
            bench_fail("a good certificate is refused: %s", finding.sentence);
        verdict = verdict_new(&chain, &who, c->presented.der[0], versions);
        verdict_release(verdict);
        identity_done(&who);
        cert_chain_done(&chain);
    }
}

static struct anchors *read_anchors(struct paa_bytes pem)
{
    char why[ANCHORS_WHY_SIZE];
    struct anchors *anchors = anchors_read(&pem, 1, "trust", why);

    if (anchors == NULL)
        bench_fail("%s", why);
    return anchors;
}

static void checking_init(struct checking *c, const struct anchors *anchors, struct paa_bytes der)
{
    memset(c, 0, sizeof *c);
    (void)presented_add(&c->presented, der);
    c->rules.depth = CERT_CHAIN_DEPTH_DEFAULT;
    c->identity.identity = IDENTITY_SUBJECT;
    c->input.rules = &c->rules;
    c->input.anchors = anchors;
    c->input.now_s = (int64_t)time(NULL);
}

static void measure_first(const struct bench_options *options, const char *title,
                          const struct anchors *anchors, const struct issued *client)
{
    static struct checking checking[BENCH_THREADS];
    struct paa_bytes der = issued_der(client);
    struct bench_case cases[2];

    memset(cases, 0, sizeof cases);
    cases[0] = (struct bench_case){ .name = "raw: d2i_X509 and X509_verify_cert", .run = raw };
    cases[1] = (struct bench_case){ .name = "a certificate never seen before", .run = ours };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        checking_init(&checking[i], anchors, der);
        cases[0].state[i] = cases[1].state[i] = &checking[i];
    }
    bench_group(options, title, cases, 2);
    bench_promise_ratio(options, "a first verification to the raw one", &cases[1], &cases[0], 0,
                        1.3);
    OPENSSL_free((void *)(uintptr_t)der.data);
}

/* Of this thread, if that is what is asked for: what is done once has no median. */
static uint64_t time_ns(const struct bench_options *options)
{
    struct timespec now = { 0, 0 };

    if (!options->cpu_time)
        return bench_now_ns();
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* ---- many anchors, a long list -------------------------------------------------------------------- */

static void many_anchors(const struct bench_options *options, size_t count)
{
    char *pem = calloc(count, ANCHOR_PEM), title[64];
    struct issued *last = NULL, *client;
    uint64_t from, resident;
    struct anchors *anchors;

    if (pem == NULL)
        bench_fail("no memory");
    for (size_t i = 0, at = 0; i < count; i++) {
        char name[32], one[ISSUED_PEM_MAX] = "";

        issued_free(last);
        snprintf(name, sizeof name, "Bench CA %zu", i);
        last = ca_of_now(name);
        issued_pem(last, one);
        if (strlen(one) >= ANCHOR_PEM)
            bench_fail("a certificate is larger than was thought");
        memcpy(pem + at, one, strlen(one) + 1);
        at += strlen(one);
    }
    resident = world_resident();
    from = time_ns(options);
    anchors = read_anchors(paa_bytes_of(pem, strlen(pem)));
    printf("\n  %zu anchors: read in %.1f ms, %.1f MiB more resident memory, %.0f bytes each\n",
           count, (double)(time_ns(options) - from) / NS_PER_MS,
           (double)(world_resident() - resident) / MIB,
           (double)(world_resident() - resident) / (double)count);
    client = client_of_now(last);
    snprintf(title, sizeof title, "client certificates, %zu anchors", count);
    measure_first(options, title, anchors, client);
    anchors_free(anchors);
    issued_free(client);
    issued_free(last);
    free(pem);
}

static void long_list(const struct bench_options *options, const struct issued *ca,
                      const struct issued *client, size_t count)
{
    static const char *const names[] = { "first look, signature and all", "later looks" };
    struct list_recipe recipe = { .more = count };
    struct paa_bytes der;
    uint64_t from, resident;
    struct crl_set *set;
    char why[CRL_WHY_SIZE];
    int64_t now_s = (int64_t)time(NULL);

    recipe.from_s = now_s - ISSUED_NOW_S - 3600;
    recipe.until_s = recipe.from_s + ISSUED_DAY_S;
    der = issue_list(&recipe, ca);
    resident = world_resident();
    from = time_ns(options);
    set = crl_set_read(&der, 1, "crl", why);
    if (set == NULL)
        bench_fail("%s", why);
    printf("\n  a list of %zu entries, %.1f MiB of DER: read in %.1f ms; kept: %.1f MiB; %.1f MiB "
           "more resident memory, what libcrypto needed in between included\n",
           count, (double)der.size / MIB, (double)(time_ns(options) - from) / NS_PER_MS,
           (double)crl_set_bytes(set) / MIB, (double)(world_resident() - resident) / MIB);
    for (int i = 0; i < 2; i++) {
        const struct crl_set *const sets[] = { set };

        from = time_ns(options);
        if (crl_ask(sets, 1, client->x509, ca->x509, now_s).answer != CRL_GOOD)
            bench_fail("a good certificate is on the list");
        printf("    %s: %.1f us\n", names[i], (double)(time_ns(options) - from) / 1000);
    }
    crl_set_free(set);
    OPENSSL_free((void *)(uintptr_t)der.data);
}

void group_certs(const struct bench_options *options)
{
    struct issued *ca = ca_of_now("Bench CA"), *client = client_of_now(ca);
    char pem[ISSUED_PEM_MAX] = "";
    struct anchors *anchors;

    connections(options);
    issued_pem(ca, pem);
    anchors = read_anchors(paa_bytes_of(pem, strlen(pem)));
    measure_first(options, "client certificates, one anchor", anchors, client);
    anchors_free(anchors);
    many_anchors(options, options->quick ? ANCHORS_QUICK : ANCHORS);
    long_list(options, ca, client, options->quick ? ENTRIES_QUICK : ENTRIES);
    issued_free(client);
    issued_free(ca);
    world_remove();
}
