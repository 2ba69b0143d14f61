/* SPDX-License-Identifier: MIT */
/* Runs a verb on the caller's thread, which waits where the verb waits: a lane with one operation. */
#include "command.h"

#include "http.h"
#include "loopback.h"
#include "near.h"
#include "options.h"
#include "store.h"
#include "str.h"

#include <stdlib.h>

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };
enum { HINT_SIZE = 160 };

static void post(struct op_home *home, struct op *op)
{
    struct command_run *run = (struct command_run *)(void *)home;

    (void)op;
    pthread_mutex_lock(&run->lock);
    run->is_posted = true;
    pthread_cond_signal(&run->posted);
    pthread_mutex_unlock(&run->lock);
}

static void await_post(struct command_run *run)
{
    pthread_mutex_lock(&run->lock);
    while (!run->is_posted)
        pthread_cond_wait(&run->posted, &run->lock);
    run->is_posted = false;
    pthread_mutex_unlock(&run->lock);
}

/* ---- finding what to run ------------------------------------------------------------------------- */

/* plugin NULL: of any. */
static bool is_of(const struct instance *instance, const char *plugin)
{
    return plugin == NULL || strcmp(instance->id.plugin, plugin) == 0;
}

static struct instance *instance_named(const struct generation *generation, const char *name,
                                       const char *plugin)
{
    for (size_t i = 0; i < generation->instance_count; i++)
        if (is_of(&generation->instances[i], plugin) &&
            strcmp(generation->instances[i].id.name, name) == 0)
            return &generation->instances[i];
    return NULL;
}

/* The end of a sentence: the name that was meant, perhaps. */
static void hint_at_instance(const struct generation *generation, const char *name,
                             const char *plugin, char ret_hint[HINT_SIZE])
{
    const char **names = malloc((generation->instance_count + 1) * sizeof *names);
    const char *near = NULL;
    size_t count = 0;

    for (size_t i = 0; names != NULL && i < generation->instance_count; i++)
        if (is_of(&generation->instances[i], plugin))
            names[count++] = generation->instances[i].id.name;
    if (names != NULL)
        near = near_word(paa_str_of(name), names, count);
    (void)snprintf(ret_hint, HINT_SIZE, "%s%s%s", near != NULL ? ": did you mean \"" : "",
                   near != NULL ? near : "", near != NULL ? "\"?" : "");
    free(names);
}

static struct instance *find_instance(const struct generation *generation, const char *name,
                                      struct paa_error *error)
{
    struct instance *instance = instance_named(generation, name, NULL);
    char hint[HINT_SIZE];

    if (instance != NULL)
        return instance;
    hint_at_instance(generation, name, NULL, hint);
    (void)context_error(error, "%s: there is no instance %s%s", generation->context->policy_path,
                        name, hint);
    return NULL;
}

/* What it gives to an instance that nobody has, it would give to nobody. */
static bool check_named(const struct generation *generation, const struct option_entry *entry,
                        const char *plugin, struct paa_error *error)
{
    char hint[HINT_SIZE];

    for (size_t i = 0; i < entry->count; i++) {
        const char *name = entry->values[i].string.data;

        if (instance_named(generation, name, plugin) != NULL)
            continue;
        hint_at_instance(generation, name, plugin, hint);
        (void)context_error(error,
                            "%s=%.100s: there is no instance of this name with the plugin %s%s",
                            entry->row->name, name, plugin, hint);
        return false;
    }
    return true;
}

static bool check_instances(const struct generation *generation, const char *plugin,
                            const struct paa_options *arguments, struct paa_error *error)
{
    for (size_t i = 0; i < arguments->count; i++)
        if ((arguments->entries[i].row->flags & PAA_OPTION_INSTANCE) != 0 &&
            !check_named(generation, &arguments->entries[i], plugin, error))
            return false;
    return true;
}

bool command_verb(const struct paa_plugin *slots, size_t index, struct paa_verb *ret_verb)
{
    const unsigned char *rows = (const unsigned char *)slots->verbs;
    size_t size = slots->verb_size < sizeof *ret_verb ? slots->verb_size : sizeof *ret_verb;

    memset(ret_verb, 0, sizeof *ret_verb);
    memcpy(ret_verb, rows + index * slots->verb_size, size);
    return ret_verb->name != NULL && ret_verb->run != NULL;
}

static bool find_verb(const struct instance *instance, const char *name, struct paa_verb *ret_verb,
                      struct paa_error *error)
{
    const struct paa_plugin *slots = instance->slots;
    char names[256] = "";

    for (size_t i = 0; i < slots->verb_count; i++) {
        size_t used = strlen(names);

        if (command_verb(slots, i, ret_verb) && strcmp(ret_verb->name, name) == 0)
            return true;
        (void)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "",
                       ret_verb->name);
    }
    (void)context_error(error, "plugin %s has no verb %s%s%s", instance->id.plugin, name,
                        names[0] != '\0' ? "; it has: " : "", names);
    return false;
}

/* ---- running ----------------------------------------------------------------------------------- */

