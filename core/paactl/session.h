/* SPDX-License-Identifier: MIT */
/* An open context for one command: where its findings and its log go. */
#ifndef PAACTL_SESSION_H
#define PAACTL_SESSION_H

#include "args.h"

#include <paa/paa.h>

/* What a policy may need of its host is not paactl's to refuse. */
enum {
    CAN_ALL = PAA_CAN_PEER_CERT | PAA_CAN_BODY | PAA_CAN_BODY_MATCH | PAA_CAN_PROMPT |
              PAA_CAN_BROWSER | PAA_CAN_UPSTREAM | PAA_CAN_CLIENT_KEY | PAA_CAN_RETRY
};

struct session {
    struct paa_context *context;
    bool has_time;
    int64_t time_ns;    /* since 1970, for --at */
    size_t error_count; /* findings while it was opened */
    bool opens_browser; /* pages that a person is to visit */
};

/* Opens policy; session's has_time, time_ns and opens_browser are the caller's to fill before. Errors of the
 * policy go to standard error, warnings are left to `check`. False: it has complained. */
bool session_open(struct session *session, const struct args *args, const char *policy,
                  uint32_t flags);
void session_close(struct session *session);

/* "error", "warning", … */
const char *level_word(enum paa_level level);
/* A log line to standard error. */
void log_to_stderr(enum paa_level level, struct paa_str line, void *user);

#endif
