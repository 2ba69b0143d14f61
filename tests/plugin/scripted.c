/* SPDX-License-Identifier: MIT */
/*
 * The scripted test plugin: slots, tables, and the walk over a script. scripted.h says what it can do and
 * how; scripted_waits.c, scripted_effects.c and scripted_keys.c hold the words.
 */
#include "scripted_run.h"

#include <stdlib.h>

enum { WORD_MAX = 4096, DEFAULT_USABLE_S = 60 };

PAA_API struct scripted_counts paa_scripted_counts;

static void count(atomic_ulong *counter)
{
    atomic_fetch_add(counter, 1);
}

void busy_rounds(uint64_t thousands)
{
    volatile uint64_t sink = 0;

    for (uint64_t i = 0; i < thousands * 1000; i++)
        sink = sink + i;
}

/* ---- words ------------------------------------------------------------------------------------ */

/* Takes the next word and how often it is to be done: "after:5*3". */
static bool next_word(struct run *run)
{
    size_t at;

    if (!str_next(&run->rest, " ", &run->word))
        return false;
    at = str_find(run->word, '*', 0);
    run->left = at < run->word.size ? number_of(str_slice(run->word, at + 1, run->word.size)) : 1;
    run->word = str_slice(run->word, 0, at);
    return true;
}

static const struct script_word *find_word(struct paa_str name)
{
    const struct script_word *const tables[] = { script_waits, script_effects, script_keys };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct script_word *w = tables[i]; w->name != NULL; w++)
            if (paa_str_eq(name, w->name))
                return w;
    return NULL;
}

/* The argument with its blanks. */
static struct paa_str argument_of(struct paa_op *op, struct paa_str arg)
{
    char *text;

    if (str_find(arg, '~', 0) == arg.size)
        return arg;
    text = (char *)op->host->alloc(op, arg.size);
    if (text == NULL)
        return arg;
    for (size_t i = 0; i < arg.size; i++)
        text[i] = arg.data[i] == '~' ? ' ' : arg.data[i];
    return paa_str_of_n(text, arg.size);
}

static bool needs_table(struct paa_str name)
{
    return str_starts(name, STR("store_"));
}

static bool do_word(struct paa_op *op, struct run *run, enum paa_result *ret_result)
{
    const struct scripted *self = (const struct scripted *)op->self;
    size_t at = str_find(run->word, ':', 0);
    struct paa_str name = str_slice(run->word, 0, at);
    struct paa_str arg =
        at < run->word.size ? str_slice(run->word, at + 1, run->word.size) : STR("");
    const struct script_word *word = find_word(name);

    if (word != NULL && (!needs_table(name) || (self != NULL && self->table != NULL)))
        return word->fn(op, run, argument_of(op, arg), ret_result);
    *ret_result = paa_fail(op, PAA_FAULT, "script", "%s word: %.*s",
                           word == NULL ? "unknown" : "no table is open for the", STR_ARGS(name));
    return true;
}

static enum paa_result at_the_end(enum script_slot slot)
{
    switch (slot) {
    case SCRIPT_VERIFY:
    case SCRIPT_ATTACH:
        return PAA_ACCEPT;
    case SCRIPT_CHALLENGE:
    case SCRIPT_ANSWERED:
    case SCRIPT_DESCRIBE:
        return PAA_ABSENT;
    case SCRIPT_CREATE:
    case SCRIPT_LANE_INIT:
    case SCRIPT_SERVE:
    case SCRIPT_PRODUCE:
    case SCRIPT_DECODE:
    case SCRIPT_FINISH:
    case SCRIPT_VERB:
        break;
    }
    return PAA_DONE;
}

enum paa_result run_words(struct paa_op *op, struct run *run)
{
    enum paa_result result;

    while (run->left > 0 || next_word(run)) {
        if (run->left == 0) /* WORD*0 */
            continue;
        run->left--;
        if (do_word(op, run, &result))
            return result;
    }
    return at_the_end(run->slot);
}

