/* SPDX-License-Identifier: MIT */
/* The chain's walk as a table for people. Pure. */
#ifndef PAACTL_EXPLAIN_CHAIN_H
#define PAACTL_EXPLAIN_CHAIN_H

#include "explain.h"

enum { LABEL_WIDTH = 9 }; /* the column that says Rule, Chain, Verdict, … */

void explain_chain(const struct explanation *explanation, struct out *out);
/* The label, or as many blanks. "" for further lines of a section. */
void explain_label(struct out *out, const char *label);
/* "FILE:LINE", dim. */
void explain_place(struct out *out, struct paa_str file, uint32_t line);

#endif
