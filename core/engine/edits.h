/* SPDX-License-Identifier: MIT */
/* Lists of edits, and the effects of steps that become edits once the chain is decided. */
#ifndef ENGINE_EDITS_H
#define ENGINE_EDITS_H

#include "engine.h"

struct edits { /* grows in the arena; how many there can be is known before */
    struct paa_edit *list;
    uint32_t count;
    uint32_t max;
};

/* Room for max edits. False: no memory. */
bool edits_room(struct paa_txn *txn, struct edits *edits, uint32_t max);
void edits_add(struct edits *edits, enum paa_edit_kind kind, enum paa_message where,
               struct paa_str name, struct paa_str value, uint32_t flags);
/* The list is what the transaction hands out for that message. */
void edits_done(struct paa_txn *txn, enum paa_message where, const struct edits *edits);
/* Effects of steps that contributed, with the condition met; after a denial those that asked for ON_DENY, of steps that
 * accepted or rejected. */
void edits_add_effects(struct paa_txn *txn, struct edits *edits, enum paa_message where,
                       uint32_t condition);
bool effect_contributes(const struct paa_txn *txn, const struct effect *effect);

#endif
