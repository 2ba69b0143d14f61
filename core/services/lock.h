/* SPDX-License-Identifier: MIT */
/* Locks that are held for a moment only. */
#ifndef SERVICES_LOCK_H
#define SERVICES_LOCK_H

#include <pthread.h>

/* Whoever finds it taken looks again for a little while: to sleep and be woken costs many times what it is held for. */
static inline void lock_init(pthread_mutex_t *lock)
{
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    *lock = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
    (void)pthread_mutex_init(lock, NULL);
#endif
}

#endif
