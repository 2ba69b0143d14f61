/* SPDX-License-Identifier: MIT */
/*
 * The host's ticket: which credentials went out, by version. A value of eight words that names no secret:
 *   word 0        attempt, count, and one bit per credential that wants every response
 *   words 1 to 4  versions
 *   words 5, 6    tags of the instances, 32 bits each: name and options, so that it survives reloads
 *   word 7        a mark
 */
#ifndef ENGINE_TICKET_H
#define ENGINE_TICKET_H

#include <paa/paa.h>
#include <stdbool.h>

#define TICKET_MARK UINT64_C(0x7061612e7469636b)

static inline bool ticket_is_valid(const struct paa_ticket *ticket)
{
    return ticket->word[7] == TICKET_MARK && (ticket->word[0] >> 8 & 0xff) <= 4;
}

static inline uint32_t ticket_attempt(const struct paa_ticket *ticket)
{
    return (uint32_t)(ticket->word[0] & 0xff);
}

static inline uint16_t ticket_count(const struct paa_ticket *ticket)
{
    return (uint16_t)(ticket->word[0] >> 8 & 0xff);
}

static inline bool ticket_wants_every(const struct paa_ticket *ticket, uint16_t index)
{
    return (ticket->word[0] >> (16 + index) & 1) != 0;
}

static inline uint64_t ticket_version(const struct paa_ticket *ticket, uint16_t index)
{
    return ticket->word[1 + index];
}

static inline uint32_t ticket_tag(const struct paa_ticket *ticket, uint16_t index)
{
    return (uint32_t)(ticket->word[5 + index / 2] >> (index % 2 * 32));
}

#endif
