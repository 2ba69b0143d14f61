/* SPDX-License-Identifier: MIT */
/* One step as written: which control word, which instances, what `on` says. */
#include "reader.h"
#include "str.h"

enum { WORDS = 4, ACTIONS = 6 };

static const char *const members[] = { "required", "requisite", "sufficient",
                                       "optional", "include",   "substack",
                                       "use",      "on",        "may_ignore" };

enum { CONTROL_MEMBERS = 7, MEMBERS = 9 };

int32_t find_instance(struct reader *reader, struct paa_str name, struct where where)
{
    int32_t index = names_find(&reader->instance_names, name.data);
    char hint[HINT_MAX], shown[HINT_MAX];

    if (index >= 0)
        return index;
    if (paa_str_eq(name, "permit"))
        return SITE_PERMIT;
    if (paa_str_eq(name, "deny"))
        return SITE_DENY;
    if (names_find(&reader->chain_names, name.data) >= 0) {
        diag_error(reader->expect.diag, where,
                   "%s is a chain, not an instance: write { include = %s } or { substack = %s }",
                   expect_shown(name, shown), shown, shown);
        return NO_INSTANCE;
    }
    expect_hint(&reader->expect, name.data, reader->instance_names.names,
                reader->instance_names.count, hint);
    diag_error(reader->expect.diag, where, "there is no instance %s%s", expect_shown(name, shown),
               hint);
    return NO_INSTANCE;
}

/* The one member that says what the step is; NULL and an error if there is none, or another. */
static const struct node *control_of(struct reader *reader, const struct node *step)
{
    const struct node *control = NULL;

    for (size_t i = 0; i < CONTROL_MEMBERS; i++) {
        const struct node *member = node_member(step, members[i]);

        if (member != NULL && control != NULL) {
            diag_error(reader->expect.diag, member->where,
                       "a step has one control word: here are \"%s\" and \"%s\"", control->name,
                       member->name);
            return NULL;
        }
        if (member != NULL)
            control = member;
    }
    if (control == NULL)
        diag_error(reader->expect.diag, step->where,
                   "a step needs a control word: required, requisite, sufficient, optional, "
                   "include, substack, or use with on");
    return control;
}

static bool read_instances_of(struct reader *reader, const struct node *node, struct raw_step *step)
{
    const struct paa_str *names;
    size_t count;
    int32_t *found;

    if (!expect_strings(&reader->expect, node, &names, &count))
        return false;
    if (count > GROUP_MAX) {
        diag_error(reader->expect.diag, node->where, "a group has at most %d instances",
                   (int)GROUP_MAX);
        return false;
    }
    found = expect_memory(&reader->expect, count, sizeof *found);
    if (found == NULL)
        return false;
    step->instances = found;
    step->instance_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++) {
        struct where where = node->child_count > 0 ? node->children[i].where : node->where;

        found[i] = find_instance(reader, names[i], where);
        if (found[i] == NO_INSTANCE)
            return false;
        if (found[i] >= 0)
            reader->instance_used[found[i]] = true;
    }
    return true;
}

static bool read_jump(struct reader *reader, const struct node *node, uint16_t *ret_action)
{
    if (node->integer == 0) {
        diag_error(reader->expect.diag, node->where,
                   "\"%s\" = 0 jumps nowhere: write \"ignore\", or how many steps to jump over",
                   node->name);
        return false;
    }
    if (node->integer < 0 || node->integer > ACTION_JUMP_MAX) {
        diag_error(reader->expect.diag, node->where, "\"%s\" must jump over 1 to %d steps",
                   node->name, (int)ACTION_JUMP_MAX);
        return false;
    }
    *ret_action = (uint16_t)node->integer;
    return true;
}

static bool refuse_action(struct reader *reader, const struct node *node)
{
    const char *words[ACTIONS];
    char hint[HINT_MAX], shown[HINT_MAX];
    uint64_t number;

    for (size_t i = 0; i < ACTIONS; i++)
        words[i] = action_words[i].word;
    if (str_to_u64(node->string, UINT64_MAX, &number)) {
        diag_error(reader->expect.diag, node->where,
                   "a jump is a number without quotes: write %s = %llu", node->name,
                   (unsigned long long)number);
        return false;
    }
    expect_hint(&reader->expect, node->string.data, words, ACTIONS, hint);
    diag_error(reader->expect.diag, node->where,
               "%s is no action: use ok, done, bad, die, ignore, reset or a number%s",
               expect_shown(node->string, shown), hint);
    return false;
}

static bool read_action(struct reader *reader, const struct node *node, uint16_t *ret_action)
{
    if (node->type == NODE_INTEGER)
        return read_jump(reader, node, ret_action);
    if (node->type != NODE_STRING) {
        diag_error(reader->expect.diag, node->where,
                   "\"%s\" must be an action such as \"ok\", or a number of steps, not %s",
                   node->name, node_type_text(node->type));
        return false;
    }
    for (size_t i = 0; i < ACTIONS; i++)
        if (paa_str_eq(node->string, action_words[i].word)) {
            *ret_action = action_words[i].action;
            return true;
        }
    return refuse_action(reader, node);
}