enum paa_result run_guarded(struct paa_op *op, struct run *run)
{
    const struct scripted *self = (const struct scripted *)op->self;
    struct lane *lane = (struct lane *)op->lane;
    enum paa_result result;

    if (self->alive != SCRIPTED_ALIVE)
        count(&paa_scripted_counts.late);
    if (lane == NULL || lane->self != self)
        count(&paa_scripted_counts.wrong_lanes);
    if (lane == NULL)
        return PAA_FAULT;
    if (atomic_flag_test_and_set(&lane->busy))
        count(&paa_scripted_counts.overlaps);
    result = run_words(op, run);
    atomic_flag_clear(&lane->busy);
    return result;
}

/* ---- slots ------------------------------------------------------------------------------------ */

static bool is_zero(const void *memory, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)memory;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static enum paa_result start(struct paa_op *op, enum script_slot slot, struct paa_str script)
{
    struct run *run = (struct run *)op->state;

    run->slot = slot;
    run->rest = script.data != NULL ? script : STR("");
    run->left = 0;
    run->is_open = true;
    run->usable_s = DEFAULT_USABLE_S;
    return run_guarded(op, run);
}

static void check_clean(const struct run *run)
{
    if (!is_zero(run, sizeof *run))
        count(&paa_scripted_counts.dirty);
}

static enum paa_result begin(struct paa_op *op, enum script_slot slot)
{
    const struct scripted *self = (const struct scripted *)op->self;

    check_clean((const struct run *)op->state);
    return start(op, slot, self->scripts[slot]);
}

static enum paa_result start_counted(struct paa_op *op, enum script_slot slot)
{
    const struct scripted *self = (const struct scripted *)op->self;

    count(&paa_scripted_counts.begun);
    return start(op, slot, self->scripts[slot]);
}

static enum paa_result begin_counted(struct paa_op *op, enum script_slot slot)
{
    check_clean((const struct run *)op->state);
    return start_counted(op, slot);
}

static enum paa_result verify(struct paa_op *op)
{
    return begin_counted(op, SCRIPT_VERIFY);
}

static enum paa_result attach(struct paa_op *op)
{
    return begin_counted(op, SCRIPT_ATTACH);
}

/* Shares operation and state with verify, if that ran. */
static enum paa_result challenge(struct paa_op *op, const struct paa_denial *why)
{
    const struct scripted *self = (const struct scripted *)op->self;

    struct run *run = (struct run *)op->state;

    if (!run->is_open) {
        check_clean(run);
        run->why = why;
        return start_counted(op, SCRIPT_CHALLENGE);
    }
    run->why = why;
    return start(op, SCRIPT_CHALLENGE, self->scripts[SCRIPT_CHALLENGE]);
}

static enum paa_result answered(struct paa_op *op, const struct paa_response *response)
{
    UNUSED(response);
    return begin_counted(op, SCRIPT_ANSWERED);
}

static enum paa_result serve(struct paa_op *op, const struct paa_endpoint *endpoint)
{
    struct run *run = (struct run *)op->state;

    check_clean(run);
    run->option = endpoint->option;
    run->index = endpoint->index;
    return start_counted(op, SCRIPT_SERVE);
}

static enum paa_result describe(struct paa_op *op)
{
    return begin_counted(op, SCRIPT_DESCRIBE);
}

static void close_run(struct paa_op *op, atomic_ulong *counter)
{
    const struct scripted *self = (const struct scripted *)op->self;
    struct run *run = (struct run *)op->state;
    struct run last;

    count(counter);
    if (self->alive != SCRIPTED_ALIVE || !run->is_open)
        count(&paa_scripted_counts.late);
    run->is_open = false;
    memset(&last, 0, sizeof last);
    last.slot = SCRIPT_FINISH;
    last.rest = self->scripts[SCRIPT_FINISH];
    if (last.rest.data != NULL)
        (void)run_words(op, &last);
}

static void finish(struct paa_op *op)
{
    close_run(op, &paa_scripted_counts.finished);
}

