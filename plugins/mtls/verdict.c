/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "certificate.h"
#include "codec.h"
#include "str.h"

#include <stdlib.h>

#define CNF_BEGIN "{\"x5t#S256\":\""
#define CNF_END   "\"}"

enum {
    THUMBPRINT_SIZE = BASE64URL_SIZE(PIN_DIGEST_SIZE),
    CNF_SIZE = sizeof CNF_BEGIN - 1 + THUMBPRINT_SIZE + sizeof CNF_END - 1,
    FINGERPRINT_SIZE = 2 * PIN_DIGEST_SIZE
};

/* Takes that many bytes of the text. */
static char *take(char **at, size_t size)
{
    char *taken = *at;

    *at += size;
    return taken;
}

static struct paa_str put(char **at, struct paa_str text)
{
    char *copy = take(at, text.size);

    if (text.data == NULL)
        return STR_NONE;
    memcpy(copy, text.data, text.size);
    return paa_str_of_n(copy, text.size);
}

static struct paa_str put_cnf(char **at, const unsigned char digest[PIN_DIGEST_SIZE])
{
    struct paa_str cnf = put(at, STR(CNF_BEGIN));

    base64url_encode(paa_bytes_of(digest, PIN_DIGEST_SIZE), take(at, THUMBPRINT_SIZE));
    (void)put(at, STR(CNF_END));
    return paa_str_of_n(cnf.data, CNF_SIZE);
}

static struct paa_str put_fingerprint(char **at, const unsigned char digest[PIN_DIGEST_SIZE])
{
    char *text = take(at, FINGERPRINT_SIZE);

    hex_encode(paa_bytes_of(digest, PIN_DIGEST_SIZE), text);
    return paa_str_of_n(text, FINGERPRINT_SIZE);
}

static struct paa_bytes put_question(char **at, const struct ocsp_question *question)
{
    char *copy = take(at, question->size);

    memcpy(copy, question->data, question->size);
    return paa_bytes_of(copy, question->size);
}

/* NULL: no memory. */
static struct verdict *allocate(size_t size, const uint64_t versions[INPUTS_MAX])
{
    struct verdict *verdict = (struct verdict *)calloc(1, size);

    if (verdict == NULL)
        return NULL;
    atomic_init(&verdict->holders, 1);
    atomic_init(&verdict->looked_s, NEVER_S);
    memcpy(verdict->versions, versions, sizeof verdict->versions);
    verdict->size = size;
    return verdict;
}

struct verdict *verdict_new(const struct cert_chain_result *chain, const struct identified *who,
                            struct paa_bytes leaf, const uint64_t versions[INPUTS_MAX])
{
    struct paa_str subject = paa_str_of(who->subject);
    struct paa_str issuer = who->issuer != NULL ? paa_str_of(who->issuer) : STR_NONE;
    char serial[44], *at;
    struct verdict *verdict;
    size_t size;

    serial_text(chain->leaf, serial);
    size = sizeof *verdict + subject.size + issuer.size + strlen(serial) + FINGERPRINT_SIZE +
           CNF_SIZE + leaf.size + chain->question.size;
    verdict = allocate(size, versions);
    if (verdict == NULL)
        return NULL;
    verdict->not_before_s = chain->not_before_s;
    verdict->not_after_s = chain->not_after_s;
    verdict->lists_until_s = chain->lists_until_s;
    at = verdict->text;
    verdict->subject = put(&at, subject);
    verdict->issuer = put(&at, issuer);
    verdict->serial = put(&at, paa_str_of(serial));
    verdict->fingerprint = put_fingerprint(&at, chain->digests.certificate);
    verdict->cnf = put_cnf(&at, chain->digests.certificate);
    verdict->leaf = paa_bytes_of(take(&at, leaf.size), leaf.size);
    memcpy((void *)(uintptr_t)verdict->leaf.data, leaf.data, leaf.size);
    if (chain->question.size > 0)
        verdict->question = put_question(&at, &chain->question);
    return verdict;
}

struct verdict *verdict_of_refusal(const struct cert_chain_finding *finding,
                                   const uint64_t versions[INPUTS_MAX], int64_t until_s)
{
    struct paa_str sentence = paa_str_of(finding->sentence);
    struct verdict *verdict = allocate(sizeof *verdict + sentence.size, versions);
    char *at;

    if (verdict == NULL)
        return NULL;
    at = verdict->text;
    verdict->refusal = finding->reason; /* a literal */
    verdict->sentence = put(&at, sentence);
    verdict->not_after_s = until_s;
    return verdict;
}

struct verdict *verdict_hold(const struct verdict *verdict)
{
    struct verdict *held = (struct verdict *)(uintptr_t)verdict;

    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    return held;
}

void verdict_release(const struct verdict *verdict)
{
    struct verdict *held = (struct verdict *)(uintptr_t)verdict;

    if (held != NULL && atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) == 1)
        free(held);
}
