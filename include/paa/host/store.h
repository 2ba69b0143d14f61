/*
 * paa/host/store.h: named tables of bytes -> bytes with expiry and compare-and-set, shared by
 * processes and perhaps by machines. In memory, in SQLite, or on a server: so every access waits,
 * and what is at hand answers at once. Tables outlive reloads and changed options.
 */
#ifndef PAA_HOST_STORE_H
#define PAA_HOST_STORE_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_op;
struct paa_table; /* opened in create, lives until destroy */

enum {
    PAA_TABLE_SECRET = 1u << 0, /* values are sealed at rest. One that does not open (changed, moved, its key
                                 * gone) is NONE to get and passed over by next; to PUT_NEW it EXISTS
                                 * until it expires; a plain put writes over it. Keys are not sealed */
    PAA_TABLE_LOCAL = 1u << 1,  /* need not leave this machine; else: the store the policy names */
    PAA_TABLE_PLUGIN = 1u << 2, /* one for all instances of this plugin on the same store */
    PAA_TABLE_TRUSTED = 1u << 3, /* its records decide who is let in: in the store `keys`, written by
                                 * verbs only, believed only if root or this user owns the file */
    PAA_TABLE_RARE = 1u << 4    /* no request asks for its records: each look-up may go to the file */
};

enum {
    PAA_PUT_NEW = 1u << 0,    /* only if there is none: else EXISTS (replay memory) */
    PAA_PUT_SAME = 1u << 1,   /* only if the version is still record->version: else EXISTS */
    PAA_PUT_DURABLE = 1u << 2 /* on disk before the continuation runs. A producer that put so is not
                               * called off when its instance ends, as after PAA_HTTP_ONCE */
};

struct paa_record {
    uint32_t struct_size;
    uint32_t flags;
    int64_t expires_at_s; /* 0: never. Gone for readers at that second; purged by the core */
    uint64_t version;     /* given by the core: never 0, never the same again for this key */
    struct paa_bytes key;   /* at most 255 bytes */
    struct paa_bytes value; /* at most 1 MiB */
};

/* OK, NONE, EXISTS, UNAVAILABLE, TOO_LARGE, INVALID. record: NULL unless OK; until the continuation
 * returns. */
typedef enum paa_result (*paa_store_fn)(struct paa_op *op, enum paa_status status,
                                        const struct paa_record *record,
                                        void *context) PAA_NOEXCEPT;

struct paa_host_store {
    uint32_t struct_size;
    uint32_t flags;
    /* create only; opens no file. */
    enum paa_status (*open)(struct paa_op *op, const char *name, uint32_t flags,
                            struct paa_table **ret_table);
    /* Waiting, all that follow but expect and lasts. */
    enum paa_result (*get)(struct paa_op *op, struct paa_table *table, struct paa_bytes key,
                           paa_store_fn then, void *context);
    enum paa_result (*put)(struct paa_op *op, struct paa_table *table,
                           const struct paa_record *record, uint32_t flags, paa_store_fn then,
                           void *context);
    /* version 0: whatever is there. */
    enum paa_result (*remove)(struct paa_op *op, struct paa_table *table, struct paa_bytes key,
                              uint64_t version, paa_store_fn then, void *context);
    /* The first record after `after` (absent: the first of all) whose key begins with prefix. */
    enum paa_result (*next)(struct paa_op *op, struct paa_table *table, struct paa_bytes prefix,
                            struct paa_bytes after, paa_store_fn then, void *context);
    /* The key is this operation's alone, across processes, until it ends: for read, act, save, and
     * for dialogues that one should hold for all. One lock at a time. OK without a record, or
     * UNAVAILABLE at the deadline. */
    enum paa_result (*lock)(struct paa_op *op, struct paa_table *table, struct paa_bytes key,
                            paa_store_fn then, void *context);
    /* Waits for nothing: the key will be asked for in a moment, and what can be brought near is. Said again
     * when some work was done, it brings what the first found the way to. Of one table and key at a time;
     * may do nothing. */
    void (*expect)(struct paa_op *op, struct paa_table *table, struct paa_bytes key);
    /* Waits for nothing. 1: other processes and later ones find the table, too; 0: it is in this one's
     * memory. For warnings in create. */
    int (*lasts)(struct paa_op *op, const struct paa_table *table);
};

PAA_END_DECLS

#endif
