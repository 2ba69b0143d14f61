/* SPDX-License-Identifier: MIT */
/* What a lane has of a generation: the pin that keeps it alive, lane memory of its instances, counters. */
#include "engine.h"
#include "hint.h"

#include <stdlib.h>

static void free_lane_memory(struct lane_generation *lg)
{
    struct generation *generation = lg->generation;

    for (size_t i = 0; i < generation->instance_count; i++) {
        const struct instance *instance = &generation->instances[i];

        if (lg->memory[i] == NULL || instance->slots->lane_size == 0)
            continue;
        if (instance->slots->lane_done != NULL)
            instance->slots->lane_done(lg->memory[i], instance->id.self);
        secret_wipe(lg->memory[i], instance->slots->lane_size);
        free(lg->memory[i]);
    }
}

/* Its counts go to the context's totals, its memory back, and one holder of the generation less. */
void lane_generation_free(struct paa_context *context, struct lane_generation *lg)
{
    free_lane_memory(lg);
    pthread_mutex_lock(&context->lock);
    counters_fold(context->counters, lg);
    generation_drop(lg->generation);
    pthread_mutex_unlock(&context->lock);
    context_bury(context);
    free(lg);
}

/* Older generations that no transaction uses any more. */
static void sweep(struct paa_lane *lane)
{
    struct lane_generation **at = &lane->generation->older;

    while (*at != NULL) {
        struct lane_generation *lg = *at;

        if (lg->live > 0) {
            at = &lg->older;
            continue;
        }
        pthread_mutex_lock(&lane->context->lock);
        *at = lg->older;
        pthread_mutex_unlock(&lane->context->lock);
        lane_generation_free(lane->context, lg);
    }
}

static struct lane_generation *lane_generation_new(struct paa_context *context)
{
    struct generation *generation;
    struct lane_generation *lg;
    size_t results, decisions;

    pthread_mutex_lock(&context->lock);
    generation = atomic_load(&context->current);
    generation->holders++;
    pthread_mutex_unlock(&context->lock);
    results = generation->instance_count * COUNTER_RESULTS;
    decisions = generation->service_count * COUNTER_ROWS;
    lg = calloc(1, sizeof *lg + generation->instance_count * sizeof *lg->memory +
                       (results + decisions) * sizeof *lg->results);
    if (lg == NULL) {
        pthread_mutex_lock(&context->lock);
        generation_drop(generation);
        pthread_mutex_unlock(&context->lock);
        context_bury(context);
        return NULL;
    }
    lg->generation = generation;
    lg->memory = (void **)(void *)(lg + 1);
    lg->results = (uint64_t *)(void *)(lg->memory + generation->instance_count);
    lg->decisions = lg->results + results;
    return lg;
}

static bool switch_generation(struct paa_lane *lane)
{
    struct lane_generation *lg = lane_generation_new(lane->context);

    if (lg == NULL)
        return false;
    pthread_mutex_lock(&lane->context->lock); /* counters walk this list */
    lg->older = lane->generation;
    lane->generation = lg;
    pthread_mutex_unlock(&lane->context->lock);
    sweep(lane);
    return true;
}

struct lane_generation *lane_pin(struct paa_lane *lane)
{
    struct generation *current =
        atomic_load_explicit(&lane->context->current, memory_order_acquire);

    if (UNLIKELY(lane->generation == NULL || lane->generation->generation != current) &&
        !switch_generation(lane))
        return NULL;
    lane->generation->live++;
    return lane->generation;
}

void lane_unpin(struct paa_lane *lane, struct lane_generation *lg)
{
    lg->live--;
    if (UNLIKELY(lg != lane->generation) && lg->live == 0)
        sweep(lane);
}

static char no_memory_wanted;

static void *make_lane_memory(struct lane_generation *lg, struct instance *instance)
{
    size_t size = instance->slots->lane_size;
    void *memory = size > 0 ? calloc(1, size) : &no_memory_wanted;

    if (memory != NULL && size > 0 && instance->slots->lane_init != NULL &&
        instance->slots->lane_init(memory, instance->id.self) != PAA_STATUS_OK) {
        free(memory);
        return NULL;
    }
    lg->memory[instance->index] = memory;
    return memory;
}

void *lane_memory(struct lane_generation *lg, struct instance *instance)
{
    void *memory = lg->memory[instance->index];

    return memory != NULL ? memory : make_lane_memory(lg, instance);
}
