/* SPDX-License-Identifier: MIT */
#include "edits.h"

#include "hint.h"

enum { REJECT_INDEX = 2 };

bool edits_room(struct paa_txn *txn, struct edits *edits, uint32_t max)
{
    edits->count = 0;
    edits->max = max;
    edits->list = LIKELY(max > 0) ? arena_alloc(&txn->arena, max * sizeof *edits->list) : NULL;
    return max == 0 || edits->list != NULL;
}

void edits_add(struct edits *edits, enum paa_edit_kind kind, enum paa_message where,
               struct paa_str name, struct paa_str value, uint32_t flags)
{
    struct paa_edit *edit;

    if (UNLIKELY(edits->count == edits->max))
        return; /* cannot be: every caller counted */
    edit = &edits->list[edits->count++];
    *edit = (struct paa_edit){ .struct_size = sizeof *edit,
                               .flags = flags,
                               .kind = kind,
                               .where = where,
                               .name = name,
                               .value = value };
}

void edits_done(struct paa_txn *txn, enum paa_message where, const struct edits *edits)
{
    txn->edits[where - PAA_MESSAGE_REQUEST] = edits->list;
    txn->edit_count[where - PAA_MESSAGE_REQUEST] = edits->count;
}

bool effect_contributes(const struct paa_txn *txn, const struct effect *effect)
{
    return txn->results[effect->site] == 0 &&
           chain_granted(&txn->chain, txn->program->sites[effect->site].step);
}

static const enum paa_edit_kind kind_of_effect[] = { [EFFECT_HEADER_SET] = PAA_EDIT_SET,
                                                     [EFFECT_HEADER_ADD] = PAA_EDIT_ADD,
                                                     [EFFECT_HEADER_REMOVE] = PAA_EDIT_REMOVE };

/* A step that accepted is heard on both sides; one that rejected only of what goes with the refusal. */
static bool counts_on_denial(const struct paa_txn *txn, const struct effect *effect)
{
    uint8_t result;

    if (effect->is_answer)
        return true;
    result = txn->results[effect->site];
    return result == 0 || (result == REJECT_INDEX && effect->where == PAA_MESSAGE_RESPONSE);
}

void edits_add_effects(struct paa_txn *txn, struct edits *edits, enum paa_message where,
                       uint32_t condition)
{
    for (const struct effect *e = txn->effects; e != NULL; e = e->next) {
        bool counts = UNLIKELY(condition == PAA_ON_DENY)
                          ? counts_on_denial(txn, e)
                          : !e->is_answer && effect_contributes(txn, e);

        if (LIKELY(counts && e->where == where && e->kind <= EFFECT_HEADER_REMOVE &&
                   (e->is_answer || (e->flags & condition) != 0)))
            edits_add(edits, kind_of_effect[e->kind], where, e->name, e->value,
                      (e->flags & PAA_SECRET) != 0 ? (uint32_t)PAA_EDIT_SECRET : 0);
    }
}