/* What surprises in PAM is kept, and told. */
static void warn_action(struct reader *reader, const struct node *node, uint16_t action)
{
    if (action == ACTION_RESET)
        diag_warn(reader->expect.diag, node->where,
                  "reset forgives every failure before it in this chain, also of required steps");
    else if ((action == ACTION_OK || action == ACTION_DONE) && strcmp(node->name, "accept") != 0)
        diag_warn(reader->expect.diag, node->where,
                  "%s = \"%s\" lets nobody in: the failure becomes the chain's own; write ignore "
                  "to pass it over, bad to count it",
                  node->name, node->string.data);
}

static bool read_on(struct reader *reader, const struct node *on, struct raw_step *step)
{
    static const char *const names[] = { "accept", "absent", "reject", "unavailable",
                                         "ignore", "fault",  "default" };
    const struct node *fallback;
    uint16_t other = ACTION_BAD;
    bool is_fine;

    if (!expect_type(&reader->expect, on, NODE_GROUP))
        return false;
    is_fine = node_only(on, names, 7, "\"on\"", reader->expect.diag);
    fallback = node_member(on, "default");
    if (fallback != NULL)
        is_fine = read_action(reader, fallback, &other) && is_fine;
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        const struct node *member = node_member(on, result_words[i]);

        step->action[i] = other;
        if (member == NULL)
            continue;
        is_fine = read_action(reader, member, &step->action[i]) && is_fine;
        if (is_fine)
            warn_action(reader, member, step->action[i]);
    }
    if (is_fine && fallback != NULL)
        warn_action(reader, fallback, other);
    return is_fine;
}

static bool read_use(struct reader *reader, const struct node *node, const struct node *use,
                     struct raw_step *step)
{
    const struct node *on = node_member(node, "on");

    if (on == NULL) {
        diag_error(reader->expect.diag, use->where,
                   "\"use\" needs on = { … }, which says what to do with each result");
        return false;
    }
    step->control = "on";
    return read_instances_of(reader, use, step) && read_on(reader, on, step);
}

static bool read_reference(struct reader *reader, const struct node *node, struct raw_step *step)
{
    char hint[HINT_MAX], shown[HINT_MAX];
    struct paa_str name;

    if (!expect_string(&reader->expect, node, &name))
        return false;
    step->chain = names_find(&reader->chain_names, name.data);
    if (step->chain >= 0)
        return true;
    expect_hint(&reader->expect, name.data, reader->chain_names.names, reader->chain_names.count,
                hint);
    diag_error(reader->expect.diag, node->where, "there is no chain %s in \"chains\"%s",
               expect_shown(name, shown), hint);
    return false;
}

/* Members that do not go with this control word. */
static bool check_extras(struct reader *reader, const struct node *node,
                         const struct raw_step *step)
{
    const struct node *on = node_member(node, "on");
    const struct node *may_ignore = node_member(node, "may_ignore");

    if (on != NULL && strcmp(step->control, "on") != 0) {
        diag_error(reader->expect.diag, on->where,
                   "\"on\" goes with \"use\": \"%s\" already says what to do with each result",
                   step->control);
        return false;
    }
    if (may_ignore != NULL && step->kind != RAW_STEP) {
        diag_error(reader->expect.diag, may_ignore->where,
                   "\"may_ignore\" does not go with \"%s\": say it in the chain's own steps",
                   step->control);
        return false;
    }
    return true;
}

static bool read_control(struct reader *reader, const struct node *node, const struct node *control,
                         struct raw_step *step)
{
    bool is_include = strcmp(control->name, "include") == 0;

    step->control = control->name;
    if (is_include || strcmp(control->name, "substack") == 0) {
        step->kind = is_include ? RAW_INCLUDE : RAW_SUBSTACK;
        return read_reference(reader, control, step);
    }
    if (strcmp(control->name, "use") == 0)
        return read_use(reader, node, control, step);
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(control->name, control_words[i].word) == 0) {
            memcpy(step->action, control_words[i].action, sizeof step->action);
            step->control = control_words[i].word;
        }
    return read_instances_of(reader, control, step);
}

bool read_step(struct reader *reader, const struct node *node, struct raw_step *ret_step)
{
    const struct node *control, *may_ignore;

    ret_step->kind = RAW_STEP;
    ret_step->where = node->where;
    ret_step->chain = -1;
    if (node->type != NODE_GROUP) {
        diag_error(reader->expect.diag, node->where,
                   "a step must be a group such as { required = \"NAME\" }, not %s",
                   node_type_text(node->type));
        return false;
    }
    if (!node_only(node, members, MEMBERS, "a step", reader->expect.diag))
        return false;
    control = control_of(reader, node);
    if (control == NULL || !read_control(reader, node, control, ret_step) ||
        !check_extras(reader, node, ret_step))
        return false;
    may_ignore = node_member(node, "may_ignore");
    return may_ignore == NULL || expect_boolean(&reader->expect, may_ignore, &ret_step->may_ignore);
}