static bool begin(struct command_run *run, struct instance *instance, const struct paa_verb *verb)
{
    struct op *op = &run->op;

    op->pub.struct_size = sizeof op->pub;
    op->pub.flags = instance->used;
    op->pub.host = instance->id.host;
    op->pub.options = instance->options;
    op->pub.self = instance->id.self;
    op->pub.instance = paa_str_of(instance->id.name);
    op->services = &run->context->services;
    op->home = &run->home;
    op->arena = &run->arena;
    op->pins = &run->pins;
    op->instance = &instance->id;
    op->owner = run;
    op->slot = OP_VERB;
    op->trace = true;
    op->deadline_ms = INT64_MAX;
    list_init(&op->ready);
    op->pub.lane = instance->slots->lane_size > 0
                       ? arena_zalloc(&run->arena, instance->slots->lane_size)
                       : run;
    op->pub.state = verb->state_size > 0 ? arena_zalloc(&run->arena, verb->state_size) : NULL;
    return op->pub.lane != NULL && (op->pub.state != NULL || verb->state_size == 0);
}

static enum paa_result run_verb(struct command_run *run, const struct paa_verb *verb,
                                const struct paa_options *arguments)
{
    struct op *op = &run->op;
    enum paa_result result = op_settle(op, verb->run(&op->pub, arguments));

    while (result == PAA_PENDING) {
        await_post(run);
        result = op_go_on(op);
    }
    if (op->wait.state == OP_WAIT_ARMED && !op->wait.kind->cancel(op))
        await_post(run); /* misuse: it ended while it waited, and what it waits for still runs */
    if (verb->finish != NULL)
        verb->finish(&op->pub);
    if (op->store_lock != NULL)
        store_op_ended(op);
    if (op->fetch != NULL)
        http_op_ended(op);
    if (op->loopback != NULL)
        loopback_op_ended(op);
    return result;
}

static int exit_of(enum paa_result result)
{
    switch (result) {
    case PAA_DONE:
        return EXIT_YES;
    case PAA_REJECT:
    case PAA_ABSENT:
        return EXIT_NO;
    case PAA_UNAVAILABLE:
        return EXIT_UNAVAILABLE;
    default:
        return EXIT_USAGE;
    }
}

/* With lane memory of its own, as a worker has. */
static int run_in_lane(struct command_run *run, struct instance *instance,
                       const struct paa_verb *verb, const struct paa_options *arguments,
                       struct paa_error *error)
{
    const struct paa_plugin *slots = instance->slots;
    void *self = instance->id.self;
    bool has_lane = slots->lane_size > 0;
    enum paa_result result;

    if (has_lane && slots->lane_init != NULL &&
        slots->lane_init(run->op.pub.lane, self) != PAA_STATUS_OK) {
        (void)context_error(error, "plugin %s could not make its lane memory", instance->id.plugin);
        return EXIT_USAGE;
    }
    result = run_verb(run, verb, arguments);
    if (has_lane && slots->lane_done != NULL)
        slots->lane_done(run->op.pub.lane, self);
    command_print(run);
    if (result != PAA_DONE)
        (void)context_error(error, "%.*s", STR_ARGS(run->op.sentence));
    return exit_of(result);
}

static int run_command(struct command_run *run, const struct generation *generation,
                       struct paa_error *error)
{
    const struct paa_command *command = run->command;
    struct instance *instance = find_instance(generation, command->instance, error);
    struct paa_options *arguments;
    struct paa_verb verb;

    if (instance == NULL || !find_verb(instance, command->verb, &verb, error))
        return EXIT_USAGE;
    arguments = options_from_words(command->arguments, command->argument_count,
                                   &(struct option_rows){ verb.arguments, verb.argument_count,
                                                          instance->slots->option_size },
                                   command->verb, ".", &run->arena, error);
    if (arguments == NULL || !check_instances(generation, instance->id.plugin, arguments, error))
        return EXIT_USAGE;
    if (!begin(run, instance, &verb)) {
        (void)context_error(error, "no memory is left for the verb");
        return EXIT_USAGE;
    }
    return run_in_lane(run, instance, &verb, arguments, error);
}

int paa_context_run(struct paa_context *context, const struct paa_command *command,
                    struct paa_error *error)
{
    struct generation *generation;
    struct command_run *run;
    int status;

    if (!struct_fits(command, sizeof *command) || command->instance == NULL ||
        command->verb == NULL || (command->flags & ~(uint32_t)PAA_COMMAND_JSON) != 0 ||
        (command->arguments == NULL && command->argument_count > 0)) {
        (void)context_error(error,
                            "the command names no instance or verb, or holds an unknown flag");
        return EXIT_USAGE;
    }
    if (context_start(context, error) != 0)
        return EXIT_UNAVAILABLE;
    if ((run = calloc(1, sizeof *run)) == NULL) {
        (void)context_error(error, "no memory is left for the verb");
        return EXIT_USAGE;
    }
    run->home.post = post;
    run->context = context;
    run->command = command;
    run->is_json = (command->flags & PAA_COMMAND_JSON) != 0;
    run->rows_end = &run->rows;
    arena_init(&run->arena, NULL, 0, COMMAND_OUTPUT_MAX);
    pins_join(&run->pins, context->services.pins);
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->posted, NULL);
    generation = generation_hold(context);
    if (error != NULL)
        error->text[0] = '\0';
    status = run_command(run, generation, error);
    pins_release(&run->pins, 0);
    pins_leave(&run->pins);
    arena_free(&run->arena);
    generation_let_go(generation);
    pthread_cond_destroy(&run->posted);
    pthread_mutex_destroy(&run->lock);
    free(run);
    log_deliver(&context->services.log);
    return status;
}
