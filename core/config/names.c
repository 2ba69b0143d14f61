/* SPDX-License-Identifier: MIT */
/* A hash table with open addressing that never grows. */
#include "names.h"
#include "hash.h"

static size_t slot_of(const struct names *names, const char *name)
{
    static const struct hash_key key = { { 1, 2 } }; /* the operator's own names: nobody attacks */
    size_t at = (size_t)hash_bytes(&key, name, strlen(name)) & names->mask;

    while (names->slots[at] != 0 && strcmp(names->names[names->slots[at] - 1], name) != 0)
        at = (at + 1) & names->mask;
    return at;
}

bool names_init(struct names *names, size_t max, struct arena *arena)
{
    size_t room = 16;

    while (room < max * 2)
        room *= 2;
    names->mask = room - 1;
    names->count = 0;
    names->names = arena_array(arena, max + 1, sizeof *names->names);
    names->slots = arena_array(arena, room, sizeof *names->slots);
    return names->names != NULL && names->slots != NULL;
}

int32_t names_find(const struct names *names, const char *name)
{
    return (int32_t)names->slots[slot_of(names, name)] - 1;
}

int32_t names_add(struct names *names, const char *name)
{
    names->names[names->count] = name;
    names->slots[slot_of(names, name)] = (uint32_t)++names->count;
    return (int32_t)names->count - 1;
}
