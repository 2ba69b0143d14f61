/* SPDX-License-Identifier: MIT */
/*
 * The request that `explain` or `request` is about, as the command line gives it. Files that it names are read
 * here; knows no context.
 */
#ifndef PAACTL_GIVEN_H
#define PAACTL_GIVEN_H

#include "args.h"
#include "pem.h"

#include <paa/paa.h>
#include <sys/socket.h>

enum {
    GIVEN_FIELDS_MAX = 4096, /* far over what the core takes: it is the core that says 431 */
    GIVEN_FILE_MAX = 1024 * 1024
};

struct given_url { /* views; absent where it is a path */
    struct paa_str scheme;
    struct paa_str authority;
    struct paa_str target; /* path and query */
};

struct given {
    const char *command; /* for complaints */
    const char *service;
    const char *method;
    const char *whole_url;
    struct given_url url;
    struct paa_field *fields; /* views of argv and of files */
    size_t field_count;
    struct buf *files; /* one for each -H */
    size_t file_count;
    struct pem_certs certs;
    struct sockaddr_storage peer;
    size_t peer_size; /* 0: not given */
    struct sockaddr_storage client;
    size_t client_size;
    bool has_time;
    int64_t time_s;
};

/* False: it has complained. given_free in any case. */
bool given_read(struct given *given, const struct args *args, const char *command);
void given_free(struct given *given);

/* Pure. NULL: fine; else what is wrong. */
const char *given_url_parse(struct paa_str text, struct given_url *ret_url);
/* "Name: value", outer blanks of the value removed. False: there is no name or no colon. */
bool given_field_parse(struct paa_str line, struct paa_field *ret_field);
/* Numeric IPv4 or IPv6, "unix:" or "unix:/path". The size; 0: none of these. */
size_t given_address_parse(const char *text, struct sockaddr_storage *ret_address);

#endif
