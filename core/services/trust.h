/* SPDX-License-Identifier: MIT */
/*
 * The one trust check for everything that can change a decision: plugins, policies and their folders, exec
 * targets, secrets, CA bundles, stores. On an opened descriptor; regular (or a folder, where asked); owned by
 * root or the running user (under AT_SECURE or as root: root only); not writable by others; every folder on
 * the way the same, where sticky is allowed. Knows nothing of what the file is for.
 */
#ifndef SERVICES_TRUST_H
#define SERVICES_TRUST_H

#include <paa/types.h>
#include <stdbool.h>
#include <sys/stat.h>

enum {
    TRUST_FOLDER = 1u << 0,     /* a folder, not a regular file */
    TRUST_PRIVATE = 1u << 1,    /* and not readable by group or others: secrets, private keys */
    TRUST_EXECUTABLE = 1u << 2, /* and executable by this user */
    TRUST_OWNER_ONLY =
        1u << 3 /* stores: only root or the running user may own the file. The judge asks that
                                 * of every file, so the word changes nothing */
};

enum { FILE_MAX = 16 * 1024 * 1024 };

enum trust_role { TRUST_LEAF = 1, TRUST_PARENT, TRUST_LINK };

struct trust_who {  /* for whom files are judged */
    uid_t uid;      /* the running user */
    bool root_only; /* running as root, or AT_SECURE: the user's own files do not count */
};

struct trust_who trust_who(void);

/* Pure. May a file, folder or symbolic link with this status decide? path: what the sentence calls it. 0,
 * or -1 with a sentence that names owner or mode and the command that mends it. */
int trust_judge(const struct stat *st, const char *path, enum trust_role role, uint32_t flags,
                struct trust_who who, struct paa_error *error);

/* Opens path for reading (O_CLOEXEC) and judges it. Every part is opened from the one before: symbolic links
 * are followed here, one by one, and each folder on the way, each link and what they lead to is judged as
 * opened, so nothing can be exchanged in between. Links count as files do: only a trusted owner's. The
 * descriptor, or -1 with a sentence that names the part at fault and what to do. *ret_real (may be NULL):
 * malloc'ed real path. errno is kept for ENOENT. */
int trust_open(const char *path, uint32_t flags, struct stat *ret_stat, char **ret_real,
               struct paa_error *error);

/* Code that will run here, or in a host that is handed its name: the file may decide. 0, or -1 as above. */
int trust_code(const char *path, struct paa_error *error);

/* trust_open and read it whole, at most max bytes; malloc'ed, NUL behind. 0 or -1. */
int trust_read(const char *path, uint32_t flags, size_t max, char **ret_data, size_t *ret_size,
               struct paa_error *error);

#endif
