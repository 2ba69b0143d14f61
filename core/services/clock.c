/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include "hint.h"
#include "op.h"
#include "services.h"
#include "units.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <time.h>

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, MS_PER_S = 1000 };

static int64_t system_ns(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        return -1;
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* time(): the same clock as CLOCK_REALTIME_COARSE, at a fifth of its price. */
int64_t clock_now_s(const struct clock *clock)
{
    int64_t ns;

    if (LIKELY(clock->real_fn == NULL))
        return time(NULL);
    ns = clock->real_fn(clock->user);
    return ns < 0 ? -1 : ns / NS_PER_S;
}

int64_t clock_real_ms(const struct clock *clock)
{
    int64_t ns =
        clock->real_fn != NULL ? clock->real_fn(clock->user) : system_ns(CLOCK_REALTIME_COARSE);

    return ns < 0 ? -1 : ns / NS_PER_MS;
}

int64_t clock_now_ms(const struct clock *clock)
{
    struct timespec now;

    if (UNLIKELY(clock->monotonic_fn != NULL))
        return clock->monotonic_fn(clock->user) / NS_PER_MS;
    if (UNLIKELY(clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0))
        return -1;
    return (int64_t)now.tv_sec * MS_PER_S + (uint32_t)now.tv_nsec / (uint32_t)NS_PER_MS;
}

int64_t clock_exact_ns(const struct clock *clock)
{
    return clock->monotonic_fn != NULL ? clock->monotonic_fn(clock->user)
                                       : system_ns(CLOCK_MONOTONIC);
}

int chance_fill(const struct chance *chance, void *ret_bytes, size_t size)
{
    int is_done;

    if (chance->random_fn != NULL)
        return chance->random_fn(ret_bytes, size, chance->user) == 0 ? 0 : -1;
    ERR_set_mark();
    is_done = size <= INT32_MAX && RAND_priv_bytes(ret_bytes, (int)size) == 1;
    ERR_pop_to_mark();
    return is_done ? 0 : -1;
}
