/* SPDX-License-Identifier: MIT */
/*
 * A transaction was decided: counted, logged, audited, once. And what else stands in the audit. What is written names places and reasons, never a
 * credential or a query.
 */
#ifndef ENGINE_DECISION_H
#define ENGINE_DECISION_H

#include "buf.h"
#include "engine.h"

enum { AUDIT_LINE_MAX = 64 * 1024 };

void decision_made(struct paa_txn *txn);
/* Appends the audit record, one line of JSON without newline. Members, always all of them and in this order: time,
 * event, generation, service, rule, method, path, peer, client, direction, verdict, status, reason, principals, notes,
 * failed, swallowed. */
void decision_audit(const struct paa_txn *txn, struct buf *buf);
/* The line of a reload. generation: in force after it. why_not: NULL, or why the policy was refused. */
void decision_reload(const struct paa_context *context, struct audit *to, uint64_t generation,
                     const char *why_not);

#endif
