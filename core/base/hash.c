/* SPDX-License-Identifier: MIT */
/*
 * SipHash (Aumasson and Bernstein, 2012) with one round a word and three at the end. Each round waits for the one
 * before, so a long key takes its time.
 *
 * What is long is summed up first, block by block, by NH of UMAC (Black, Halevi, Krawczyk, Krovetz and Rogaway, 1999):
 * the sum of (m0 + k0) * (m1 + k1) over a block's pairs of 32-bit words, modulo 2^64. For one key in 2^32 two blocks
 * have the same sum, and nobody who does not know the key can tell which. The sums and the size go through SipHash,
 * since the bits of a sum alone are not even.
 */
#include "hash.h"

#include "cpu.h"
#include "hint.h"

#include <string.h>
#ifdef CPU_HAS_AVX2
#include <immintrin.h>
#endif

struct state {
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
};

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(struct state *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = rotate(s->b, 17) ^ s->c;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c = rotate(s->c, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    s->a ^= word;
}

/* Little-endian, whatever the machine; compilers make one load of it. */
static inline uint64_t load_word(const unsigned char *in)
{
    return (uint64_t)in[0] | (uint64_t)in[1] << 8 | (uint64_t)in[2] << 16 | (uint64_t)in[3] << 24 |
           (uint64_t)in[4] << 32 | (uint64_t)in[5] << 40 | (uint64_t)in[6] << 48 |
           (uint64_t)in[7] << 56;
}

static inline struct state begin(const struct hash_key *key)
{
    return (struct state){ key->word[0] ^ 0x736f6d6570736575u, key->word[1] ^ 0x646f72616e646f6du,
                           key->word[0] ^ 0x6c7967656e657261u, key->word[1] ^ 0x7465646279746573u };
}

static inline uint64_t finish(struct state s)
{
    s.c ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t size)
{
    struct state s = begin(key);
    const unsigned char *in = data;
    uint64_t last = (uint64_t)size << 56;
    size_t left = size;

    for (; left >= 8; left -= 8, in += 8)
        absorb(&s, load_word(in));
    while (left > 0) {
        left--;
        last |= (uint64_t)in[left] << 8 * left;
    }
    absorb(&s, last);
    return finish(s);
}

/* ---- long keys ---------------------------------------------------------------------------------- */

enum { STRIDE = 32, BLOCK = HASH_BLOCK_WORDS * 4, SHORT_MAX = STRIDE - 1 }; /* bytes */

static inline uint32_t load_half(const unsigned char *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

/* Of whole strides, a block at most, as the next one. */
static uint64_t sum_plain(const unsigned char *in, size_t size, const uint32_t *key)
{
    uint64_t sum = 0;

    for (size_t at = 0; at < size; at += 8, key += 2)
        sum += (uint64_t)(load_half(in + at) + key[0]) * (load_half(in + at + 4) + key[1]);
    return sum;
}

#ifdef CPU_HAS_AVX2
CPU_WITH_AVX2 static inline __m256i products_avx2(const unsigned char *in, const uint32_t *key)
{
    __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)in);

    words = _mm256_add_epi32(words, _mm256_loadu_si256((const __m256i *)(const void *)key));
    return _mm256_mul_epu32(words, _mm256_srli_epi64(words, 32));
}

/* Four pairs at a time; four times that in a turn, for a loop of few turns ends as the processor expects. */
CPU_WITH_AVX2 static uint64_t sum_avx2(const unsigned char *in, size_t size, const uint32_t *key)
{
    enum { WORDS = STRIDE / 4 };
    __m256i sum = _mm256_setzero_si256();
    uint64_t lanes[4];
    size_t at = 0;

    for (; at + 4 * (size_t)STRIDE <= size; at += 4 * (size_t)STRIDE, key += 4 * WORDS) {
        sum = _mm256_add_epi64(sum, products_avx2(in + at, key));
        sum = _mm256_add_epi64(sum, products_avx2(in + at + STRIDE, key + WORDS));
        sum = _mm256_add_epi64(sum, products_avx2(in + at + 2 * STRIDE, key + 2 * WORDS));
        sum = _mm256_add_epi64(sum, products_avx2(in + at + 3 * STRIDE, key + 3 * WORDS));
    }
    for (; at < size; at += STRIDE, key += WORDS)
        sum = _mm256_add_epi64(sum, products_avx2(in + at, key));
    memcpy(lanes, &sum, sizeof lanes);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}
#endif

static uint64_t sum_of(const unsigned char *in, size_t size, const uint32_t *key)
{
#ifdef CPU_HAS_AVX2
    if (LIKELY(CPU_HAS_AVX2 && size > STRIDE))
        return sum_avx2(in, size, key);
#endif
    return sum_plain(in, size, key);
}

void hash_long_key_make(const struct hash_key *base, struct hash_long_key *ret_key)
{
    ret_key->base = *base;
    for (uint64_t i = 0; i < HASH_BLOCK_WORDS; i += 2) {
        uint64_t word = hash_bytes(base, &i, sizeof i);

        ret_key->block[i] = (uint32_t)word;
        ret_key->block[i + 1] = (uint32_t)(word >> 32);
    }
}

/* What is left of a stride is summed up with the bytes before it, under key words of its own. */
uint64_t hash_long(const struct hash_long_key *key, const void *data, size_t size)
{
    const unsigned char *in = data;
    struct state s;
    size_t left = size, whole;
    uint64_t sum;

    if (UNLIKELY(size <= SHORT_MAX))
        return hash_bytes(&key->base, data, size);
    s = begin(&key->base);
    for (; UNLIKELY(left > BLOCK); left -= BLOCK, in += BLOCK)
        absorb(&s, sum_of(in, BLOCK, key->block));
    whole = left - left % STRIDE;
    sum = sum_of(in, whole, key->block);
    if (LIKELY(whole < left))
        sum += sum_of(in + left - STRIDE, STRIDE, key->block + whole / 4);
    absorb(&s, sum);
    absorb(&s, size);
    return finish(s);
}