static enum paa_result run_verb(struct paa_op *op, const struct paa_options *arguments)
{
    return start(op, SCRIPT_VERB, op->host->options->string(arguments, "script", 0));
}

/* ---- memo ------------------------------------------------------------------------------------- */

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *run)
{
    UNUSED(run);
    count(&paa_scripted_counts.produced);
    return begin(op, SCRIPT_PRODUCE);
}

static void finish_produce(struct paa_op *op)
{
    close_run(op, &paa_scripted_counts.produce_finished);
}

/* The object is a copy of the bytes. */
static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t part_count,
                              void **ret_object, size_t *ret_weight)
{
    const struct scripted *self = (const struct scripted *)op->self;
    size_t size = part_count > 0 ? parts[0].size : 0;
    void *object;

    if (paa_str_eq(self->scripts[SCRIPT_DECODE], "fail"))
        return PAA_STATUS_INVALID;
    object = malloc(size + 1);
    if (object == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if (size > 0)
        memcpy(object, parts[0].data, size);
    *ret_object = object;
    *ret_weight = size + 1;
    count(&paa_scripted_counts.decoded);
    return PAA_STATUS_OK;
}

static void release(void *object, const void *self)
{
    UNUSED(self);
    free(object);
    count(&paa_scripted_counts.released);
}

static enum paa_status open_memo(struct paa_op *op, struct scripted *self)
{
    struct paa_memo_def def;

    paa_init(&def, sizeof def);
    def.name = "things";
    def.flags = (uint32_t)op->host->options->number(op->options, "memo_flags", 0);
    def.produce = self->scripts[SCRIPT_PRODUCE].data != NULL ? produce : NULL;
    def.finish = def.produce != NULL ? finish_produce : NULL;
    def.decode = self->scripts[SCRIPT_DECODE].data != NULL ? decode : NULL;
    def.release = def.decode != NULL ? release : NULL;
    def.state_size = sizeof(struct run);
    return op->host->memo->open(op, &def, &self->memo);
}

/* ---- life ------------------------------------------------------------------------------------- */

static const char *const script_names[SCRIPT_COUNT] = {
    [SCRIPT_CREATE] = "create", [SCRIPT_LANE_INIT] = "lane_init", [SCRIPT_VERIFY] = "verify",
    [SCRIPT_ATTACH] = "attach", [SCRIPT_CHALLENGE] = "challenge", [SCRIPT_ANSWERED] = "answered",
    [SCRIPT_SERVE] = "serve",   [SCRIPT_DESCRIBE] = "describe",   [SCRIPT_PRODUCE] = "produce",
    [SCRIPT_DECODE] = "decode", [SCRIPT_FINISH] = "finish",
};

static enum paa_status open_table(struct paa_op *op, struct scripted *self)
{
    struct paa_str kind = paa_option_string(op, "table");

    if (paa_str_eq(kind, "none"))
        return PAA_STATUS_OK;
    return op->host->store->open(op, "things", paa_str_eq(kind, "trusted") ? PAA_TABLE_TRUSTED : 0,
                                 &self->table);
}

/* What the create script says: a status, or OK. */
static enum paa_status obey(struct paa_op *op, struct scripted *self)
{
    struct run run;
    enum paa_result result;

    memset(&run, 0, sizeof run);
    run.slot = SCRIPT_CREATE;
    run.rest = self->scripts[SCRIPT_CREATE];
    if (run.rest.data == NULL)
        return PAA_STATUS_OK;
    result = run_words(op, &run);
    if (result == PAA_DONE)
        return PAA_STATUS_OK;
    return result == PAA_UNAVAILABLE ? PAA_STATUS_UNAVAILABLE : (enum paa_status)result;
}

static enum paa_status create(struct paa_op *op, void **ret_self)
{
    struct scripted *self = (struct scripted *)calloc(1, sizeof *self);
    enum paa_status status;

    if (self == NULL)
        return PAA_STATUS_UNAVAILABLE;
    self->alive = SCRIPTED_ALIVE;
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        self->scripts[i] = paa_option_string(op, script_names[i]);
    status = obey(op, self);
    if (status == PAA_STATUS_OK)
        status = open_memo(op, self);
    if (status == PAA_STATUS_OK)
        status = open_table(op, self);
    if (status != PAA_STATUS_OK) {
        free(self);
        return status;
    }
    count(&paa_scripted_counts.created);
    *ret_self = self;
    return PAA_STATUS_OK;
}

static void destroy(void *memory)
{
    struct scripted *self = (struct scripted *)memory;

    if (self->alive != SCRIPTED_ALIVE)
        count(&paa_scripted_counts.late);
    self->alive = SCRIPTED_DEAD;
    free(self);
    count(&paa_scripted_counts.destroyed);
}

static enum paa_status lane_init(void *memory, const void *instance)
{
    const struct scripted *self = (const struct scripted *)instance;
    struct lane *lane = (struct lane *)memory;

    if (paa_str_eq(self->scripts[SCRIPT_LANE_INIT], "fail"))
        return PAA_STATUS_UNAVAILABLE;
    if (!is_zero(lane, sizeof *lane))
        count(&paa_scripted_counts.dirty);
    lane->self = self;
    atomic_flag_clear(&lane->busy);
    count(&paa_scripted_counts.lane_init);
    return PAA_STATUS_OK;
}

static void lane_done(void *memory, const void *instance)
{
    struct lane *lane = (struct lane *)memory;

    if (lane->self != instance)
        count(&paa_scripted_counts.wrong_lanes);
    lane->self = NULL;
    count(&paa_scripted_counts.lane_done);
}

/* ---- tables ----------------------------------------------------------------------------------- */

#define SCRIPT(slot)                                                                               \
    {                                                                                              \
        .name = #slot, .type = PAA_OPTION_STRING, .help = "what " #slot " does"                    \
    }

static const struct paa_option options[] = {
    SCRIPT(create),
    SCRIPT(lane_init),
    SCRIPT(verify),
    SCRIPT(attach),
    SCRIPT(challenge),
    SCRIPT(answered),
    SCRIPT(serve),
    SCRIPT(describe),
    SCRIPT(produce),
    SCRIPT(decode),
    SCRIPT(finish),
    { .name = "table",
      .type = PAA_OPTION_CHOICE,
      .choices = "none|state|trusted",
      .fallback = "none",
      .help = "the table that store words use" },
    { .name = "memo_flags",
      .type = PAA_OPTION_INTEGER,
      .fallback = "0",
      .help = "PAA_MEMO_… of the memo" },
    { .name = "signer", .type = PAA_OPTION_KEY, .help = "the key that the key words use" },
    { .name = "path",
      .type = PAA_OPTION_ENDPOINT,
      .flags = PAA_OPTION_LIST,
      .help = "paths that serve answers" },
    { .name = "tls", .type = PAA_OPTION_TLS, .help = "how servers are verified" },
    { .name = "url", .type = PAA_OPTION_URL, .help = "a URL of the policy's own" },
};

static const struct paa_option verb_arguments[] = {
    { .name = "script",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_REQUIRED,
      .help = "what it does" },
};

static const struct paa_verb verbs[] = {
    { .name = "run",
      .help = "does what its script says",
      .arguments = verb_arguments,
      .argument_count = 1,
      .state_size = sizeof(struct run),
      .run = run_verb },
};

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .flags = PAA_PLUGIN_LOGIN,
    .name = "scripted",
    .version = "1.0",
    .summary = "does what its options say, for tests",
    .options = PAA_ROWS(options),
    .verbs = PAA_ROWS(verbs),
    .state_size = sizeof(struct run),
    .lane_size = sizeof(struct lane),
    .create = create,
    .destroy = destroy,
    .lane_init = lane_init,
    .lane_done = lane_done,
    .verify = verify,
    .attach = attach,
    .challenge = challenge,
    .answered = answered,
    .serve = serve,
    .describe = describe,
    .finish = finish,
};

PAA_PLUGIN(scripted, plugin);
