/* SPDX-License-Identifier: MIT */
/*
 * Pins: how a request reads a shared object without a lock, a shared write or an allocation, while
 * another thread replaces it (hazard pointers).
 *
 * A reader owns a struct pins, whose slots only it writes. It stores the object's address in a slot,
 * fences, and looks whether the object is still published there. Who replaces an object retires the old
 * one; it is freed once no slot of any reader holds it. More pins than slots: the set grows (malloc,
 * first time only).
 */
#ifndef SERVICES_PINS_H
#define SERVICES_PINS_H

#include <stdatomic.h>
#include <stddef.h>

enum { PINS_INLINE = 6 };

struct pin_domain; /* one per context: all readers, all retired objects */

struct pins {
    _Atomic(void *) slot[PINS_INLINE];
    struct pins *more; /* further slots, made when they are first needed */
    _Atomic(struct pins *)
        next; /* in the domain's list; readers are added, and leave by pins_leave */
    struct pin_domain *domain;
    size_t used; /* slots in use, 0 .. ; only the owner reads and writes it */
};

struct pin_domain *pin_domain_new(void);
/* No reader is left; frees what is retired. NULL is fine. */
void pin_domain_free(struct pin_domain *domain);
/* In a child after fork, before anything else of the domain: the parent's readers are not here, and what it had
 * retired stays as it is. */
void pin_domain_forget(struct pin_domain *domain);

/* The reader is known to the domain from now until pins_leave. Takes the domain's lock: when a pool grows,
 * not per request. */
void pins_join(struct pins *pins, struct pin_domain *domain);
void pins_leave(struct pins *pins);

/* What is published at *place, pinned until pins_release with a mark at or below; NULL if nothing is, or
 * no memory for a slot. */
void *pins_get(struct pins *pins, _Atomic(void *) *place);
/* Where the set stands; releasing to a mark drops all pins taken since. */
static inline size_t pins_mark(const struct pins *pins)
{
    return pins->used;
}
void pins_release(struct pins *pins, size_t mark);
/* For another thread: object takes the place of the pin at `mark`, which the owner took before and will not release
 * meanwhile. It must not be retired yet. */
void pins_put(struct pins *pins, size_t mark, void *object);

/* The object was taken out of its place: free_fn(object, arg) as soon as nobody pins it, now or in a later
 * call of retire or collect; on the calling thread. The object must not be published anywhere any more. */
void pin_retire(struct pin_domain *domain, void *object, void (*free_fn)(void *object, void *arg),
                void *arg);
void pin_collect(struct pin_domain *domain);

#endif
