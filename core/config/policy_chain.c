/* SPDX-License-Identifier: MIT */
/* Chains as lists of raw steps: the named ones of `chains`, and those that stand in rules. */
#include "reader.h"
#include "str.h"

static struct where chain_where(struct reader *reader, int32_t index)
{
    return reader->chains[index].where;
}

void enter_chains(struct reader *reader, const struct node *group)
{
    for (size_t i = 0; i < group->child_count; i++) {
        const struct node *node = &group->children[i];
        int32_t index = reader_enter(reader, &reader->chain_names, node, "chain", chain_where);

        if (index < 0)
            continue;
        reader->chains[index] =
            (struct chain_conf){ .name = node->name, .where = node->where, .node = node };
        reader_name(reader, node, "a chain");
    }
}

static void read_steps(struct reader *reader, struct chain_conf *chain)
{
    const struct node *node = chain->node;

    if (node->type != NODE_LIST && !(node->type == NODE_ARRAY && node->child_count == 0)) {
        char label[LABEL_MAX];

        diag_error(reader->expect.diag, node->where,
                   "%s must be a list of steps such as ( { required = \"NAME\" } ), not %s",
                   expect_label(node, label), node_type_text(node->type));
        chain->is_broken = true;
        return;
    }
    if (node->child_count > PROGRAM_STEPS_MAX) {
        diag_error(reader->expect.diag, node->where, "a chain has at most %d steps",
                   (int)PROGRAM_STEPS_MAX);
        chain->is_broken = true;
        return;
    }
    chain->steps = expect_memory(&reader->expect, node->child_count, sizeof *chain->steps);
    if (chain->steps == NULL) {
        chain->is_broken = true;
        return;
    }
    for (; chain->step_count < node->child_count; chain->step_count++)
        if (!read_step(reader, &node->children[chain->step_count],
                       &chain->steps[chain->step_count]))
            chain->is_broken = true;
}

void read_chains(struct reader *reader)
{
    struct program program;

    for (size_t i = 0; i < reader->chain_names.count; i++)
        read_steps(reader, &reader->chains[i]);
    /* Also those that nothing uses: a cycle is an error wherever it is. */
    for (size_t i = 0; i < reader->chain_names.count; i++)
        if (!expand_chain(reader, &reader->chains[i], false, &program))
            reader->chains[i].is_broken = true;
}

/* Everything that the chain comes to is used. It was expanded, so it is not deep. */
static void mark_used(struct reader *reader, struct chain_conf *chain)
{
    if (chain->is_used)
        return;
    chain->is_used = true;
    for (size_t i = 0; i < chain->step_count; i++)
        if (chain->steps[i].chain >= 0)
            mark_used(reader, &reader->chains[chain->steps[i].chain]);
}

/* Many rules may name one chain: it is expanded once. */
static bool read_named(struct reader *reader, const struct node *node, struct program *ret_program)
{
    int32_t index = names_find(&reader->chain_names, node->string.data);
    char hint[HINT_MAX], shown[HINT_MAX];
    struct chain_conf *chain;

    if (index < 0) {
        expect_hint(&reader->expect, node->string.data, reader->chain_names.names,
                    reader->chain_names.count, hint);
        diag_error(reader->expect.diag, node->where,
                   "there is no chain %s in \"chains\"%s: for one instance write "
                   "( { required = \"NAME\" } )",
                   expect_shown(node->string, shown), hint);
        return false;
    }
    chain = &reader->chains[index];
    if (chain->is_broken)
        return false;
    if (!chain->is_compiled) {
        if (!expand_chain(reader, chain, true, &chain->program)) {
            chain->is_broken = true;
            return false;
        }
        chain->is_compiled = true;
        mark_used(reader, chain);
    }
    *ret_program = chain->program;
    return true;
}

bool read_program(struct reader *reader, const struct node *node, struct program *ret_program)
{
    struct chain_conf chain = { .node = node, .where = node->where };

    if (node->type == NODE_STRING)
        return read_named(reader, node, ret_program);
    read_steps(reader, &chain);
    if (chain.is_broken || !expand_chain(reader, &chain, true, ret_program))
        return false;
    mark_used(reader, &chain);
    return true;
}
